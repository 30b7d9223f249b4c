/** The periods of climatologies: which label of a cube belongs to which normal. */
import type { Label } from '../../cube/dimension.ts';
import { calendars } from './calendar.ts';
import { instant } from './temporal.ts';

const DAY = 86_400_000;

/** Labels as aggregate_temporal_period writes them; the group is the name of the normal. */
const patterns: Readonly<Record<string, RegExp>> = {
  hour: /^\d{4}-\d{2}-\d{2}-(\d{2})$/,
  day: /^\d{4}-(\d{3})$/,
  week: /^\d{4}-(\d{2})$/,
  dekad: /^\d{4}-(\d{2})$/,
  month: /^\d{4}-(\d{2})$/,
  season: /^\d{4}-(djf|mam|jja|son)$/,
  'tropical-season': /^\d{4}-(ndjfma|mjjaso)$/,
  year: /^(\d{4})$/,
  decade: /^(\d{3}0)$/,
  'decade-ad': /^(\d{3}1)$/,
};

/** The normal that a label is compared with, e.g. '05' for '2024-05' or a date in May; null when it is no such label. */
export function normalOf(label: Label, period: string): string | null {
  const text = String(label);
  const time = instant(text);
  const calendar = calendars[period];
  const written = Number.isNaN(time) || !calendar ? text : calendar.label(calendar.start(time));
  return patterns[period]?.exec(written)?.[1] ?? null;
}

/** What a label says of its time, as far as climatologies ask: the month is absent when it names a year only. */
export interface Place {
  readonly year: number;
  /** 0 … 11. */
  readonly month?: number;
  /** 1 … 366. */
  readonly day?: number;
  /** Of a label like '2024-djf', whose season begins in that year. */
  readonly season?: string;
}

/** Reads a date, '2024-138' (day), '2024-05' (month), '2024-djf' (season) or '2024' (year); null for anything else. */
export function placeOf(label: Label): Place | null {
  const text = String(label);
  const time = instant(text);
  if (!Number.isNaN(time)) return ofInstant(time);
  const [, digits, rest] = /^(\d{4})(?:-(\d{2,3}|djf|mam|jja|son|ndjfma|mjjaso))?$/.exec(text) ?? [];
  if (digits === undefined) return null;
  const year = Number(digits);
  if (rest === undefined) return { year };
  if (/\D/.test(rest)) return { year, season: rest };
  const count = Number(rest);
  if (rest.length === 3) return count >= 1 && count <= 366 ? ofInstant(Date.UTC(year, 0, count)) : null;
  return count >= 1 && count <= 12 ? { year, month: count - 1 } : null;
}

function ofInstant(time: number): Place {
  const date = new Date(time);
  const year = date.getUTCFullYear();
  return { year, month: date.getUTCMonth(), day: Math.floor((time - Date.UTC(year, 0, 1)) / DAY) + 1 };
}
