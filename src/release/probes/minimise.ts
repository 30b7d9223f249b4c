/**
 * Finds the minimum of a smooth function by L-BFGS: the last steps and changes of the gradient stand for the
 * curvature. After Nocedal and Wright, Numerical Optimization, algorithm 7.5; steps are shortened until the
 * value falls enough (Armijo).
 */

/** Value at `point`; writes the gradient into the second argument. */
export type Objective = (point: Float64Array, gradient: Float64Array) => number;

interface Step {
  readonly s: Float64Array;
  readonly y: Float64Array;
  readonly rho: number;
}

export interface MinimiseOptions {
  readonly iterations?: number;
  /** Ends when no element of the gradient is larger. */
  readonly tolerance?: number;
}

const MEMORY = 10;

/** Starts at `point`, which is overwritten with the place of the minimum and returned. */
export function minimise(objective: Objective, point: Float64Array, { iterations = 300, tolerance = 1e-5 }: MinimiseOptions = {}): Float64Array {
  const history: Step[] = [];
  let gradient = new Float64Array(point.length);
  let value = objective(point, gradient);
  for (let i = 0; i < iterations && largest(gradient) > tolerance; i++) {
    const direction = descent(gradient, history);
    const found = search(objective, point, value, gradient, direction, history.length === 0 ? 1 / Math.max(1, largest(gradient)) : 1);
    if (!found) break;
    remember(history, difference(found.point, point), difference(found.gradient, gradient));
    point.set(found.point);
    ({ value, gradient } = found);
  }
  return point;
}

/** The gradient times an estimate of the inverse curvature, downhill. */
function descent(gradient: Float64Array, history: readonly Step[]): Float64Array {
  const q = gradient.map((v) => -v);
  const shares: number[] = [];
  for (const { s, y, rho } of history.toReversed()) {
    const share = rho * dot(s, q);
    shares.unshift(share);
    add(q, y, -share);
  }
  const last = history.at(-1);
  if (last) scale(q, 1 / (last.rho * dot(last.y, last.y)));
  history.forEach(({ s, y, rho }, i) => add(q, s, shares[i]! - rho * dot(y, q)));
  return q;
}

function search(objective: Objective, from: Float64Array, value: number, gradient: Float64Array, direction: Float64Array, first: number): { point: Float64Array; gradient: Float64Array<ArrayBuffer>; value: number } | null {
  const slope = dot(gradient, direction);
  for (let length = first; length > 1e-12; length /= 2) {
    const point = from.map((v, i) => v + length * direction[i]!);
    const there = new Float64Array(from.length);
    const found = objective(point, there);
    if (found <= value + 1e-4 * length * slope) return { point, gradient: there, value: found };
  }
  return null;
}

function remember(history: Step[], s: Float64Array, y: Float64Array): void {
  const curvature = dot(s, y);
  // Where the function bends the wrong way, the step says nothing about its minimum.
  if (curvature <= 1e-12) return;
  history.push({ s, y, rho: 1 / curvature });
  if (history.length > MEMORY) history.shift();
}

const difference = (a: Float64Array, b: Float64Array) => a.map((v, i) => v - b[i]!);

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function add(to: Float64Array, what: Float64Array, times: number): void {
  for (let i = 0; i < to.length; i++) to[i]! += times * what[i]!;
}

function scale(values: Float64Array, by: number): void {
  for (let i = 0; i < values.length; i++) values[i]! *= by;
}

function largest(values: Float64Array): number {
  return values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
}
