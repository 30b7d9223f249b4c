/** The tiles of the map: which grid each of them is. Rows count from the north. */
import type { Grid } from '../geo/grid.ts';

export const TILE_SIZE = 256;

/** Half the circumference of the sphere of web Mercator, metres. */
const HALF_WORLD = 20_037_508.342789244;

/** Tile matrix sets of OGC's registry. WebMercatorQuad is what everybody calls XYZ. */
export type TileMatrixSet = 'WebMercatorQuad' | 'WorldCRS84Quad';

interface Matrices {
  readonly crs: string;
  /** Upper left corner of tile 0/0 in CRS units. */
  readonly west: number;
  readonly north: number;
  /** Edge of a tile at zoom 0 in CRS units. */
  readonly edge: number;
  /** Columns and rows at zoom 0. */
  readonly columns: number;
  readonly rows: number;
}

const matrixSets: Readonly<Record<TileMatrixSet, Matrices>> = {
  WebMercatorQuad: { crs: 'EPSG:3857', west: -HALF_WORLD, north: HALF_WORLD, edge: 2 * HALF_WORLD, columns: 1, rows: 1 },
  WorldCRS84Quad: { crs: 'EPSG:4326', west: -180, north: 90, edge: 180, columns: 2, rows: 1 },
};

/** Place of a tile. */
export interface TileAddress {
  readonly z: number;
  readonly x: number;
  readonly y: number;
  /** Default: WebMercatorQuad. */
  readonly matrixSet?: TileMatrixSet;
}

/** Columns and rows of tiles at a zoom. */
export function tileCounts(z: number, matrixSet: TileMatrixSet = 'WebMercatorQuad'): { readonly columns: number; readonly rows: number } {
  const { columns, rows } = matrixSets[matrixSet];
  return { columns: columns * 2 ** z, rows: rows * 2 ** z };
}

/** The tile of WebMercatorQuad that holds a place in degrees; beyond the poles of the map the nearest one. */
export function tileAt(longitude: number, latitude: number, z: number): { readonly x: number; readonly y: number } {
  const count = 2 ** z;
  const index = (share: number) => Math.max(0, Math.min(count - 1, Math.floor(share * count)));
  return { x: index((longitude + 180) / 360), y: index((1 - Math.asinh(Math.tan((latitude * Math.PI) / 180)) / Math.PI) / 2) };
}

/** The grid of a tile: 256 × 256 cells; y counts from the north (XYZ scheme). */
export function tileGrid(z: number, x: number, y: number, matrixSet: TileMatrixSet = 'WebMercatorQuad'): Grid {
  const { crs, west, north, edge: whole } = matrixSets[matrixSet];
  const edge = whole / 2 ** z;
  const step = edge / TILE_SIZE;
  return { crs, originX: west + x * edge, originY: north - y * edge, stepX: step, stepY: step, width: TILE_SIZE, height: TILE_SIZE };
}
