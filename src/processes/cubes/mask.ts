/** mask: replaces values where a mask is set. */
import { withNewValues } from '../../cube/attributes.ts';
import { readRegion, windowFor, type Region } from '../../cube/broadcast.ts';
import type { Block, Window } from '../../cube/block.ts';
import type { Cube } from '../../cube/cube.ts';
import { digest } from '../../cube/digest.ts';
import { allocate, isFloat, type DType } from '../../cube/dtype.ts';
import { pointwiseRegrid } from '../../cube/resample.ts';
import { invalidArgument, OpenEOError } from '../../errors.ts';
import { commonDType, dtypeOfNumber } from '../../graph/result-dtype.ts';
import type { Implementation } from '../../graph/process.ts';
import type { Value } from '../../graph/value.ts';
import { alignTo } from './align.ts';
import { cubeOf, kindOf } from './arguments.ts';
import { meaningOf } from './fingerprint.ts';
import { marksOf, rememberMasking, type Masking } from './marks.ts';

export const mask: Implementation = {
  run(args) {
    const data = cubeOf(args, 'mask');
    const replacement = replacementOf(args['replacement'], data.dtype);
    const meaning = meaningOf('mask', args);
    const given = cubeOf(args, 'mask', 'mask');
    const derive = (source: Cube, regrid?: Cube['regrid']) => masked({ data: source, by: alignedMask(source, given) }, replacement, meaning, regrid);
    return derive(data, pointwiseRegrid(data, derive));
  },
};

function replacementOf(value: Value | undefined, dtype: DType): number | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean' && dtype === 'bool') return Number(value);
  throw invalidArgument('mask', 'replacement', `the values of the cube are ${dtype === 'bool' ? 'booleans' : 'numbers'}, so ${kindOf(value)} can't replace them`);
}

/** The mask on the data's grid, its dimensions checked against the data's. */
function alignedMask(data: Cube, given: Cube): Cube {
  if ((data.grid === null) !== (given.grid === null)) throw incompatible('Only one of the two lies on a regular grid.');
  const aligned = data.grid ? alignTo(given, data.grid, { process: 'mask', parameter: 'mask' }) : given;
  for (const { name } of aligned.dimensions) {
    if (!data.dimensions.some((d) => d.name === name)) throw incompatible(`The mask has the dimension '${name}', the data has not.`);
    const [wanted, found] = [data.labels(name), aligned.labels(name)];
    const isSame = wanted.length === found.length && wanted.every((label, i) => label === found[i]);
    // Labels on the grid are computed, and equal by construction but for the last digits.
    if (!isSame && !(data.grid && data.dimension(name).axis)) throw incompatible(`Data and mask have different labels on '${name}'.`);
  }
  return aligned;
}

const incompatible = (detail: string) => new OpenEOError('IncompatibleDataCubes', {}, { detail });

function masked({ data, by }: Masking, replacement: number | null, meaning: string, regrid: Cube['regrid']): Cube {
  const names = data.dimensions.map((d) => d.name);
  const dtype = replacement === null || isFloat(data.dtype) || data.dtype === 'bool' ? data.dtype : commonDType(data.dtype, dtypeOfNumber(replacement));
  const region = (window: Window): Region => ({ names, ...window });
  const cube = data.with({
    dtype,
    attributes: replacement === null ? data.attributes : withNewValues(data.attributes),
    read: async (window, signal) => {
      const [values, flags] = await Promise.all([data.read(window, signal), readRegion(by, region(window), signal)]);
      return replacement === null ? hide(values, flags) : replace(values, flags, replacement, dtype);
    },
    fingerprint: async (window) => digest([meaning, await data.fingerprint(window), window.size, await by.fingerprint(windowFor(by, region(window)))]),
    ...(regrid && { regrid }),
  });
  return replacement === null ? rememberMasking(cube, { data, by }) : cube;
}

function hide(values: Block, flags: Block): Block {
  const marks = marksOf(flags);
  if (values.nulls === null) return marks.includes(1) ? { ...values, nulls: marks } : values;
  const nulls = values.nulls.slice();
  for (let i = 0; i < nulls.length; i++) nulls[i]! |= marks[i]!;
  return { ...values, nulls };
}

function replace(values: Block, flags: Block, replacement: number, dtype: DType): Block {
  const data = allocate(dtype, values.data.length);
  data.set(values.data);
  const nulls = values.nulls && values.nulls.slice();
  const marks = marksOf(flags);
  for (let i = 0; i < data.length; i++) {
    if (marks[i] === 0) continue;
    data[i] = replacement;
    if (nulls) nulls[i] = 0;
  }
  return { dtype, shape: values.shape, data, nulls };
}
