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

type Point = readonly [number, number];

const WKB_LITTLE_ENDIAN = 1;
const WKB_POINT = 1;
const WKB_POLYGON = 3;
/** Digits of coordinates in ids: those that windows of one lattice agree in. */
const ID_DIGITS = 12;

/** The shapes of the cells of a window. */
export class CellShapes {
  readonly #grid: Grid;
  readonly #cells: CellWindow;
  readonly #kind: GeometryKind;
  readonly #name: string;
  /** Longitude and latitude of cell corners, row by row. */
  readonly #corners: Float64Array;
  readonly #toWgs84: (x: number, y: number) => [number, number];

  constructor(grid: Grid, cells: CellWindow, kind: GeometryKind) {
    this.#grid = grid;
    this.#cells = cells;
    this.#kind = kind;
    this.#name = epsgCode(grid.crs) === undefined ? digest(grid.crs).slice(0, 'sha256:'.length + 16) : grid.crs;
    this.#toWgs84 = transformer(grid.crs, WGS84);
    this.#corners = this.#transformCorners();
  }

  /** The shape of the cell at a row-major position in the window. */
  shape(position: number): CellShape {
    const column = position % this.#cells.width;
    const row = Math.floor(position / this.#cells.width);
    const id = this.#id(column, row);
    const points = this.#kind === 'point' ? [this.#centre(column, row)] : this.#outline(column, row);
    if (!points.every(([x, y]) => Number.isFinite(x) && Number.isFinite(y))) return { id, geometry: null, bbox: null };
    return { id, geometry: this.#kind === 'point' ? wkbPoint(points[0]!) : wkbPolygon(points), bbox: boxOf(points) };
  }

  #id(column: number, row: number): string {
    const { originX, originY, stepX, stepY } = this.#grid;
    const west = originX + (this.#cells.x + column) * stepX;
    const north = originY - (this.#cells.y + row) * stepY;
    return [this.#name, ...[west, north, stepX].map((value) => Number(value.toPrecision(ID_DIGITS)))].join('/');
  }

  #transformCorners(): Float64Array {
    const { originX, originY, stepX, stepY } = this.#grid;
    const { x, y, width, height } = this.#cells;
    const corners = new Float64Array((width + 1) * (height + 1) * 2);
    for (let row = 0, at = 0; row <= height; row++) {
      for (let column = 0; column <= width; column++, at += 2) {
        corners.set(this.#toWgs84(originX + (x + column) * stepX, originY - (y + row) * stepY), at);
      }
    }
    return corners;
  }

  #centre(column: number, row: number): Point {
    const { originX, originY, stepX, stepY } = this.#grid;
    return this.#toWgs84(originX + (this.#cells.x + column + 0.5) * stepX, originY - (this.#cells.y + row + 0.5) * stepY);
  }

  /** The closed ring of a cell, counter-clockwise from its south-west corner. */
  #outline(column: number, row: number): Point[] {
    const corner = (c: number, r: number): Point => {
      const at = (r * (this.#cells.width + 1) + c) * 2;
      return [this.#corners[at]!, this.#corners[at + 1]!];
    };
    const ring = [corner(column, row + 1), corner(column + 1, row + 1), corner(column + 1, row), corner(column, row)];
    return unwrap([...ring, ring[0]!]);
  }
}

/** A ring over the antimeridian goes on beyond 180°, instead of once around the world. */
function unwrap(ring: readonly Point[]): Point[] {
  const isOver = Math.max(...ring.map(([x]) => x)) - Math.min(...ring.map(([x]) => x)) > 180;
  return ring.map(([x, y]) => [isOver && x < 0 ? x + 360 : x, y]);
}

function boxOf(points: readonly Point[]): Box {
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  return { xmin: Math.min(...xs), ymin: Math.min(...ys), xmax: Math.max(...xs), ymax: Math.max(...ys) };
}

function wkbPoint([x, y]: Point): Uint8Array {
  const bytes = Buffer.alloc(21);
  bytes.writeUInt8(WKB_LITTLE_ENDIAN);
  bytes.writeUInt32LE(WKB_POINT, 1);
  bytes.writeDoubleLE(x, 5);
  bytes.writeDoubleLE(y, 13);
  return bytes;
}

function wkbPolygon(ring: readonly Point[]): Uint8Array {
  const bytes = Buffer.alloc(13 + ring.length * 16);
  bytes.writeUInt8(WKB_LITTLE_ENDIAN);
  bytes.writeUInt32LE(WKB_POLYGON, 1);
  bytes.writeUInt32LE(1, 5);
  bytes.writeUInt32LE(ring.length, 9);
  for (const [i, [x, y]] of ring.entries()) {
    bytes.writeDoubleLE(x, 13 + i * 16);
    bytes.writeDoubleLE(y, 21 + i * 16);
  }
  return bytes;
}
