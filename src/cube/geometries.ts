/** The geometry dimension of a vector cube: finding it, telling its geometries apart, giving it other ones. */
import { invalidArgument } from '../errors.ts';
import type { FeatureSet } from '../geo/geojson.ts';
import type { Geometry } from '../geo/geometry.ts';
import { toWkt } from '../geo/wkt.ts';
import { createNullBlock } from './block.ts';
import { Cube } from './cube.ts';
import { digest, digestBytes } from './digest.ts';
import { geometryDimension, type Dimension, type Geometries } from './dimension.ts';

/** A dimension that still has its geometries. */
export type GeometryDimension = Dimension & { readonly geometries: Geometries };

/** The first geometry dimension of a cube; undefined when it has none with shapes. */
export function findGeometries(cube: Cube): GeometryDimension | undefined {
  return cube.dimensions.find((d): d is GeometryDimension => d.type === 'geometry' && d.geometries !== undefined);
}

/** The same, by its position; throws ProcessParameterInvalid without one. */
export function geometryIndex(cube: Cube, process: string, parameter: string): number {
  const found = findGeometries(cube);
  if (found) return cube.dimensions.indexOf(found);
  const names = cube.dimensions.map((d) => `'${d.name}'`).join(', ') || 'none';
  throw invalidArgument(process, parameter, `it must be a vector data cube, one with a dimension of geometries; this cube has the dimensions ${names}`);
}

/** The dimension of the features: labels are ids, and positions for those without one. Ids that occur twice get a number. */
export function featuresDimension({ crs, shapes, properties, ids }: FeatureSet): GeometryDimension {
  const taken = new Set<string | number>();
  const labels = ids.map((id, i) => {
    let label: string | number = id ?? i;
    for (let n = 2; taken.has(label); n++) label = `${id ?? i}_${n}`;
    taken.add(label);
    return label;
  });
  const dimension = geometryDimension({ crs, shapes, properties }, labels);
  return { ...dimension, geometries: dimension.geometries! };
}

/** The dimension with other geometries for the same labels. */
export function withShapes(dimension: GeometryDimension, shapes: readonly Geometry[], crs = dimension.geometries.crs): GeometryDimension {
  return { ...dimension, geometries: { ...dimension.geometries, crs, shapes } };
}

/** Digest of geometries, all or a range. */
export function shapesDigest({ crs, shapes }: Geometries, start = 0, size = shapes.length): string {
  return digestBytes(JSON.stringify([crs, shapes.slice(start, start + size)]));
}

/** A vector cube of geometries that have no values yet. */
export function bareCube(dimension: GeometryDimension): Cube {
  return new Cube({
    dimensions: [dimension], grid: null, dtype: 'float64',
    read: async (window) => createNullBlock('float64', window.size),
    fingerprint: async (window) => digest(['geometries', shapesDigest(dimension.geometries, window.start[0], window.size[0])]),
  });
}

/** The labels of a dimension as openEO shows them: geometries as Well-Known Text. */
export function shownLabels(cube: Cube, name: string): readonly (string | number)[] {
  const { geometries } = cube.dimension(name);
  return geometries ? geometries.shapes.map(toWkt) : cube.labels(name);
}
