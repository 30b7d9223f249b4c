/** Coordinate reference systems: names, and points and boxes from one to another (proj4, EPSG registry of epsg-index). */
import { createRequire } from 'node:module';
import proj4 from 'proj4';
import { invalidArgument } from '../errors.ts';
import type { Bounds } from './grid.ts';

interface EpsgEntry {
  readonly proj4: string | null;
  readonly wkt: string | null;
  readonly name: string;
}

// The index has one small file per code: reading those on demand spares each process the 8 MB table.
const require = createRequire(import.meta.url);
const known = new Map<string, EpsgEntry | undefined>();

function epsgEntry(code: number | string): EpsgEntry | undefined {
  const key = String(code);
  if (!known.has(key)) {
    try {
      known.set(key, require(`epsg-index/s/${key}.json`) as EpsgEntry);
    } catch {
      known.set(key, undefined);
    }
  }
  return known.get(key);
}

/** WGS 84 with x = longitude, y = latitude: what openEO and GeoJSON mean when they say nothing. */
export const WGS84 = 'EPSG:4326';

/**
 * The canonical name of a CRS given as EPSG number, 'EPSG:n', WKT2 or PROJ string.
 * Throws ProcessParameterInvalid (naming `process` and `parameter`) when it is unknown.
 */
export function parseCrs(value: number | string, process = 'process', parameter = 'crs'): string {
  const code = typeof value === 'number' ? value : /^(?:EPSG:)?(\d+)$/i.exec(value.trim())?.[1];
  if (code !== undefined) {
    if (!epsgEntry(code)?.proj4) throw invalidArgument(process, parameter, `EPSG:${code} is not a known coordinate reference system`);
    return `EPSG:${code}`;
  }
  const text = String(value).trim();
  const authority = /ID\["EPSG",\s*(\d+)\]\s*\]\s*$/.exec(text)?.[1] ?? /AUTHORITY\["EPSG",\s*"(\d+)"\]\s*\]\s*$/.exec(text)?.[1];
  if (authority !== undefined && epsgEntry(authority)?.proj4) return `EPSG:${authority}`;
  try {
    proj4(text);
    return text;
  } catch (cause) {
    throw invalidArgument(process, parameter, 'it is neither an EPSG code nor a WKT2 or PROJ string that can be read', { cause });
  }
}

/** The EPSG number of a canonical CRS name; undefined for WKT2 and PROJ strings. */
export function epsgCode(crs: string): number | undefined {
  const code = /^EPSG:(\d+)$/.exec(crs)?.[1];
  return code === undefined ? undefined : Number(code);
}

/** True when coordinates are degrees. */
export function isGeographic(crs: string): boolean {
  return definition(crs).includes('+proj=longlat');
}

/** Length of a unit of the coordinates in metres; 1 for degrees, which have no length. */
export function metresPerUnit(crs: string): number {
  const projection = new proj4.Proj(definition(crs)) as unknown as { to_meter?: number };
  return projection.to_meter ?? 1;
}

/** True when coordinates are metres. */
export function isMetric(crs: string): boolean {
  const { projName, units, to_meter: factor } = new proj4.Proj(definition(crs)) as { projName?: string; units?: string; to_meter?: number };
  if (projName === 'longlat' || units === 'degrees') return false;
  return (factor === undefined || factor === 1) && (units === undefined || /^m$|^met(re|er)s?$/i.test(units));
}

/** Answers of a pure function, the newest so many. */
class Remembered<T> {
  readonly #known = new Map<string, T>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: string, make: () => T): T {
    let value = this.#known.get(key);
    if (value === undefined) {
      value = make();
      if (this.#known.size >= this.#limit) this.#known.delete(this.#known.keys().next().value!);
      this.#known.set(key, value);
    }
    return value;
  }
}

const converters = new Remembered<{ forward(point: number[]): number[] }>(128);
const boxes = new Remembered<Bounds>(4096);

