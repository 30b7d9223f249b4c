/** What the gate finds out: figures with limits, in checks that pass or do not. snake_case, because reports travel. */

/** A number that was measured. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit?: string;
  readonly at_least?: number;
  readonly at_most?: number;
  /** The same of the version before. */
  readonly previous?: number;
  /** The same of the best trivial baseline. */
  readonly baseline?: number;
}

/** The checks in the order in which they are made. */
export const checkIds = ['interface', 'golden', 'determinism', 'codec', 'rate', 'quality', 'throughput', 'memory', 'licence', 'secrets'] as const;
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
  const wrong = [...faults, ...figures.flatMap((figure) => faultOf(figure) ?? [])];
  return { check, status: wrong.length === 0 ? 'passed' : 'failed', detail: wrong.length === 0 ? good : `${wrong.join('; ')}.`, figures };
}

export function skipped(check: CheckId, why: string): Check {
  return { check, status: 'skipped', detail: why, figures: [] };
}

/** A check that came to no end. */
export function broken(check: CheckId, reason: string): Check {
  return { check, status: 'failed', detail: reason, figures: [] };
}

/** What is wrong with a figure, or null. NaN is beyond every limit. */
function faultOf(figure: Figure): string | null {
  const { name, value, unit, at_least: least, at_most: most } = figure;
  const with_ = (v: number) => `${shown(v)}${unit ? ` ${unit}` : ''}`;
  if (least !== undefined && !(value >= least)) return `${name} is ${with_(value)}, and must be at least ${with_(least)}${context(figure)}`;
  if (most !== undefined && !(value <= most)) return `${name} is ${with_(value)}, and may be at most ${with_(most)}${context(figure)}`;
  return null;
}

function context({ previous, baseline }: Figure): string {
  const known = [...(previous === undefined ? [] : [`${shown(previous)} in the version before`]), ...(baseline === undefined ? [] : [`${shown(baseline)} from a trivial baseline`])];
  return known.length === 0 ? '' : ` (${known.join(', ')})`;
}

/** Four digits are enough for people; whole numbers stay whole. */
export function shown(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 1e-3 && Math.abs(value) < 1e6 ? String(Number(value.toPrecision(4))) : value.toExponential(2);
}
