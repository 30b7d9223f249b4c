/** The parameters of a coverage: one per band, and per label of every dimension that a domain has no axis for. */
import type { Cube } from '../../cube/cube.ts';
import type { Dimension } from '../../cube/dimension.ts';
import { isFloat } from '../../cube/dtype.ts';
import { planBands, type PlannedBand } from '../raster-plan.ts';

/** Positions of the dimensions of a cube by the part they play. */
export interface Roles {
  /** The temporal dimension whose labels are instants; -1 without. */
  readonly time: number;
  /** The dimensions that become parameters, in the cube's order. */
  readonly others: readonly number[];
}

/** Roles of the dimensions that are not `spatial` ones. Only instants make a time axis; other labels of time become parameters. */
export function rolesOf(cube: Cube, spatial: readonly number[]): Roles {
  const time = cube.dimensions.findIndex((d) => d.type === 'temporal' && hasInstants(cube, d));
  const others = cube.dimensions.map((_, i) => i).filter((i) => i !== time && !spatial.includes(i));
  return { time, others };
}

function hasInstants(cube: Cube, { name }: Dimension): boolean {
  return cube.labels(name).every((label) => /^[+-]?\d{4,}-\d\d-\d\d([T ]|$)/.test(String(label)) && Number.isFinite(Date.parse(String(label))));
}

/** The parameters with names that are different from each other. */
export function plannedParameters(cube: Cube, others: readonly number[]): PlannedBand[] {
  const seen = new Map<string, number>();
  return planBands(cube, others).map((band) => {
    const count = (seen.get(band.name) ?? 0) + 1;
    seen.set(band.name, count);
    return count === 1 ? band : { ...band, name: `${band.name}_${count}` };
  });
}

/** The object `parameters`. */
export function parameterObjects(parameters: readonly PlannedBand[]): Record<string, unknown> {
  return Object.fromEntries(parameters.map(({ name, description }) => [name, {
    type: 'Parameter',
    ...(textOf(description) !== '' && { description: { en: textOf(description) } }),
    ...(description?.unit !== undefined && { unit: { symbol: description.unit } }),
    observedProperty: { label: { en: description?.common_name === undefined ? name : `${name} (${description.common_name})` } },
  }]));
}

/** CoverageJSON has no scale and offset: they are told in words. */
function textOf(description: PlannedBand['description']): string {
  const { description: text = '', scale = 1, offset = 0 } = description ?? {};
  const isScaled = scale !== 1 || offset !== 0;
  return [text, ...(isScaled ? [`Physical value = value × ${scale} + ${offset}.`] : [])].filter((part) => part !== '').join(' ');
}

/** What the values of a range are: JSON has one kind of numbers only, CoverageJSON two. */
export function dataType({ dtype }: Cube): 'float' | 'integer' {
  return isFloat(dtype) ? 'float' : 'integer';
}

/** Samples as JSON: no-data, NaN and infinities are null. */
export function valuesText(data: ArrayLike<number>, nulls: Uint8Array | null, start: number, end: number): string {
  const pieces: string[] = [];
  for (let i = start; i < end; i++) {
    const value = data[i]!;
    pieces.push(nulls?.[i] === 1 || !Number.isFinite(value) ? 'null' : String(value));
  }
  return pieces.join(',');
}
