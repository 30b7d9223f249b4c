/** Dimensions of a cube, in openEO's words. A cube with a geometry dimension is a vector cube. */
import type { Geometry } from '../geo/geometry.ts';

export type Label = string | number;

export type DimensionType = 'spatial' | 'temporal' | 'bands' | 'geometry' | 'other';

export interface Dimension {
  readonly name: string;
  readonly type: DimensionType;
  /** For spatial dimensions. */
  readonly axis?: 'x' | 'y' | 'z';
  readonly size: number;
  /**
   * `size` labels: RFC 3339 UTC strings for temporal dimensions, names for bands. Absent only on the x
   * and y dimensions of a cube with a grid, whose labels are the pixel centres.
   */
  readonly labels?: readonly Label[];
  /** On dimensions of type 'geometry': what the labels stand for. */
  readonly geometries?: Geometries;
}

/** The geometries of a vector cube, one per label. */
export interface Geometries {
  /** Canonical CRS name of the coordinates (x before y). */
  readonly crs: string;
  readonly shapes: readonly Geometry[];
  /** What else the source says of each feature: names, classes. Travels along, takes no part in computations. */
  readonly properties?: readonly Readonly<Record<string, unknown>>[];
}

/** A geometry dimension; labels are the features' ids, or their positions where they have none. */
export function geometryDimension(geometries: Geometries, labels: readonly Label[] = geometries.shapes.map((_, i) => i), name = 'geometry'): Dimension {
  return { name, type: 'geometry', size: geometries.shapes.length, labels, geometries };
}

/** The dimension with other labels. Geometries belong to the old ones and are let go. */
export function withLabels({ name, type, axis }: Dimension, labels: readonly Label[]): Dimension {
  return { name, type, ...(axis && { axis }), size: labels.length, labels };
}

/** The dimension with some of its labels (and geometries), by their positions, in that order. */
export function pickFrom(dimension: Dimension, indices: readonly number[]): Dimension {
  const { labels, geometries } = dimension;
  const pick = <T>(list: readonly T[]): T[] => indices.map((i) => list[i]!);
  return {
    ...dimension, size: indices.length, ...(labels && { labels: pick(labels) }),
    ...(geometries && { geometries: { ...geometries, shapes: pick(geometries.shapes), ...(geometries.properties && { properties: pick(geometries.properties) }) } }),
  };
}

export function bandsDimension(labels: readonly string[], name = 'bands'): Dimension {
  return { name, type: 'bands', size: labels.length, labels };
}

export function temporalDimension(labels: readonly string[], name = 't'): Dimension {
  return { name, type: 'temporal', size: labels.length, labels };
}

/** The y and x dimensions of a cube that lies on a grid. */
export function spatialDimensions(size: { readonly width: number; readonly height: number }): [Dimension, Dimension] {
  return [
    { name: 'y', type: 'spatial', axis: 'y', size: size.height },
    { name: 'x', type: 'spatial', axis: 'x', size: size.width },
  ];
}
