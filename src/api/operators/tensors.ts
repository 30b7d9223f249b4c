/** Which tensors an operator takes and gives: names, types and shapes in the words of the Open Inference Protocol. */
import { invalidArgument, type OpenEOError } from '../../errors.ts';
import type { OperatorManifest } from '../../operators/operator.ts';

export interface TensorDescription {
  readonly name: string;
  readonly datatype: 'FP32';
  /** -1 where any length goes. */
  readonly shape: readonly number[];
}

/** [blocks, bands, rows, columns]; rows and columns are n · patch + 2 · halo. */
export function inputTensor(manifest: OperatorManifest): TensorDescription {
  return { name: manifest.kind === 'onnx' ? manifest.model.input : 'pixels', datatype: 'FP32', shape: [-1, manifest.input.bands.length, -1, -1] };
}

/** [blocks, dimensions, rows of patches, columns of patches]. */
export function outputTensor(manifest: OperatorManifest): TensorDescription {
  return { name: manifest.kind === 'onnx' ? manifest.model.output : 'embedding', datatype: 'FP32', shape: [-1, manifest.output.dimensions, -1, -1] };
}

/** Blocks that one request may bring: they are in memory together. */
export const MAX_BLOCKS = 64;

/**
 * Checks that an operator takes an input of this shape.
 *
 * @param maxSamples that one request may bring
 * @throws ProcessParameterInvalid, saying which shapes it takes
 */
export function checkShape(manifest: OperatorManifest, shape: readonly number[], maxSamples: number): void {
  const { patch, halo, input } = manifest;
  const wanted = `it must be [blocks, ${input.bands.length}, rows, columns], rows and columns being ${halo > 0 ? `a multiple of ${patch} and ${2 * halo} more, for the surroundings` : `multiples of ${patch}`}`;
  if (shape.length !== 4 || !shape.every((length) => Number.isSafeInteger(length) && length > 0)) throw refused('shape', wanted);
  const [blocks, bands, rows, columns] = shape as [number, number, number, number];
  if (bands !== input.bands.length) throw refused('shape', `${wanted}; the bands are ${input.bands.map(({ name }) => name).join(', ')}`);
  for (const length of [rows, columns]) if (length <= 2 * halo || (length - 2 * halo) % patch !== 0) throw refused('shape', `${wanted}; ${length} is not`);
  if (blocks > MAX_BLOCKS) throw refused('shape', `a request has ${MAX_BLOCKS} blocks at most`);
  const samples = blocks * bands * rows * columns;
  if (samples > maxSamples) throw refused('shape', `it has ${samples} values, and a request may bring ${maxSamples}`);
}

/** A fault of an inference request. */
export function refused(parameter: string, reason: string): OpenEOError {
  return invalidArgument('infer', parameter, `${reason}.`);
}
