/** RFC 3339 times as microseconds since 1970: what PostgreSQL keeps of them, and more than a Date does. */

/** The zone may be missing (UTC), and the time of day too (midnight). Years 0001 to 9999. */
const INSTANT = /^(\d{4})-(\d{2})-(\d{2})(?:[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,30}))?([Zz]|[+-]\d{2}:\d{2})?)?$/;

/** Before and after all that a text can say. */
export const BEFORE_ALL = -(10n ** 30n);
export const AFTER_ALL = 10n ** 30n;

const DAY = 86_400_000_000n;
const MINUTE = 60_000_000n;

/** null for a text that is no time of the calendar. */
export function instantOf(text: string): bigint | null {
  const match = INSTANT.exec(text);
  if (!match) return null;
  const [year, month, day, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map((part) => (part === undefined ? undefined : Number(part))) as [number, number, number, number?, number?, number?];
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > daysOf(year, month) || hour > 23 || minute > 59 || second > 60) return null;
  const offset = zoneMinutes(match[8]);
  if (offset === null) return null;
  const micros = BigInt(roundedToEven(Number(`0.${match[7] ?? '0'}`) * 1e6));
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return BigInt(date.getTime()) * 1000n + BigInt(hour * 60 + minute - offset) * MINUTE + BigInt(second) * 1_000_000n + micros;
}

/** The last microsecond of the day that begins at an instant. */
export const endOfDay = (start: bigint): bigint => start + DAY - 1n;

/** As PostgreSQL rounds what lies between two microseconds. */
function roundedToEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

function daysOf(year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** Minutes east of Greenwich; null for more than fifteen hours. */
function zoneMinutes(zone: string | undefined): number | null {
  if (zone === undefined || /^z$/i.test(zone)) return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(4, 6))];
  if (hours > 15 || minutes > 59) return null;
  return (zone[0] === '-' ? -1 : 1) * (hours * 60 + minutes);
}
