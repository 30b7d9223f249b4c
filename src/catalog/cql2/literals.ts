/** Values of a filter that have rules of their own: geometries, boxes, dates, texts and numbers. Both forms read them here. */
import { GeometryError, parseGeometry } from '../../geo/geometry.ts';
import { instantOf } from './instants.ts';
import { Cql2Error, type BoxLiteral, type GeometryLiteral, type InstantLiteral, type Literal, type Place } from './tree.ts';

/** Longitude and latitude in degrees. Throws Cql2Error. */
export function geometryLiteral(value: unknown, at: Place): GeometryLiteral {
  try {
    return { kind: 'geometry', geometry: parseGeometry(value), at };
  } catch (error) {
    if (error instanceof GeometryError) throw new Cql2Error(at, `the geometry can't be used: ${error.message}`);
    throw error;
  }
}

/** Throws Cql2Error. */
export function boxLiteral(bbox: readonly number[], at: Place): BoxLiteral {
  if (bbox.length !== 4 && bbox.length !== 6) throw new Cql2Error(at, `a box has four or six numbers, not ${bbox.length}`);
  const half = bbox.length / 2;
  const [west, south, east, north] = [bbox[0]!, bbox[1]!, bbox[half]!, bbox[half + 1]!];
  if (south > north) throw new Cql2Error(at, `the south of the box (${south}) is greater than its north (${north})`);
  if (Math.abs(south) > 90 || Math.abs(north) > 90) throw new Cql2Error(at, 'latitudes of a box lie between -90 and 90');
  if (Math.abs(west) > 360 || Math.abs(east) > 360) throw new Cql2Error(at, 'longitudes of a box lie between -180 and 180');
  return { kind: 'bbox', bbox, at };
}

/** Throws Cql2Error for what is no RFC 3339 date or date-time. */
export function instantLiteral(kind: 'date' | 'timestamp', given: string, at: Place): InstantLiteral {
  // A '+' that was not encoded in a query string arrives as a space.
  const text = given.replace(/ (?=\d{2}:\d{2}$)/, '+');
  const isDate = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const wanted = kind === 'date' ? 'a date such as 2021-03-01' : 'an RFC 3339 date-time such as 2021-03-01T00:00:00Z';
  if (isDate !== (kind === 'date') || instantOf(text) === null) throw new Cql2Error(at, `expected ${wanted}, but found '${text.slice(0, 40)}'`);
  return { kind, text, at };
}

/** A date or a date-time, whichever it is: an end of an interval. Throws Cql2Error. */
export function intervalEnd(text: string, at: Place): InstantLiteral {
  return instantLiteral(/^\d{4}-\d{2}-\d{2}$/.test(text) ? 'date' : 'timestamp', text, at);
}

/** Texts that a database can't hold are refused rather than compared as something else. Throws Cql2Error. */
export function textLiteral(value: string, at: Place): Literal {
  if (value.includes('\0') || !value.isWellFormed()) throw new Cql2Error(at, 'a text can\'t contain the character U+0000 or half of a surrogate pair');
  return { kind: 'literal', value, at };
}

/** Throws Cql2Error. */
export function numberLiteral(value: number, at: Place): Literal {
  if (!Number.isFinite(value)) throw new Cql2Error(at, 'a number must be finite');
  return { kind: 'literal', value, at };
}
