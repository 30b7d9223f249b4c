/** Which geometries of two vector cubes are the same when they are merged. */
import { withShapes, type GeometryDimension } from '../../cube/geometries.ts';
import type { Label } from '../../cube/dimension.ts';
import { invalidArgument } from '../../errors.ts';
import type { Geometry } from '../../geo/geometry.ts';

export interface MergedGeometries {
  readonly dimension: GeometryDimension;
  /** For each geometry of the result its position in either dimension, −1 where it is not there. */
  readonly positions: readonly [readonly number[], readonly number[]];
}

/**
 * The geometries of the first dimension, then those that only the second has. Two are the same when they
 * have equal coordinates and their ids do not contradict: a geometry without an id is known by its shape
 * alone. A geometry of the second cube whose label is taken by another shape gets a label of its own.
 * Throws ProcessParameterInvalid for different reference systems.
 */
export function mergeGeometries(own: GeometryDimension, other: GeometryDimension): MergedGeometries {
  const [a, b] = [own.geometries, other.geometries];
  if (a.crs !== b.crs) throw invalidArgument('merge_cubes', 'cube2', `its geometries are in ${b.crs}, those of cube1 in ${a.crs}; vector_reproject brings them together`);
  const partner = partners(own, other);
  const added = b.shapes.map((_, j) => j).filter((j) => !partner.includes(j));
  const labels = freeLabels(own.labels ?? [], added.map((j) => other.labels![j]!));
  const properties = a.properties || b.properties ? [...listOf(a.properties, a.shapes), ...added.map((j) => b.properties?.[j] ?? {})] : undefined;
  const shapes = [...a.shapes, ...added.map((j) => b.shapes[j]!)];
  const geometries = { crs: a.crs, shapes, ...(properties && { properties }) };
  return {
    dimension: withShapes({ ...own, size: shapes.length, labels: [...own.labels!, ...labels], geometries }, shapes),
    positions: [shapes.map((_, i) => (i < own.size ? i : -1)), [...partner, ...added]],
  };
}

function listOf(properties: GeometryDimension['geometries']['properties'], shapes: readonly Geometry[]): readonly Readonly<Record<string, unknown>>[] {
  return properties ?? shapes.map(() => ({}));
}

/** For each geometry of the first the position of the same in the second, −1 where there is none. */
function partners(own: GeometryDimension, other: GeometryDimension): number[] {
  const byShape = new Map<string, number[]>();
  for (const [j, shape] of other.geometries.shapes.entries()) {
    const key = JSON.stringify(shape);
    byShape.set(key, [...(byShape.get(key) ?? []), j]);
  }
  return own.geometries.shapes.map((shape, i) => {
    const candidates = byShape.get(JSON.stringify(shape)) ?? [];
    const label = own.labels![i]!;
    const exact = candidates.findIndex((j) => other.labels![j] === label);
    const at = exact >= 0 ? exact : candidates.findIndex((j) => typeof label === 'number' || typeof other.labels![j] === 'number');
    return at < 0 ? -1 : candidates.splice(at, 1)[0]!;
  });
}

/** Labels that are not taken: positions are counted on, ids get a number. */
function freeLabels(taken: readonly Label[], wanted: readonly Label[]): Label[] {
  const known = new Set(taken);
  let next = taken.length;
  return wanted.map((wish) => {
    let label = wish;
    for (let n = 2; known.has(label); n++) label = typeof wish === 'number' ? next++ : `${wish}_${n}`;
    known.add(label);
    return label;
  });
}
