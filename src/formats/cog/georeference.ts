/** Where an image lies: pixel scale, tie points or transformation matrix → a north-up grid. */
import type { Grid } from '../../geo/grid.ts';
import { crsOfGeoKeys, readGeoKeys } from './geokeys.ts';
import type { Directory } from './layout.ts';

export interface Georeference {
  /** Full-resolution grid; null when the file has none that a lattice can express. */
  readonly grid: Grid | null;
  /** Why `grid` is null. */
  readonly problem?: string;
  /** The rows of the file run from south to north. */
  readonly isSouthUp: boolean;
}

const PIXEL_IS_POINT = 2;

/** Reads the georeference of the full-resolution image. Rotated, mirrored and GCP-only files have no grid. */
export async function readGeoreference(directory: Directory, size: { readonly width: number; readonly height: number }): Promise<Georeference> {
  const keys = readGeoKeys(directory);
  const affine = affineOf(
    (await directory.loadValue('ModelPixelScale')) as ArrayLike<number> | undefined,
    (await directory.loadValue('ModelTiepoint')) as ArrayLike<number> | undefined,
    (await directory.loadValue('ModelTransformation')) as ArrayLike<number> | undefined,
  );
  if (typeof affine === 'string') return { grid: null, problem: affine, isSouthUp: false };
  const isSouthUp = affine.stepY > 0;
  const system = crsOfGeoKeys(keys);
  if ('reason' in system) return { grid: null, problem: system.reason, isSouthUp };
  // Pixel-is-point files give the centre of the first pixel.
  const shift = keys.GTRasterTypeGeoKey === PIXEL_IS_POINT ? 0.5 : 0;
  const top = affine.originY - shift * affine.stepY;
  const grid = {
    crs: system.crs,
    originX: affine.originX - shift * affine.stepX,
    originY: isSouthUp ? top + size.height * affine.stepY : top,
    stepX: affine.stepX,
    stepY: Math.abs(affine.stepY),
    width: size.width,
    height: size.height,
  };
  return { grid, isSouthUp };
}

interface Affine {
  readonly originX: number;
  readonly originY: number;
  readonly stepX: number;
  /** Negative for north-up. */
  readonly stepY: number;
}

function affineOf(scale: ArrayLike<number> | undefined, tie: ArrayLike<number> | undefined, matrix: ArrayLike<number> | undefined): Affine | string {
  if (matrix && matrix.length >= 16) {
    if (matrix[1] !== 0 || matrix[4] !== 0) return 'its pixels are rotated against the axes of its coordinate reference system';
    return checked({ originX: matrix[3]!, originY: matrix[7]!, stepX: matrix[0]!, stepY: matrix[5]! });
  }
  if (scale && tie && tie.length >= 6) {
    const stepX = scale[0]!;
    const stepY = -scale[1]!;
    return checked({ originX: tie[3]! - tie[0]! * stepX, originY: tie[4]! - tie[1]! * stepY, stepX, stepY });
  }
  return tie && tie.length > 6 ? 'it has ground control points only' : 'it has no georeference';
}

function checked(affine: Affine): Affine | string {
  if (!Object.values(affine).every(Number.isFinite) || affine.stepX === 0 || affine.stepY === 0) return 'its georeference is invalid';
  return affine.stepX < 0 ? 'its columns run from east to west' : affine;
}
