/** Dimensions of a cube, in openEO's words. */
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
