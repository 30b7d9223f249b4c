/** How the values of a cube become stored samples: type, no-data value, scale and offset. */
import type { Block } from '../../cube/block.ts';
import type { Cube, Encoding } from '../../cube/cube.ts';
import { allocate, isFloat, type DType, type Samples } from '../../cube/dtype.ts';
import { storedValues } from '../embedding-codes.ts';
import { refuse } from '../options.ts';

export interface StoredType {
  readonly dtype: Exclude<DType, 'bool'>;
  /** The value that stands for no-data. */
  readonly nodata: number;
  /** True when the cube itself says so, and not our choice because some value is needed. */
  readonly isNodataGiven: boolean;
  /** True when the user has chosen it: valid samples of that value become no-data. */
  readonly isNodataWanted?: boolean;
  readonly encoding?: Encoding;
}

type IntegerType = 'uint8' | 'int8' | 'uint16' | 'int16' | 'uint32' | 'int32';

/** Far from what measurements and classes usually are. */
const usualNodata: Record<IntegerType, number> = { uint8: 255, int8: -128, uint16: 65_535, int16: -32_768, uint32: 4_294_967_295, int32: -2_147_483_648 };
/** Where to go when a type has no value left for no-data. */
const wider: Record<IntegerType, { readonly dtype: StoredType['dtype']; readonly nodata: number }> = {
  uint8: { dtype: 'uint16', nodata: 65_535 },
  int8: { dtype: 'int16', nodata: -32_768 },
  uint16: { dtype: 'int32', nodata: -1 },
  int16: { dtype: 'int32', nodata: -2_147_483_648 },
  uint32: { dtype: 'float64', nodata: Number.NaN },
  int32: { dtype: 'float64', nodata: Number.NaN },
};
const limits: Record<IntegerType, readonly [number, number]> = {
  uint8: [0, 255], int8: [-128, 127], uint16: [0, 65_535], int16: [-32_768, 32_767], uint32: [0, 4_294_967_295], int32: [-2_147_483_648, 2_147_483_647],
};

/**
 * The type to try first: the encoding the cube asks for, else `wanted`, else its own type. Floats use NaN
 * for no-data, integers the source's value, where the type can hold it, or a far one.
 */
export function storedTypeFor(cube: Cube, wanted?: StoredType['dtype']): StoredType {
  const { encoding, nodata } = cube.attributes;
  if (encoding && wanted === undefined) return { dtype: encoding.dtype === 'bool' ? 'uint8' : encoding.dtype, nodata: encoding.nodata, isNodataGiven: true, encoding };
  const dtype = wanted ?? (cube.dtype === 'bool' ? 'uint8' : cube.dtype);
  if (!isInteger(dtype)) return { dtype, nodata: Number.NaN, isNodataGiven: true };
  const [low, high] = limits[dtype];
  const isFitting = cube.dtype !== 'bool' && typeof nodata === 'number' && Number.isInteger(nodata) && nodata >= low && nodata <= high;
  return isFitting ? { dtype, nodata, isNodataGiven: true } : { dtype, nodata: usualNodata[dtype], isNodataGiven: false };
}

/** The type with the no-data value that the user asks for. Throws ProcessParameterInvalid when the type can't hold it, or holds codes that have their own. */
export function withWantedNodata(type: StoredType, nodata: number | undefined): StoredType {
  if (nodata === undefined) return type;
  if (type.encoding && !isFloat(type.dtype)) throw refuse('\'nodata\' can\'t be chosen for quantized embeddings, whose codes have their own');
  const stored = allocate(type.dtype, 1);
  stored[0] = nodata;
  const isHeld = isInteger(type.dtype) ? stored[0] === nodata : Number.isFinite(stored[0]!);
  if (!isHeld) throw refuse(`'nodata' ${nodata} is no value of ${type.dtype}`);
  return { ...type, nodata: stored[0]!, isNodataGiven: true, isNodataWanted: true };
}

/** The block with samples of this value flagged as no-data; the same block when there are none. */
export function flagNodata(block: Block, nodata: number): Block {
  if (!hasValid(block, nodata)) return block;
  const nulls = block.nulls?.slice() ?? new Uint8Array(block.data.length);
  for (let i = 0; i < nulls.length; i++) if (block.data[i] === nodata) nulls[i] = 1;
  return { ...block, nulls };
}

