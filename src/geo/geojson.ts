/** GeoJSON as clients send it: features with a reference system of their own, empty geometries among them. */
import { isGeographic, parseCrs, WGS84 } from './crs.ts';
import { GeometryError, type Geometry, type Position } from './geometry.ts';

/** Features, each with its place in three lists of one length. */
export interface FeatureSet {
  readonly crs: string;
  readonly shapes: readonly Geometry[];
  readonly properties: readonly Readonly<Record<string, unknown>>[];
  /** Ids of the features; null where one has none. */
  readonly ids: readonly (string | null)[];
}

/** The geometry of a feature that lies nowhere. */
export const EMPTY_GEOMETRY: Geometry = { type: 'GeometryCollection', geometries: [] };

const MAX_POSITIONS = 2_000_000;
const depths: Readonly<Record<string, number>> = { Point: 0, MultiPoint: 1, LineString: 1, MultiLineString: 2, Polygon: 2, MultiPolygon: 3 };
const POLYGONAL = 2;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads a FeatureCollection, a Feature or a geometry. Coordinates are longitude and latitude, or in the
 * system that a member `crs` names, as GeoJSON of 2008 has it and clients of openEO send it. Heights are
 * dropped. Geometries without a position, and those that are null, become EMPTY_GEOMETRY. Polygons need closed
 * rings, but need not be valid otherwise. Throws GeometryError.
 */
export function readGeoJson(value: unknown): FeatureSet {
  const root = objectOf(value, 'it is no GeoJSON object');
  const crs = crsOf(root['crs']);
  const reader = new PositionReader(isGeographic(crs));
  const features = featuresOf(root);
  return {
    crs,
    shapes: features.map(({ geometry }, i) => located(i, features.length, () => readGeometry(geometry, reader))),
    properties: features.map(({ properties }) => (isFields(properties) ? properties : {})),
    ids: features.map(({ id }) => (typeof id === 'string' || typeof id === 'number' ? String(id) : null)),
  };
}

/** True for a geometry without a position. */
export function isEmptyGeometry({ coordinates, geometries }: Geometry): boolean {
  if (geometries) return geometries.every(isEmptyGeometry);
  const isEmpty = (part: unknown): boolean => Array.isArray(part) && part.every((item) => isEmpty(item));
  return isEmpty(coordinates ?? []);
}

/** True for polygons and multipolygons. */
export function isPolygonal({ type }: Geometry): boolean {
  return type === 'Polygon' || type === 'MultiPolygon';
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function objectOf(value: unknown, reason: string): Fields {
  if (isFields(value)) return value;
  throw new GeometryError(reason);
}

interface Feature {
  readonly geometry: unknown;
  readonly properties?: unknown;
  readonly id?: unknown;
}

function featuresOf(root: Fields): readonly Feature[] {
  if (root['type'] === 'Feature') return [root as unknown as Feature];
  if (root['type'] !== 'FeatureCollection') return [{ geometry: root }];
  const { features } = root;
  if (!Array.isArray(features) || features.length === 0) throw new GeometryError('a FeatureCollection needs an array \'features\' that is not empty');
  return features.map((feature: unknown, i) => {
    if (isFields(feature) && feature['type'] === 'Feature') return feature as unknown as Feature;
    throw new GeometryError(`feature ${i} of the FeatureCollection is no GeoJSON Feature`);
  });
}

/** Names the feature in the message where there are several. */
function located<T>(index: number, count: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (count === 1 || !(error instanceof GeometryError)) throw error;
    throw new GeometryError(`feature ${index}: ${error.message}`, { cause: error });
  }
}

/** {type: 'name', properties: {name}}, the name being a URN, 'EPSG:n', WKT or PROJ; a bare name or number is understood too. */
function crsOf(value: unknown): string {
  if (value === undefined || value === null) return WGS84;
  const name = isFields(value) ? (value['properties'] as Fields | undefined)?.['name'] : value;
  if (typeof name !== 'string' && typeof name !== 'number') throw new GeometryError('its member \'crs\' names no reference system; expected is {"type": "name", "properties": {"name": "EPSG:…"}}');
  const text = String(name).trim();
  if (/CRS84$/i.test(text)) return WGS84;
  const code = /^(?:urn:ogc:def:crs:)?EPSG:(?:[\d.]*:)?(\d+)$/i.exec(text)?.[1];
  try {
    return parseCrs(code ?? text);
  } catch (cause) {
    throw new GeometryError(`its member 'crs' names '${text.slice(0, 60)}', which is no known reference system`, { cause });
  }
}

function readGeometry(value: unknown, reader: PositionReader): Geometry {
  if (value === null || value === undefined) return EMPTY_GEOMETRY;
  const { type, coordinates, geometries } = objectOf(value, 'its geometry is no GeoJSON geometry object') as Partial<Geometry>;
  if (type === 'GeometryCollection') {
    if (Array.isArray(geometries) && geometries.length === 0) return EMPTY_GEOMETRY;
    throw new GeometryError('a GeometryCollection is not supported; give its members as features of their own');
  }
  const depth = typeof type === 'string' ? depths[type] : undefined;
  if (depth === undefined) throw new GeometryError(`'${String(type).slice(0, 40)}' is no GeoJSON geometry type; there are ${Object.keys(depths).join(', ')}`);
  const read = readCoordinates(coordinates, depth, type!, reader);
  return read === null ? EMPTY_GEOMETRY : { type: type!, coordinates: read };
}

/** Coordinates without heights and without parts that are empty; null when nothing is left. */
function readCoordinates(value: unknown, depth: number, type: string, reader: PositionReader): unknown[] | null {
  if (!Array.isArray(value)) throw new GeometryError(`the coordinates of a ${type} must be arrays of positions`);
  if (value.length === 0) return null;
  if (depth === 0) return reader.read(value);
  const parts = value.map((part) => readCoordinates(part, depth - 1, type, reader)).filter((part) => part !== null);
  if (parts.length === 0) return null;
  if (depth === 1) checkLine(parts as number[][], type);
  return parts;
}

function checkLine(positions: readonly Position[], type: string): void {
  if (type === 'LineString' || type === 'MultiLineString') {
    if (positions.length < 2) throw new GeometryError('a line needs at least two positions');
    return;
  }
  if (depths[type]! < POLYGONAL) return;
  const [first, last] = [positions[0]!, positions.at(-1)!];
  if (positions.length < 4) throw new GeometryError('a ring of a polygon needs at least four positions');
  if (first[0] !== last[0] || first[1] !== last[1]) throw new GeometryError('a ring of a polygon must end at the position where it begins');
}

class PositionReader {
  readonly #isGeographic: boolean;
  #count = 0;

  constructor(isGeographicCrs: boolean) {
    this.#isGeographic = isGeographicCrs;
  }

  read(numbers: readonly unknown[]): number[] {
    const [x, y] = numbers;
    if (typeof x !== 'number' || typeof y !== 'number' || !Number.isFinite(x) || !Number.isFinite(y)) throw new GeometryError('a position must be two or three numbers');
    if (this.#isGeographic && (Math.abs(x) > 360 || Math.abs(y) > 90)) {
      throw new GeometryError(`the position [${x}, ${y}] is not longitude and latitude in degrees; coordinates in another system need a member 'crs'`);
    }
    if (++this.#count > MAX_POSITIONS) throw new GeometryError(`it has more than ${MAX_POSITIONS} positions`);
    return [x, y];
  }
}
