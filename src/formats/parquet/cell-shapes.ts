/** What rows say of the place of a cell: its id, its outline or centre in longitude and latitude, its box. */
import { digest } from '../../cube/digest.ts';
import { epsgCode, transformer, WGS84 } from '../../geo/crs.ts';
import type { CellWindow, Grid } from '../../geo/grid.ts';

export type GeometryKind = 'polygon' | 'point';

export interface Box {
  readonly xmin: number;
  readonly ymin: number;
  readonly xmax: number;
  readonly ymax: number;
}

export interface CellShape {
  /** '<crs>/<west edge>/<north edge>/<width of the cell>', in units of the grid: the same place has the same id in every file. */
  readonly id: string;
  /** WKB; null where the cell has no image in longitude and latitude. */
  readonly geometry: Uint8Array | null;
  readonly bbox: Box | null;
}

const WKB_LITTLE_ENDIAN = 1;
const WKB_POINT = 1;
const WKB_POLYGON = 3;
/** Digits of coordinates in ids: those that windows of one lattice agree in. */
const ID_DIGITS = 12;

const POINT_BYTES = 21;
const RING_POINTS = 5;
const POLYGON_BYTES = 13 + RING_POINTS * 16;

/** The shapes of the cells of a window; each is made when it is first asked for. */
export class CellShapes {
  readonly #grid: Grid;
  readonly #cells: CellWindow;
  readonly #kind: GeometryKind;
  readonly #name: string;
  /** Longitude and latitude of cell corners (of centres for points), row by row. */
  readonly #positions: Float64Array;
  readonly #shapes: (CellShape | undefined)[];

  constructor(grid: Grid, cells: CellWindow, kind: GeometryKind) {
    this.#grid = grid;
    this.#cells = cells;
    this.#kind = kind;
    this.#name = epsgCode(grid.crs) === undefined ? digest(grid.crs).slice(0, 'sha256:'.length + 16) : grid.crs;
    this.#positions = kind === 'point' ? transformLattice(grid, cells, 0.5) : transformLattice(grid, { ...cells, width: cells.width + 1, height: cells.height + 1 }, 0);
    this.#shapes = new Array<CellShape | undefined>(cells.width * cells.height);
  }

  /** The shape of the cell at a row-major position in the window. */
  shape(position: number): CellShape {
    return (this.#shapes[position] ??= this.#make(position));
  }

  #make(position: number): CellShape {
    const column = position % this.#cells.width;
    const row = Math.floor(position / this.#cells.width);
    const id = this.#id(column, row);
    const points = this.#kind === 'point' ? this.#positions.slice(position * 2, position * 2 + 2) : this.#ring(column, row);
    // One coordinate without an image makes the sum NaN.
    if (Number.isNaN(points.reduce((sum, value) => sum + value, 0))) return { id, geometry: null, bbox: null };
    return { id, geometry: this.#kind === 'point' ? wkbPoint(points) : wkbPolygon(points), bbox: boxOf(points) };
  }

  #id(column: number, row: number): string {
    const { originX, originY, stepX, stepY } = this.#grid;
    const west = originX + (this.#cells.x + column) * stepX;
    const north = originY - (this.#cells.y + row) * stepY;
    return `${this.#name}/${tidy(west)}/${tidy(north)}/${tidy(stepX)}`;
  }

  /** The closed ring of a cell, counter-clockwise from its south-west corner: x, y, x, y, … */
  #ring(column: number, row: number): Float64Array {
    const line = (this.#cells.width + 1) * 2;
    const north = row * line + column * 2;
    const south = north + line;
    const ring = new Float64Array(RING_POINTS * 2);
    ring.set(this.#positions.subarray(south, south + 4));
    ring.set(this.#positions.subarray(north + 2, north + 4), 4);
    ring.set(this.#positions.subarray(north, north + 2), 6);
    ring.set(this.#positions.subarray(south, south + 2), 8);
    return unwrap(ring);
  }
}

/** Coordinates as numbers that windows of one lattice agree in. */
const tidy = (value: number) => (Number.isInteger(value) ? value : Number(value.toPrecision(ID_DIGITS)));

/** Longitude and latitude of lattice points, moved by a share of a cell to the south-east. */
function transformLattice(grid: Grid, { x, y, width, height }: CellWindow, shift: number): Float64Array {
  const toWgs84 = transformer(grid.crs, WGS84);
  const positions = new Float64Array(width * height * 2);
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++, at += 2) {
      const point = toWgs84(grid.originX + (x + column + shift) * grid.stepX, grid.originY - (y + row + shift) * grid.stepY);
      positions[at] = point[0];
      positions[at + 1] = point[1];
    }
  }
  return positions;
}

/** A ring over the antimeridian goes on beyond 180°, instead of once around the world. */
function unwrap(ring: Float64Array): Float64Array {
  const { xmin, xmax } = boxOf(ring);
  if (xmax - xmin > 180) for (let i = 0; i < ring.length; i += 2) if (ring[i]! < 0) ring[i]! += 360;
  return ring;
}

function boxOf(points: Float64Array): Box {
  let [xmin, ymin, xmax, ymax] = [points[0]!, points[1]!, points[0]!, points[1]!];
  for (let i = 2; i < points.length; i += 2) {
    xmin = Math.min(xmin, points[i]!);
    xmax = Math.max(xmax, points[i]!);
    ymin = Math.min(ymin, points[i + 1]!);
    ymax = Math.max(ymax, points[i + 1]!);
  }
  return { xmin, ymin, xmax, ymax };
}

function wkbPoint(point: Float64Array): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(POINT_BYTES));
  bytes.setUint8(0, WKB_LITTLE_ENDIAN);
  bytes.setUint32(1, WKB_POINT, true);
  return withCoordinates(bytes, 5, point);
}

function wkbPolygon(ring: Float64Array): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(POLYGON_BYTES));
  bytes.setUint8(0, WKB_LITTLE_ENDIAN);
  bytes.setUint32(1, WKB_POLYGON, true);
  bytes.setUint32(5, 1, true);
  bytes.setUint32(9, RING_POINTS, true);
  return withCoordinates(bytes, 13, ring);
}

function withCoordinates(bytes: DataView, offset: number, coordinates: Float64Array): Uint8Array {
  for (let i = 0; i < coordinates.length; i++) bytes.setFloat64(offset + i * 8, coordinates[i]!, true);
  return new Uint8Array(bytes.buffer);
}
