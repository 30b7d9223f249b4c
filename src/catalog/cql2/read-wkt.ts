/** Geometries and boxes in CQL2 text: Well-Known Text, read as GeoJSON. */
import type { Geometry } from '../../geo/geometry.ts';
import type { TokenReader } from './token-reader.ts';
import { Cql2Error } from './tree.ts';

const types: Readonly<Record<string, string>> = {
  POINT: 'Point', LINESTRING: 'LineString', POLYGON: 'Polygon', MULTIPOINT: 'MultiPoint',
  MULTILINESTRING: 'MultiLineString', MULTIPOLYGON: 'MultiPolygon', GEOMETRYCOLLECTION: 'GeometryCollection',
};
const MAX_NESTED = 5;

/** True where a geometry begins: its type, and then an opening parenthesis (or Z and one). */
export function isWkt(reader: TokenReader): boolean {
  const { kind, text } = reader.peek();
  return kind === 'word' && Object.hasOwn(types, text.toUpperCase()) && (reader.isSign('(', 1) || (reader.isWord('Z', 1) && reader.isSign('(', 2)));
}

/** Throws Cql2Error. Whether the geometry is valid is for others to say. */
export function readWkt(reader: TokenReader, level = 0): Geometry {
  if (!isWkt(reader)) throw reader.expected('a geometry such as POINT(5 50)');
  if (level > MAX_NESTED) throw new Cql2Error(reader.here, 'geometry collections are nested too deep');
  const type = types[reader.read().text.toUpperCase()]!;
  reader.takeWord('Z');
  switch (type) {
    case 'GeometryCollection': return { type, geometries: list(reader, () => readWkt(reader, level + 1)) };
    case 'Point': return { type, coordinates: parenthesised(reader, () => position(reader)) };
    case 'LineString': return { type, coordinates: line(reader) };
    case 'MultiPoint': return { type, coordinates: list(reader, () => (reader.isSign('(') ? parenthesised(reader, () => position(reader)) : position(reader))) };
    case 'MultiPolygon': return { type, coordinates: list(reader, () => list(reader, () => line(reader))) };
    default: return { type, coordinates: list(reader, () => line(reader)) };
  }
}

/** Numbers of BBOX(…), after the word. */
export function readBox(reader: TokenReader): number[] {
  return list(reader, () => reader.expectNumber());
}

const line = (reader: TokenReader) => list(reader, () => position(reader));

function position(reader: TokenReader): number[] {
  const numbers = [reader.expectNumber(), reader.expectNumber()];
  if (!reader.isSign(',') && !reader.isSign(')')) numbers.push(reader.expectNumber());
  return numbers;
}

function parenthesised<T>(reader: TokenReader, read: () => T): T {
  reader.expectSign('(');
  const value = read();
  reader.expectSign(')');
  return value;
}

function list<T>(reader: TokenReader, read: () => T): T[] {
  return parenthesised(reader, () => {
    const entries = [read()];
    while (reader.takeSign(',')) entries.push(read());
    return entries;
  });
}
