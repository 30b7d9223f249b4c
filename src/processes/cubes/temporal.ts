/** Instants and intervals, as openEO writes them. */
import { invalidArgument, OpenEOError } from '../../errors.ts';
import type { Value } from '../../graph/value.ts';
import { kindOf } from './arguments.ts';

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?$/i;
const TIME = /^(\d{2}):(\d{2}):(\d{2})(?:\.\d+)?(?:Z|\+00:00)?$/;

/** Milliseconds since 1970 of a date (midnight UTC) or date-time (UTC when it names no zone); NaN when it is neither. */
export function instant(text: string): number {
  if (!isInCalendar(text)) return NaN;
  if (DATE.test(text)) return Date.parse(`${text}T00:00:00Z`);
  if (!DATE_TIME.test(text)) return NaN;
  return Date.parse(/(Z|[+-]\d{2}:\d{2})$/i.test(text) ? text : `${text}Z`);
}

/** False for 30 February and for 24 o'clock, which JavaScript takes for the day after. */
function isInCalendar(text: string): boolean {
  const days = new Date(Date.UTC(Number(text.slice(0, 4)) + 400, Number(text.slice(5, 7)), 0)).getUTCDate();
  return Number(text.slice(8, 10)) <= days && !/T24/i.test(text);
}

/** Milliseconds since midnight of 'HH:MM:SS'; NaN when it is no time of day. */
export function timeOfDay(text: string): number {
  const match = TIME.exec(text);
  if (!match) return NaN;
  const [hours, minutes, seconds] = match.slice(1, 4).map(Number) as [number, number, number];
  return hours < 24 && minutes < 60 && seconds < 61 ? ((hours * 60 + minutes) * 60 + seconds) * 1000 : NaN;
}

/** A left-closed interval; open ends are infinite. */
export interface Interval {
  readonly start: number;
  readonly end: number;
}

/** Reads [start, end], either of them null. Throws TemporalExtentEmpty and ProcessParameterInvalid. */
export function intervalOf(value: Value | undefined, process: string, parameter: string): Interval {
  const [from, to] = pairOf(value, process, parameter);
  if (from === null && to === null) throw invalidArgument(process, parameter, 'only one end of a temporal interval can be null');
  const end = (text: string | null, open: number) => {
    const time = text === null ? open : instant(text);
    if (Number.isNaN(time)) throw invalidArgument(process, parameter, `'${text}' is neither an RFC 3339 date-time nor a date`);
    return time;
  };
  const interval = { start: end(from, -Infinity), end: end(to, Infinity) };
  if (interval.end <= interval.start) throw new OpenEOError('TemporalExtentEmpty', {}, { detail: `Parameter '${parameter}' of '${process}' runs from ${from} to ${to}.` });
  return interval;
}

/** [start, end] as texts. */
export function pairOf(value: Value | undefined, process: string, parameter: string): [string | null, string | null] {
  if (!Array.isArray(value) || value.length !== 2) throw invalidArgument(process, parameter, 'a temporal interval is an array of two: start and end');
  const ends = (value as readonly Value[]).map((end) => {
    if (end === null || typeof end === 'string') return end;
    throw invalidArgument(process, parameter, `an end of a temporal interval is a text or null, not ${kindOf(end)}`);
  });
  return [ends[0]!, ends[1]!];
}

/** RFC 3339 in UTC, without milliseconds when there are none; null for an open end. */
export function formatInstant(time: number): string | null {
  return Number.isFinite(time) ? new Date(time).toISOString().replace('.000Z', 'Z') : null;
}
