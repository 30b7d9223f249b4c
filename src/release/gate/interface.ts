/** Whether the operator does what its manifest says of its form: shapes, numbers, dimensions, length of vectors. */
import { judged, type Check, type Figure } from './check.ts';
import { embedOne, noiseBlock, type Pixels, type Subject } from './subject.ts';

/** Blocks of these many patches: one alone, a wide one, a square. */
const SIZES = [[1, 1], [2, 3], [6, 6]] as const;

export async function checkInterface(subject: Subject): Promise<Check> {
  const { manifest } = subject.operator;
  const faults: string[] = [];
  let last = new Float32Array(0);
  for (const [i, [down, across]] of SIZES.entries()) {
    last = await embedded(subject, noiseBlock(subject, down, across, 11 + i), down * across, `${down} × ${across} patches of noise`, faults);
  }
  await embedded(subject, flat(subject, manifest.input.fill), 4, 'pixels without data', faults);
  await embedded(subject, flat(subject, 0), 4, 'black pixels', faults);
  await embedded(subject, flat(subject, 65535), 4, 'the brightest pixels', faults);
  const patches = SIZES.at(-1)![0] * SIZES.at(-1)![1];
  const figures: Figure[] = [
    { name: 'dimensions', value: manifest.output.dimensions },
    { name: 'dimensions that differ between patches', value: liveDimensions(last, patches), at_least: Math.ceil(0.5 * manifest.output.dimensions) },
    ...(manifest.output.norm === 'unit' ? [{ name: 'largest error of the length of a unit vector', value: lengthError(last, patches), at_most: 1e-3 }] : []),
  ];
  return judged('interface', figures, `Blocks of 1 to ${patches} patches give vectors of ${manifest.output.dimensions} finite numbers.`, faults);
}

async function embedded(subject: Subject, block: Pixels, patches: number, what: string, faults: string[]): Promise<Float32Array<ArrayBuffer>> {
  const { dimensions } = subject.operator.manifest.output;
  const vectors = await embedOne(subject, block);
  if (vectors.length !== dimensions * patches) faults.push(`${what} give ${vectors.length} numbers, and must give ${dimensions} × ${patches}`);
  const odd = vectors.reduce((count, v) => count + (Number.isFinite(v) ? 0 : 1), 0);
  if (odd > 0) faults.push(`${what} give ${odd} numbers of ${vectors.length} that are NaN or infinite`);
  return new Float32Array(vectors);
}

function flat(subject: Subject, value: number): Pixels {
  const block = noiseBlock(subject, 2, 2, 1);
  return { ...block, samples: block.samples.fill(value) };
}

function liveDimensions(planar: Float32Array, patches: number): number {
  let live = 0;
  for (let at = 0; at < planar.length; at += patches) if (planar.subarray(at, at + patches).some((v) => v !== planar[at])) live++;
  return live;
}

function lengthError(planar: Float32Array, patches: number): number {
  const dimensions = planar.length / patches;
  const errors = Array.from({ length: patches }, (_, p) => Math.abs(1 - Math.sqrt(Array.from({ length: dimensions }, (__, d) => planar[d * patches + p]! ** 2).reduce((a, b) => a + b, 0))));
  return Math.max(...errors);
}
