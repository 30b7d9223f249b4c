/** The samples to store for a block: codes where embeddings are quantised, otherwise values with no-data filled in. */
import type { Block } from '../../cube/block.ts';
import type { Cube } from '../../cube/cube.ts';
import { isFloat, type Samples } from '../../cube/dtype.ts';
import { encodeBlock, storedTypeFor, type StoredType } from '../cog/stored-type.ts';
import { storedValues } from '../embedding-codes.ts';
import type { PlannedBand } from '../raster-plan.ts';

export interface Codes {
  readonly samples: Samples;
  readonly nulls: Uint8Array | null;
  /** A valid sample equals the no-data value. Never so for floats and for codes of embeddings. */
  readonly isAmbiguous: boolean;
  /** int8_per_vector: one per vector, in the block's shape without the bands; NaN for vectors without data. */
  readonly scale: Float32Array | null;
}

/** The type to store a cube in: the encoding needs the bands that its lists belong to. */
export function codeTypeFor(cube: Cube): StoredType {
  const isEncoded = cube.attributes.encoding && cube.find('bands');
  return isEncoded ? storedTypeFor(cube) : storedTypeFor(cube, cube.dtype === 'bool' ? 'uint8' : cube.dtype);
}

/** `block` has the bands first of its dimensions of more than one label; `bandsAxis` says where, and is −1 without bands. */
export function codesOf(block: Block, type: StoredType, bands: readonly PlannedBand[], bandsAxis: number): Codes {
  const { encoding } = type;
  if (!encoding || encoding.method === 'float32') return { ...encodeBlock(block, { dtype: type.dtype, nodata: type.nodata, isNodataGiven: type.isNodataGiven }, bands), scale: null };
  const { data, scale } = storedValues(block, encoding, bandsAxis);
  return { samples: data, nulls: nullsOf(data, type), isAmbiguous: false, scale: scale ?? null };
}

function nullsOf(samples: Samples, { dtype, nodata }: StoredType): Uint8Array | null {
  const isNull = isFloat(dtype) ? Number.isNaN : (value: number) => value === nodata;
  let nulls: Uint8Array | null = null;
  for (let i = 0; i < samples.length; i++) {
    if (!isNull(samples[i]!)) continue;
    nulls ??= new Uint8Array(samples.length);
    nulls[i] = 1;
  }
  return nulls;
}
