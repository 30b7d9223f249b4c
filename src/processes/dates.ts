/** Category date & time. Dates are RFC 3339; without a time they mean midnight UTC. */
import type { Call, Implementation } from '../graph/process.ts';
import type { Arguments } from '../graph/value.ts';
import { invalid, isSet, numberOf, textOf } from './arguments.ts';

type Unit = 'millisecond' | 'second' | 'minute' | 'hour' | 'day' | 'week' | 'month' | 'year';

const milliseconds: Partial<Record<Unit, number>> = {
  millisecond: 1, second: 1000, minute: 60_000, hour: 3_600_000, day: 86_400_000, week: 604_800_000,
};

interface Instant {
  /** Milliseconds since 1970 of the local date and time as written. */
  readonly local: number;
  /** Offset of the time zone in milliseconds: UTC = local − offset. */
  readonly offset: number;
  /** 'Z', '+02:00', or '' for a date without time. */
  readonly zone: string;
}

const pattern = /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d))?$/;

function instantOf(args: Arguments, name: string, call: Call): Instant | null {
  const text = textOf(args, name, call);
  if (text === null) return null;
  if (!pattern.test(text)) throw invalid(call, name, 'it must be a date (YYYY-MM-DD) or a date with time and time zone (RFC 3339)');
  const instant = readInstant(text);
  if (!instant) throw invalid(call, name, `there is no such date or time as ${text}`);
  return instant;
}

/** null when the text is no date, or one that no calendar has. */
function readInstant(text: string): Instant | null {
  const match = pattern.exec(text);
  if (!match) return null;
  const [year, month, day, hours, minutes, seconds] = match.slice(1, 7).map((part) => Number(part ?? 0)) as [number, number, number, number, number, number];
  const midnight = utc(year, month - 1, day);
  const isDate = new Date(midnight).getUTCDate() === day && month >= 1 && month <= 12;
  if (!isDate || hours > 23 || minutes > 59 || seconds > 60) return null;
  // Cut, not rounded: 0.9999 s is still within its second. A leap second counts as the next one.
  const fraction = Number((match[7] ?? '').slice(0, 3).padEnd(3, '0'));
  const zone = match[8] ?? '';
  return { local: midnight + ((hours * 60 + minutes) * 60 + seconds) * 1000 + fraction, offset: offsetOf(zone), zone };
}

/** Milliseconds since 1970 of a date or a date with time; NaN when the text is neither. */
export function parseInstant(text: string): number {
  const instant = readInstant(text);
  return instant ? utcOf(instant) : NaN;
}

/** Date.UTC without its rule that years below 100 mean 19xx. */
function utc(year: number, month: number, day: number): number {
  return new Date(0).setUTCFullYear(year, month, day);
}

function offsetOf(zone: string): number {
  const match = /^([+-])(\d\d):(\d\d)$/.exec(zone);
  return match ? (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3])) * 60_000 : 0;
}

const utcOf = ({ local, offset }: Instant) => local - offset;

/** Adds months; a day that the month lacks becomes its last one. */
function addMonths(local: number, months: number): number {
  const date = new Date(local);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + months);
  const last = new Date(utc(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  return date.setUTCDate(Math.min(day, last));
}

function shift(local: number, value: number, unit: Unit): number {
  if (unit === 'month' || unit === 'year') return addMonths(local, unit === 'year' ? value * 12 : value);
  return local + value * milliseconds[unit]!;
}

/** As it was written: a date stays a date, milliseconds appear when there are any. */
function format(local: number, zone: string): string {
  const iso = new Date(local).toISOString();
  if (zone === '') return iso.slice(0, 10);
  return `${iso.slice(0, -1).replace(/\.000$/, '')}${zone.toUpperCase()}`;
}

const dateShift: Implementation = {
  run: (args, call) => {
    const [date, value] = [instantOf(args, 'date', call), numberOf(args, 'value', call)];
    if (date === null || value === null) return null;
    const shifted = shift(date.local, value, unitOf(args, call));
    const isRepresentable = shifted >= utc(0, 0, 1) && shifted < utc(10_000, 0, 1);
    if (!isRepresentable) throw invalid(call, 'value', 'the result lies outside the years 0000 to 9999');
    return format(shifted, date.zone);
  },
};

function unitOf(args: Arguments, call: Call): Unit {
  const unit = args['unit'];
  if (typeof unit === 'string' && (Object.hasOwn(milliseconds, unit) || unit === 'month' || unit === 'year')) return unit as Unit;
  throw invalid(call, 'unit', 'it must be millisecond, second, minute, hour, day, week, month or year');
}

/** Whole months between two instants and the part of the month in which the second one lies. */
function monthsBetween(from: number, to: number): number {
  const [a, b] = [new Date(from), new Date(to)];
  let whole = (b.getUTCFullYear() - a.getUTCFullYear()) * 12 + b.getUTCMonth() - a.getUTCMonth();
  if (addMonths(from, whole) > to) whole -= 1;
  const start = addMonths(from, whole);
  return whole + (to - start) / (addMonths(from, whole + 1) - start);
}

const dateDifference: Implementation = {
  run: (args, call) => {
    const [from, to] = [instantOf(args, 'date1', call), instantOf(args, 'date2', call)];
    if (from === null || to === null) return null;
    const unit = unitOf(args, call);
    if (unit === 'month') return monthsBetween(utcOf(from), utcOf(to));
    return unit === 'year' ? monthsBetween(utcOf(from), utcOf(to)) / 12 : (utcOf(to) - utcOf(from)) / milliseconds[unit]!;
  },
};

/** Times of day compare with times of day, dates with dates. */
function comparable(args: Arguments, name: string, call: Call): number | null {
  const text = textOf(args, name, call);
  const time = text === null ? null : /^([01]\d|2[0-3]):([0-5]\d):([0-5]\d)$/.exec(text);
  if (time) return (Number(time[1]) * 60 + Number(time[2])) * 60 + Number(time[3]);
  const instant = instantOf(args, name, call);
  return instant && utcOf(instant);
}

const dateBetween: Implementation = {
  run: (args, call) => {
    const isTime = (name: string) => typeof args[name] === 'string' && /^\d\d:/.test(args[name]);
    const odd = ['min', 'max'].find((name) => args[name] !== null && args['x'] !== null && isTime(name) !== isTime('x'));
    if (odd) throw invalid(call, odd, 'a time of day can only be compared with times of day');
    const [x, min, max] = ['x', 'min', 'max'].map((name) => comparable(args, name, call)) as [number | null, number | null, number | null];
    if (x === null || min === null || max === null) return null;
    return x >= min && (isSet(args, 'exclude_max') ? x < max : x <= max);
  },
};

export const dates: Record<string, Implementation> = { date_between: dateBetween, date_difference: dateDifference, date_shift: dateShift };