/** A function that takes [x, y] from one CRS to the other. Points without an image come out as NaN. */
export function transformer(from: string, to: string): (x: number, y: number) => [number, number] {
  if (from === to) return (x, y) => [x, y];
  const converter = converters.get(`${from}\n${to}`, () => proj4(definition(from), definition(to)));
  return (x, y) => {
    if (!Number.isFinite(x) || !Number.isFinite(y)) return [NaN, NaN];
    const [outX, outY] = converter.forward([x, y]) as [number, number];
    return Number.isFinite(outX) && Number.isFinite(outY) ? [outX, outY] : [NaN, NaN];
  };
}

/**
 * The smallest box in `crs` that contains the given one. Edges are sampled at 21 points each, because a
 * straight edge in one CRS is a curve in another. A box over the antimeridian stays one piece: east (or west)
 * is beyond the edge of the map then.
 */
export function transformBounds(bounds: Bounds, crs: string): Bounds {
  if (bounds.crs === crs) return bounds;
  const { west, south, east, north } = bounds;
  // A load asks for the same boxes once per file and band.
  return boxes.get([bounds.crs, crs, west, south, east, north].join('\n'), () => sampledBounds(bounds, crs));
}

const turns = new Remembered<{ readonly width: number | null }>(128);

/**
 * How far it is once around the globe in the units of a CRS: 360 for degrees, the width of the map for
 * cylindrical projections. null where x is not the longitude alone, as in UTM.
 */
export function worldWidth(crs: string): number | null {
  return turns.get(crs, () => ({ width: isGeographic(crs) ? 360 : cylinderWidth(crs) })).width;
}

function cylinderWidth(crs: string): number | null {
  const forward = transformer(WGS84, crs);
  const [[zero], [eighth], [quarter], [north]] = [forward(0, 0), forward(45, 0), forward(90, 0), forward(45, 45)];
  const width = 4 * (quarter - zero);
  const isCylinder = width > 0 && [2 * (eighth - zero) - (quarter - zero), north - eighth].every((miss) => Math.abs(miss) < width * 1e-9);
  return isCylinder ? width : null;
}

/** `x` moved by whole turns to where it is nearest to `centre`; as it is for no turn. */
export function nearestTurn(x: number, centre: number, turn: number | null): number {
  // Exactly half a turn away both ways are as near: the edges of a map of the world stay where they are.
  return turn === null || Math.abs(x - centre) <= (turn / 2) * (1 + 1e-9) ? x : x - turn * Math.round((x - centre) / turn);
}

function sampledBounds(bounds: Bounds, crs: string): Bounds {
  const forward = transformer(bounds.crs, crs);
  const turn = worldWidth(crs);
  const [middle] = forward((bounds.west + bounds.east) / 2, (bounds.south + bounds.north) / 2);
  const xs: number[] = [];
  const ys: number[] = [];
  const steps = 20;
  for (let i = 0; i <= steps; i++) {
    const x = bounds.west + ((bounds.east - bounds.west) * i) / steps;
    const y = bounds.south + ((bounds.north - bounds.south) * i) / steps;
    for (const [px, py] of [[x, bounds.south], [x, bounds.north], [bounds.west, y], [bounds.east, y]] as const) {
      const [tx, ty] = forward(px, py);
      if (Number.isFinite(tx) && Number.isFinite(ty)) {
        xs.push(Number.isNaN(middle) ? tx : nearestTurn(tx, middle, turn));
        ys.push(ty);
      }
    }
  }
  if (xs.length === 0) throw invalidArgument('process', 'extent', `the extent has no image in ${crs}`);
  return { west: Math.min(...xs), south: Math.min(...ys), east: Math.max(...xs), north: Math.max(...ys), crs };
}

/** The UTM zone (EPSG:326xx or 327xx) in which a WGS 84 point lies. */
export function utmCrs(longitude: number, latitude: number): string {
  const zone = (((Math.floor((longitude + 180) / 6) % 60) + 60) % 60) + 1;
  return `EPSG:${(latitude >= 0 ? 32600 : 32700) + zone}`;
}

/** WKT1 of a CRS with a code, for file formats that want it; undefined without one. */
export function wktOf(crs: string): string | undefined {
  const code = epsgCode(crs);
  return code === undefined ? undefined : (epsgEntry(code)?.wkt ?? undefined);
}

function definition(crs: string): string {
  const code = epsgCode(crs);
  return code === undefined ? crs : (epsgEntry(code)?.proj4 ?? crs);
}
