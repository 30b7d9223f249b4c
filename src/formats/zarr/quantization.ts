/** How the codes of quantised embeddings become values again, in the words of `geoemb:quantization`. */
import type { Encoding } from '../../cube/cube.ts';
import type { Attributes, Json } from './metadata.ts';

/** Names of the arrays beside the codes. */
export const SCALE = 'scale';
export const OFFSET = 'offset';
export const THRESHOLD = 'threshold';

/** Codes of AlphaEarth's kind: value = gain · sign(code) · (code / 127.5)². */
const POWER_SCALE = 127.5;

/** What the encoding's lists have in common: the one number, or undefined when they differ or are absent. */
export function shared(values: readonly number[] | undefined): number | undefined {
  return values?.every((value) => value === values[0]) ? values[0] : undefined;
}

/** The quantisation object; null where values are stored as they are. */
export function quantizationText(encoding: Encoding | undefined): Readonly<Record<string, Json>> | null {
  if (!encoding || encoding.method === 'float32') return null;
  return { original_dtype: 'float32', quantized_dtype: encoding.dtype, ...methodText(encoding) };
}

function methodText({ method, scale, offset, gain, nodata }: Encoding): Readonly<Record<string, Json>> {
  switch (method) {
    case 'int8': return { method: 'linear', nodata, ...linearScale(scale, offset), formula: 'value = code * scale + offset' };
    case 'int8_per_vector': return { method: 'per_pixel_scale', scale: array(SCALE), formula: 'value = code * scale' };
    case 'int8_power2': return { method: 'power', power: 2, nodata, gain: gain ?? 1, scale: { type: 'scalar', scale: POWER_SCALE, offset: 0 }, formula: 'value = gain * sign(code) * (code / scale) ** power' };
    case 'binary': return { method: 'binary', nodata, threshold: array(THRESHOLD), formula: 'code = value > threshold' };
    case 'float16':
    case 'float32': return { method: 'cast' };
  }
}

/** One scale for all dimensions, or arrays over them. */
function linearScale(scale: readonly number[] | undefined, offset: readonly number[] | undefined): Attributes {
  const [step, middle] = [shared(scale), offset ? shared(offset) : 0];
  if (step !== undefined && middle !== undefined) return { scale: { type: 'scalar', scale: step, offset: middle } };
  return { scale: array(SCALE), offset: array(OFFSET) };
}

const array = (name: string): Json => ({ type: 'array', array_name: name, nodata: 'nan' });
