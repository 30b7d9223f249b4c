import { describe, expect, it } from 'vitest';
import { CurveFit } from '../../src/processes/least-squares.ts';

type Model = (x: number, p: Float64Array) => number;

function solve(model: Model, initial: readonly number[], x: readonly number[], y: readonly number[], fit = new CurveFit(initial.length, x.length)) {
  fit.x.set(x);
  fit.y.set(y);
  fit.begin(initial, x.length);
  let evaluations = 0;
  while (fit.next()) {
    evaluations++;
    for (let k = 0; k < x.length; k++) fit.values[k] = model(x[k]!, fit.parameters);
  }
  return { isSolved: fit.isSolved, parameters: [...fit.parameters], evaluations };
}

/** Agreement to so many digits. */
function expectDigits(found: readonly number[], wanted: readonly number[], digits: number) {
  wanted.forEach((value, i) => { expect(Math.abs(found[i]! / value - 1), `parameter ${i}: ${found[i]} against ${value}`).toBeLessThan(10 ** -digits); });
}

// Observations and certified values of the Statistical Reference Datasets of NIST (public domain).
const misra = {
  x: [77.6, 114.9, 141.1, 190.8, 239.9, 289, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760],
  y: [10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.4, 75.47, 81.78],
};
const rat42 = { x: [9, 14, 21, 28, 42, 57, 63, 70, 79], y: [8.93, 10.8, 18.59, 22.33, 39.35, 56.11, 61.73, 64.62, 67.08] };

describe('CurveFit', () => {
  it('finds the certified parameters of Misra1a from far away', () => {
    const { isSolved, parameters } = solve((x, [a, b]) => a! * (1 - Math.exp(-b! * x)), [500, 0.0001], misra.x, misra.y);
    expect(isSolved).toBe(true);
    expectDigits(parameters, [2.3894212918e2, 5.5015643181e-4], 7);
  });

  it('finds the certified parameters of Rat42 (a logistic curve)', () => {
    const { parameters } = solve((x, [a, b, c]) => a! / (1 + Math.exp(b! - c! * x)), [100, 1, 0.1], rat42.x, rat42.y);
    expectDigits(parameters, [7.2462237576e1, 2.6180768402, 6.7359200066e-2], 7);
  });

  it('needs a few evaluations for a linear model, with dates in seconds too', () => {
    const x = Array.from({ length: 40 }, (_, k) => 1.5e9 + k * 864_000);
    const model: Model = (t, [a, b, c]) => a! + b! * Math.cos((2 * Math.PI * t) / 31_557_600) + c! * Math.sin((2 * Math.PI * t) / 31_557_600);
    const { parameters, evaluations } = solve(model, [1, 1, 1], x, x.map((t) => model(t, new Float64Array([2000, -300, 450]))));
    expectDigits(parameters, [2000, -300, 450], 9);
    expect(evaluations).toBeLessThan(16);
  });

  it('solves exactly when there are as many observations as parameters', () => {
    const { isSolved, parameters } = solve((x, [a, b]) => a! + b! * x, [0, 0], [1, 2], [5, 7]);
    expect(isSolved).toBe(true);
    expectDigits(parameters, [3, 2], 7);
  });

  it('has no solution for too few observations, and for values that are not finite', () => {
    expect(solve((x, [a, b]) => a! + b! * x, [1, 1], [1], [5]).isSolved).toBe(false);
    expect(solve((x, [a]) => a! * x, [1], [1, 2], [5, NaN]).isSolved).toBe(false);
    expect(solve((x, [a]) => Math.log(a!) * x, [-1], [1, 2], [5, 6]).isSolved).toBe(false);
  });

  it('leaves a parameter without influence where it was', () => {
    const { isSolved, parameters } = solve((x, [a]) => a! * x, [1, 7], [1, 2, 3], [2, 4, 6]);
    expect(isSolved).toBe(true);
    expect(parameters[0]).toBeCloseTo(2, 8);
    expect(parameters[1]).toBe(7);
  });

  it('settles on one of many solutions when two parameters do the same', () => {
    const { isSolved, parameters } = solve((x, [a, b]) => (a! + b!) * x, [1, 1], [1, 2, 3], [10, 20, 30]);
    expect(isSolved).toBe(true);
    expect(parameters[0]! + parameters[1]!).toBeCloseTo(10, 6);
  });

  it('stops when a model never settles', () => {
    const { evaluations } = solve((_, [a]) => Math.random() + a!, [1], [1, 2, 3], [1, 2, 3]);
    expect(evaluations).toBeLessThanOrEqual(401);
  });

  it('forgets the series before', () => {
    const fit = new CurveFit(2, 14);
    const model: Model = (x, [a, b]) => a! * (1 - Math.exp(-b! * x));
    const first = solve(model, [500, 0.0001], misra.x, misra.y, fit).parameters;
    solve(model, [500, 0.0001], misra.x, misra.y.map((v) => v * 3), fit);
    expect(solve(model, [500, 0.0001], misra.x, misra.y, fit).parameters).toEqual(first);
  });
});
