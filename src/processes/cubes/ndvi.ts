/** ndvi: (nir − red) / (nir + red). */
import { withNewValues, withoutBands } from '../../cube/attributes.ts';
import { allocate, arithmeticDType } from '../../cube/dtype.ts';
import { createBlock, type Block, type Window } from '../../cube/block.ts';
import type { Cube } from '../../cube/cube.ts';
import { digest } from '../../cube/digest.ts';
import { pasteBlock } from '../../cube/paste.ts';
import { pointwiseRegrid } from '../../cube/resample.ts';
import { fingerprintLabels, readLabels } from '../../cube/view.ts';
import { commonWindow, isEmptyWindow, withInserted, withRange } from '../../cube/window.ts';
import { OpenEOError } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import { cubeOf, indicesOfType, optionalTextOf } from './arguments.ts';
import { findBands } from './bands.ts';

export const ndvi: Implementation = {
  run(args) {
    const cube = cubeOf(args, 'ndvi');
    const dimension = onlyBands(cube);
    const target = optionalTextOf(args, 'ndvi', 'target_band');
    const nir = oneBand(cube, dimension, optionalTextOf(args, 'ndvi', 'nir') ?? 'nir', 'NirBandAmbiguous');
    const red = oneBand(cube, dimension, optionalTextOf(args, 'ndvi', 'red') ?? 'red', 'RedBandAmbiguous');
    if (target !== null && findBands(cube, dimension, target).length > 0) throw new OpenEOError('BandExists', {}, { detail: `It is '${target}'.` });
    const derive = (source: Cube) => (target === null ? indexCube(source, dimension, nir, red) : withBand(source, indexCube(source, dimension, nir, red), dimension, target));
    const regrid = pointwiseRegrid(cube, derive);
    const out = derive(cube);
    return regrid ? out.with({ regrid }) : out;
  },
};

function onlyBands(cube: Cube): number {
  const found = indicesOfType(cube, 'bands');
  if (found.length === 1) return found[0]!;
  throw new OpenEOError('DimensionAmbiguous', {}, { detail: `The cube has ${found.length}.` });
}

function oneBand(cube: Cube, dimension: number, name: string, code: 'NirBandAmbiguous' | 'RedBandAmbiguous'): number {
  const found = findBands(cube, dimension, name);
  if (found.length === 1) return found[0]!;
  throw new OpenEOError(code, {}, { detail: `${found.length === 0 ? 'No band has' : `${found.length} bands have`} the name or common name '${name}'.` });
}

/** The index alone, without the bands dimension. */
function indexCube(cube: Cube, dimension: number, nir: number, red: number): Cube {
  const dtype = arithmeticDType(cube.dtype);
  const both = (window: Window) => withInserted(window, dimension, 0, 1);
  return cube.with({
    dimensions: cube.dimensions.toSpliced(dimension, 1),
    dtype,
    attributes: withoutBands(cube.attributes),
    read: async (window, signal) => {
      const [a, b] = await Promise.all([nir, red].map((band) => readLabels(cube, both(window), dimension, [band], signal))) as [Block, Block];
      return normalizedDifference(a, b, dtype, window.size);
    },
    fingerprint: async (window) => digest(['ndvi', await fingerprintLabels(cube, both(window), dimension, [nir, red])]),
  });
}

function normalizedDifference(a: Block, b: Block, dtype: 'float32' | 'float64', shape: readonly number[]): Block {
  const data = allocate(dtype, a.data.length);
  for (let i = 0; i < data.length; i++) data[i] = (a.data[i]! - b.data[i]!) / (a.data[i]! + b.data[i]!);
  return { dtype, shape, data, nulls: joinedNulls(a.nulls, b.nulls) };
}

function joinedNulls(a: Uint8Array | null, b: Uint8Array | null): Uint8Array | null {
  if (!a || !b) return a ?? b;
  return a.map((flag, i) => flag | b[i]!);
}

/** The cube with the index as one more band. */
function withBand(cube: Cube, index: Cube, dimension: number, name: string): Cube {
  const old = cube.dimensions[dimension]!;
  const { bands, ...attributes } = withNewValues(cube.attributes);
  const parts = (window: Window) => ({
    own: commonWindow(window, withRange(window, dimension, 0, old.size)),
    added: commonWindow(window, withRange(window, dimension, old.size, 1)),
  });
  const flat = (window: Window) => ({ start: window.start.toSpliced(dimension, 1), size: window.size.toSpliced(dimension, 1) });
  return cube.with({
    dimensions: cube.dimensions.with(dimension, { ...old, size: old.size + 1, labels: [...old.labels!, name] }),
    dtype: index.dtype,
    attributes: { ...attributes, ...(bands && { bands: [...bands, { name }] }) },
    read: async (window, signal) => {
      const { own, added } = parts(window);
      const out = createBlock(index.dtype, window.size);
      if (!isEmptyWindow(own)) pasteBlock(out, window, await cube.read(own, signal), own);
      if (!isEmptyWindow(added)) pasteBlock(out, window, { ...await index.read(flat(added), signal), shape: added.size }, added);
      return out;
    },
    fingerprint: async (window) => {
      const { own, added } = parts(window);
      return digest(['ndvi', own.size, isEmptyWindow(own) ? null : await cube.fingerprint(own), isEmptyWindow(added) ? null : await index.fingerprint(flat(added))]);
    },
  });
}
