/** The calendar periods of aggregate_temporal_period: labels of instants, and the period that follows. */
const DAY = 86_400_000;

export interface Calendar {
  /** Start of the period that holds an instant (ms since 1970, UTC). */
  readonly start: (time: number) => number;
  /** Start of the period after the one that starts there. */
  readonly next: (start: number) => number;
  readonly label: (start: number) => string;
}

const year = (time: number) => new Date(time).getUTCFullYear();
const month = (time: number) => new Date(time).getUTCMonth();
const monthStart = (y: number, m: number) => Date.UTC(y, m, 1);
const digits = (value: number, count: number) => String(value).padStart(count, '0');
const dayStart = (time: number) => Math.floor(time / DAY) * DAY;
const dayOfYear = (time: number) => Math.floor((time - monthStart(year(time), 0)) / DAY) + 1;
const monday = (time: number) => dayStart(time) - ((new Date(time).getUTCDay() + 6) % 7) * DAY;
const isoDay = (time: number) => new Date(time).toISOString().slice(0, 10);

/** ISO 8601: a week belongs to the year of its Thursday, and week 1 holds January 4th. */
function isoWeek(start: number): string {
  const thursday = start + 3 * DAY;
  const first = monday(Date.UTC(year(thursday), 0, 4));
  return `${year(thursday)}-${digits(Math.round((start - first) / (7 * DAY)) + 1, 2)}`;
}

/** Periods of so many months, counted from a month of year 0. */
function monthly(count: number, phase: number, label: Calendar['label']): Calendar {
  const start = (time: number) => startOfMonths(Math.floor((year(time) * 12 + month(time) - phase) / count) * count + phase);
  return { start, next: (time) => startOfMonths(year(time) * 12 + month(time) + count), label };
}

const startOfMonths = (months: number) => monthStart(Math.floor(months / 12), ((months % 12) + 12) % 12);

const dekadStart = (time: number) => {
  const day = new Date(time).getUTCDate();
  return Date.UTC(year(time), month(time), day <= 10 ? 1 : day <= 20 ? 11 : 21);
};

const seasons: Readonly<Record<number, string>> = { 11: 'djf', 2: 'mam', 5: 'jja', 8: 'son' };

export const calendars: Readonly<Record<string, Calendar>> = {
  hour: {
    start: (time) => Math.floor(time / 3_600_000) * 3_600_000,
    next: (start) => start + 3_600_000,
    label: (start) => `${isoDay(start)}-${digits(new Date(start).getUTCHours(), 2)}`,
  },
  day: { start: dayStart, next: (start) => start + DAY, label: (start) => `${year(start)}-${digits(dayOfYear(start), 3)}` },
  week: { start: monday, next: (start) => start + 7 * DAY, label: isoWeek },
  dekad: {
    start: dekadStart,
    next: (start) => dekadStart(start + (new Date(start).getUTCDate() === 21 ? 11 : 10) * DAY),
    label: (start) => `${year(start)}-${digits(month(start) * 3 + Math.floor((new Date(start).getUTCDate() - 1) / 10) + 1, 2)}`,
  },
  month: monthly(1, 0, (start) => isoDay(start).slice(0, 7)),
  season: monthly(3, 11, (start) => `${year(start)}-${seasons[month(start)]}`),
  'tropical-season': monthly(6, 4, (start) => `${year(start)}-${month(start) === 4 ? 'mjjaso' : 'ndjfma'}`),
  year: monthly(12, 0, (start) => String(year(start))),
  decade: monthly(120, 0, (start) => String(year(start))),
  'decade-ad': monthly(120, 12, (start) => String(year(start))),
};
