/** Times of netCDF files: numbers since an instant, in a calendar. */
import type { Label } from '../../cube/dimension.ts';

const milliseconds: Readonly<Record<string, number>> = {
  millisecond: 1, msec: 1, second: 1000, sec: 1000, s: 1000, minute: 60_000, min: 60_000, hour: 3_600_000, hr: 3_600_000, h: 3_600_000, day: 86_400_000, d: 86_400_000,
};
const calendars = new Set(['standard', 'gregorian', 'proleptic_gregorian']);

/** RFC 3339 in UTC; null for units or calendars that are not read: those with months of other lengths than real ones. */
export function instantsOf(values: readonly Label[], units: string, calendar: string): string[] | null {
  const [, unit = '', since = ''] = /^(\w+)\s+since\s+(.+)$/i.exec(units.trim()) ?? [];
  const step = milliseconds[unit.toLowerCase()] ?? milliseconds[unit.toLowerCase().replace(/s$/, '')];
  const origin = originOf(since);
  if (step === undefined || origin === null || !calendars.has(calendar.toLowerCase())) return null;
  const times = values.map((value) => new Date(origin + Math.round(Number(value) * step)));
  return times.every((time) => !Number.isNaN(time.getTime())) ? times.map((time) => time.toISOString().replace('.000Z', 'Z')) : null;
}

/** '1970-01-01', '1970-1-1 00:00:00', '1970-01-01T00:00:00Z', '1970-01-01 00:00:00 +02:00'. */
function originOf(text: string): number | null {
  const [, year, month, day, hour = '0', minute = '0', second = '0', zone = ''] = /^(\d{1,4})-(\d{1,2})-(\d{1,2})(?:[T ]+(\d{1,2}):(\d{1,2})(?::(\d{1,2}(?:\.\d*)?))?)?\s*(UTC|GMT|Z|[+-]\d{1,2}:?\d{0,2})?$/i.exec(text.trim()) ?? [];
  if (year === undefined) return null;
  const local = new Date(0);
  local.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  local.setUTCHours(Number(hour), Number(minute), 0, Math.round(Number(second) * 1000));
  const [, sign, hours, minutes = '0'] = /^([+-])(\d{1,2}):?(\d{0,2})$/.exec(zone) ?? [];
  const shift = hours === undefined ? 0 : (Number(hours) * 60 + Number(minutes || '0')) * (sign === '-' ? -1 : 1);
  return local.getTime() - shift * 60_000;
}
