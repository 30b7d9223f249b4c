/** anomaly: how far values are from what is normal for their time of the year. */
import { withNewValues } from '../../cube/attributes.ts';
import { allocate, arithmeticDType, type DType } from '../../cube/dtype.ts';
import type { Block, Window } from '../../cube/block.ts';
import { readRegion, windowFor, type Region } from '../../cube/broadcast.ts';
import type { Cube } from '../../cube/cube.ts';
import { digest } from '../../cube/digest.ts';
import type { Label } from '../../cube/dimension.ts';
import { pointwiseRegrid } from '../../cube/resample.ts';
import { pickLabels, viewCube } from '../../cube/view.ts';
import { invalidArgument } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import { commonDType } from '../../graph/result-dtype.ts';
import { alignTo } from './align.ts';
import { cubeOf, indicesOfType, textOf } from './arguments.ts';
import { normalOf } from './normal-periods.ts';

const ID = 'anomaly';

export const anomaly: Implementation = {
  run(args) {
    const data = cubeOf(args, ID);
    const normals = cubeOf(args, ID, 'normals');
    const dated = unfold(data, normals, textOf(args, ID, 'period'));
    const derive = (source: Cube) => subtracted(source, onGridOf(source, dated));
    const regrid = pointwiseRegrid(data, derive);
    const out = derive(data);
    return regrid ? out.with({ regrid }) : out;
  },
};

function temporalOf(cube: Cube, parameter: string): number {
  const found = indicesOfType(cube, 'temporal');
  if (found.length === 1) return found[0]!;
  throw invalidArgument(ID, parameter, `it must have exactly one temporal dimension, but has ${found.length}`);
}

/** The normals with one label per label of the data, on a dimension of the same name. */
function unfold(data: Cube, normals: Cube, period: string): Cube {
  const own = data.dimensions[temporalOf(data, 'data')]!;
  const at = temporalOf(normals, 'normals');
  const names = (normals.dimensions[at]!.labels ?? []).map(String);
  const picks = (own.labels ?? []).map((label) => positionOf(label, names, period));
  const picked = pickLabels(normals, at, picks);
  return viewCube(picked, { dimensions: picked.dimensions.with(at, own), toSource: (window) => window });
}

function positionOf(label: Label, names: readonly string[], period: string): number {
  if (period === 'single-period' || period === 'climatology-period') {
    if (names.length === 1) return 0;
    throw invalidArgument(ID, 'normals', `the period '${period}' takes a single normal, but there are ${names.length} labels`);
  }
  const name = normalOf(label, period);
  if (name === null) throw invalidArgument(ID, 'data', `its label '${label}' is not one of the period '${period}'; aggregate_temporal_period makes such labels`);
  const at = names.indexOf(name);
  // Leap years have one day more than normals do.
  const found = at < 0 && period === 'day' && name === '366' ? names.indexOf('365') : at;
  if (found >= 0) return found;
  throw invalidArgument(ID, 'normals', `there is none for '${label}': the label '${name}' is missing`);
}

function onGridOf(data: Cube, normals: Cube): Cube {
  if ((data.grid === null) !== (normals.grid === null)) throw invalidArgument(ID, 'normals', 'only one of the two cubes lies on a regular grid');
  const aligned = data.grid ? alignTo(normals, data.grid, { process: ID, parameter: 'normals' }) : normals;
  for (const { name, axis } of aligned.dimensions) {
    if (!data.dimensions.some((d) => d.name === name)) throw invalidArgument(ID, 'normals', `it has the dimension '${name}', the data has not`);
    if (data.grid && axis) continue;
    const [wanted, found] = [data.labels(name), aligned.labels(name)];
    const isSame = wanted.length === found.length && wanted.every((label, i) => label === found[i]);
    if (!isSame) throw invalidArgument(ID, 'normals', `its labels on '${name}' are not those of the data`);
  }
  return aligned;
}

function subtracted(data: Cube, normals: Cube): Cube {
  const names = data.dimensions.map((d) => d.name);
  const dtype = arithmeticDType(commonDType(data.dtype, normals.dtype));
  const region = (window: Window): Region => ({ names, start: window.start, size: window.size });
  return data.with({
    dtype,
    attributes: withNewValues(data.attributes),
    read: async (window, signal) => difference(await data.read(window, signal), await readRegion(normals, region(window), signal), dtype),
    fingerprint: async (window) => digest([ID, await data.fingerprint(window), await normals.fingerprint(windowFor(normals, region(window)))]),
  });
}

function difference(a: Block, b: Block, dtype: DType): Block {
  const data = allocate(dtype, a.data.length);
  for (let i = 0; i < data.length; i++) data[i] = a.data[i]! - b.data[i]!;
  const nulls = a.nulls && b.nulls ? a.nulls.map((flag, i) => flag | b.nulls![i]!) : a.nulls ?? b.nulls;
  return { dtype, shape: a.shape, data, nulls };
}
