/** The `datetime` parameter: one RFC 3339 instant, or an interval that may be open at one end. */
import { invalidParameter } from './respond.ts';

/** RFC 3339 section 5.6; 't' and 'z' may be small letters, the fraction may have any number of digits. */
const INSTANT = /^(\d{4})-(\d{2})-(\d{2})t(\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(z|[+-]\d{2}:\d{2})$/i;

/** Gives [start, end], null for an open end. Throws StacRequestError (400), naming the parameter in which it stood. */
export function parseDatetime(value: string, parameter = 'datetime'): readonly [string | null, string | null] {
  const parts = value.split('/');
  if (parts.length > 2) throw invalidParameter(parameter, 'an interval has two ends');
  if (parts.length === 1) {
    const instant = parseInstant(parts[0]!, parameter);
    return [instant, instant];
  }
  const [start, end] = parts.map((part) => (part === '' || part === '..' ? null : parseInstant(part, parameter))) as [string | null, string | null];
  if (start === null && end === null) throw invalidParameter(parameter, 'one end of the interval must be given');
  if (start !== null && end !== null && Date.parse(start) > Date.parse(end)) throw invalidParameter(parameter, 'the interval ends before it begins');
  return [start, end];
}

/** The instant in a form that JavaScript and PostgreSQL read alike: microseconds, no leap second. */
function parseInstant(text: string, parameter: string): string {
  // A '+' that was not encoded in a query string arrives as a space.
  const match = INSTANT.exec(text.replace(/ (?=\d{2}:\d{2}$)/, '+'));
  if (!match) throw invalidParameter(parameter, `'${text.slice(0, 40)}' is not an RFC 3339 date-time such as 2021-03-01T00:00:00Z`);
  const [, year, month, day, hour, minute, second, fraction = '', zone] = match as unknown as [string, ...string[]];
  const isLeapSecond = second === '60';
  const digits = isLeapSecond ? '999999' : fraction.slice(0, 6).padEnd(6, '0');
  const instant = `${year}-${month}-${day}T${hour}:${minute}:${isLeapSecond ? '59' : second}.${digits}${zone!.toUpperCase()}`;
  const local = new Date(`${year}-${month}-${day}T00:00:00Z`);
  const isReal = local.getUTCDate() === Number(day) && !Number.isNaN(Date.parse(instant)) && Number(hour) < 24;
  // PostgreSQL's calendar begins with the year 1; nothing was observed before.
  if (isReal && year === '0000') return '0001-01-01T00:00:00.000000Z';
  if (!isReal) throw invalidParameter(parameter, `'${text.slice(0, 40)}' does not exist in the calendar or on the clock`);
  return instant;
}
