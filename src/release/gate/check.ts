/** What the gate finds out: figures with limits, in checks that pass or do not. snake_case, because reports travel. */

/** A number that was measured. */
export interface Figure {
  readonly name: string;
  /** null: not a number, or infinite; beyond every limit. */
  readonly value: number | null;
  readonly unit?: string;
  readonly at_least?: number;
  readonly at_most?: number;
  /** The same of the version before. */
  readonly previous?: number;
  /** The same of the best trivial baseline. */
  readonly baseline?: number;
}

/** The checks in the order in which they are made. */
export const checkIds = ['interface', 'golden', 'determinism', 'layer', 'codec', 'rate', 'quality', 'throughput', 'memory', 'licence', 'secrets'] as const;
export type CheckId = (typeof checkIds)[number];

/** 'allowed': it failed, and somebody took responsibility with a reason. */
export type CheckStatus = 'passed' | 'failed' | 'skipped' | 'allowed';

export interface Check {
  readonly check: CheckId;
  readonly status: CheckStatus;
  /** What was found, in a sentence or a few; of a failed check what is wrong, with numbers. */
  readonly detail: string;
  readonly figures: readonly Figure[];
}

/** Checks that compare with the version before. Only what these refuse can be allowed with a reason: nothing excuses a wrong vector. */
const regressions: readonly CheckId[] = ['rate', 'quality', 'throughput', 'memory'];

export function isRegression(check: CheckId): boolean {
  return regressions.includes(check);
}

/** A check that fails when a figure is beyond its limit, or when there is a fault without a figure. `good` is said otherwise. */
export function judged(check: CheckId, figures: readonly Figure[], good: string, faults: readonly string[] = []): Check {
  const finite = figures.map((figure) => (Number.isFinite(figure.value) ? figure : { ...figure, value: null }));
  const wrong = [...faults, ...finite.flatMap((figure) => faultOf(figure) ?? [])];
  return { check, status: wrong.length === 0 ? 'passed' : 'failed', detail: wrong.length === 0 ? good : `${wrong.join('; ')}.`, figures: finite };
}

export function skipped(check: CheckId, why: string): Check {
  return { check, status: 'skipped', detail: why, figures: [] };
}

/** A check that came to no end. */
export function broken(check: CheckId, reason: string): Check {
  return { check, status: 'failed', detail: reason, figures: [] };
}

/** True for a figure that is not within its limits. */
export function isBeyond({ value, at_least: least, at_most: most }: Figure): boolean {
  return (least !== undefined && !(value !== null && value >= least)) || (most !== undefined && !(value !== null && value <= most));
}

/** What is wrong with a figure, or null. */
function faultOf(figure: Figure): string | null {
  if (!isBeyond(figure)) return null;
  const { name, value, unit, at_least: least, at_most: most } = figure;
  const inUnit = (v: number | null) => `${shown(v)}${unit && v !== null ? ` ${unit}` : ''}`;
  const wanted = least !== undefined && !(value !== null && value >= least) ? `must be at least ${inUnit(least)}` : `may be at most ${inUnit(most!)}`;
  return `${name} is ${inUnit(value)}, and ${wanted}${context(figure)}`;
}

function context({ previous, baseline }: Figure): string {
  const known = [...(previous === undefined ? [] : [`${shown(previous)} in the version before`]), ...(baseline === undefined ? [] : [`${shown(baseline)} from a trivial baseline`])];
  return known.length === 0 ? '' : ` (${known.join(', ')})`;
}

/** Four digits are enough for people; whole numbers stay whole. */
export function shown(value: number | null): string {
  if (value === null) return 'not a finite number';
  if (Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 1e-3 && Math.abs(value) < 1e6 ? String(Number(value.toPrecision(4))) : value.toExponential(2);
}
