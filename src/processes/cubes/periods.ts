/** ISO 8601 durations, such as 'P1M' or 'PT6H'. */

export interface Period {
  /** Calendar months, years included. */
  readonly months: number;
  readonly milliseconds: number;
}

const PATTERN = /^P(?=\d|T\d)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;

/** Reads a duration that is not negative; null when the text is none. */
export function parsePeriod(text: string): Period | null {
  const match = PATTERN.exec(text);
  if (!match) return null;
  const [years, months, weeks, days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0)) as [number, number, number, number, number, number, number];
  return { months: 12 * years + months, milliseconds: (((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60_000 + seconds * 1000 };
}

/** True for a duration of no time at all. */
export function isNothing({ months, milliseconds }: Period): boolean {
  return months === 0 && milliseconds === 0;
}

/**
 * The instant (ms since 1970) so many periods later, or earlier for a negative count. In a month that is too short
 * the day is its last one. Always count from the same instant: the 31st of January plus two months is the
 * 31st of March, but not month after month.
 */
export function addPeriods(time: number, { months, milliseconds }: Period, count: number): number {
  return addMonths(time, months * count) + milliseconds * count;
}

function addMonths(time: number, months: number): number {
  if (months === 0) return time;
  const date = new Date(time);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + months);
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  return date.setUTCDate(Math.min(day, lastDay));
}