/** The next type to try when valid samples equal the no-data value and lie between `minimum` and `maximum`. */
export function withFreeNodata(type: StoredType, minimum: number, maximum: number): StoredType {
  if (!isInteger(type.dtype)) return type;
  const [low, high] = limits[type.dtype];
  if (maximum < high) return { ...type, nodata: high, isNodataGiven: false };
  if (minimum > low) return { ...type, nodata: low, isNodataGiven: false };
  return { ...type, ...wider[type.dtype], isNodataGiven: false };
}

export interface EncodedSamples {
  readonly samples: Samples;
  /** int8_per_vector: one per vector, in the block's shape without the bands. */
  readonly scale?: Float32Array<ArrayBuffer>;
  /** No-data flags of the stored samples: those of the block, and NaN where integers are stored. */
  readonly nulls: Uint8Array | null;
  /** A valid sample equals the no-data value. */
  readonly isAmbiguous: boolean;
}

/**
 * Stored samples of a block; no-data becomes the type's no-data value, and so does NaN in integers. When the
 * type has an encoding, the bands dimension is in the place `bandsAxis` of the block.
 */
export function encodeBlock(block: Block, type: StoredType, bandsAxis = -1): EncodedSamples {
  if (type.encoding && !isFloat(type.dtype)) return encodeVectors(block, type, bandsAxis);
  const plain = block.dtype === type.dtype || (block.dtype === 'bool' && type.dtype === 'uint8');
  if (!plain) return encodeConverted(block, type);
  if (type.isNodataWanted) return { ...encodeBlock(flagNodata(block, type.nodata), { ...type, isNodataWanted: false }), isAmbiguous: false };
  const isFree = isFloat(type.dtype) || !hasValid(block, type.nodata);
  if (!block.nulls) return { samples: block.data, nulls: null, isAmbiguous: !isFree };
  const samples = block.data.slice();
  for (let i = 0; i < samples.length; i++) if (block.nulls[i]) samples[i] = type.nodata;
  return { samples, nulls: block.nulls, isAmbiguous: !isFree };
}

/** The block's flags with NaN flagged too; the same array when there is no NaN. */
function withNaN(block: Block): Uint8Array | null {
  const { data } = block;
  if (!isFloat(block.dtype)) return block.nulls;
  let { nulls } = block;
  for (let i = 0; i < data.length; i++) {
    // NaN is the one value that does not equal itself.
    if (data[i] === data[i] || nulls?.[i]) continue;
    if (nulls === block.nulls) nulls = nulls ? nulls.slice() : new Uint8Array(data.length);
    nulls![i] = 1;
  }
  return nulls;
}

/** Codes of embeddings; NaN has become no-data. */
function encodeVectors(block: Block, type: StoredType, bandsAxis: number): EncodedSamples {
  const { data, scale } = storedValues(block, type.encoding!, bandsAxis);
  return { samples: data, ...(scale && { scale }), nulls: withNaN(block), isAmbiguous: false };
}

/** To another type: numbers are rounded and held at its limits. */
function encodeConverted(block: Block, type: StoredType): EncodedSamples {
  const samples = allocate(type.dtype, block.data.length);
  const isInt = isInteger(type.dtype);
  const nulls = isInt ? withNaN(block) : block.nulls;
  const [low, high] = isInt ? limits[type.dtype as IntegerType] : [0, 0];
  let isAmbiguous = false;
  for (let i = 0; i < samples.length; i++) {
    if (nulls?.[i]) {
      samples[i] = type.nodata;
    } else if (isInt) {
      samples[i] = Math.min(high, Math.max(low, Math.floor(block.data[i]! + 0.5)));
      if (samples[i] === type.nodata) isAmbiguous = true;
    } else {
      samples[i] = block.data[i]!;
    }
  }
  if (!type.isNodataWanted) return { samples, nulls, isAmbiguous };
  const flagged = flagNodata({ dtype: type.dtype, shape: block.shape, data: samples, nulls }, type.nodata);
  return { samples, nulls: flagged.nulls, isAmbiguous: false };
}

function hasValid(block: Block, value: number): boolean {
  for (let i = block.data.indexOf(value as never); i >= 0; i = block.data.indexOf(value as never, i + 1)) if (!block.nulls?.[i]) return true;
  return false;
}

const isInteger = (dtype: DType): dtype is IntegerType => dtype in limits;
