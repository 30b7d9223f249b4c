/** Probes against scikit-learn 1.2: numbers were computed there once, from the same generator. */
import { describe, expect, it } from 'vitest';
import { fitLogistic, predictClasses } from '../../src/release/probes/logistic.ts';
import { minimise } from '../../src/release/probes/minimise.ts';
import { average, nearest, vote } from '../../src/release/probes/nearest.ts';
import { probe } from '../../src/release/probes/probe.ts';
import { fitRidge, predictLinear, solveSymmetric } from '../../src/release/probes/ridge.ts';
import { standardise, standardOf, takeRows, type Samples } from '../../src/release/probes/samples.ts';
import { deviation, macroF1, neucoQuality, r2 } from '../../src/release/probes/scores.ts';

/** Numbers from 0 to below 1, from the generator of golden.json. */
function numbers(count: number, seed: number): Float64Array {
  let state = seed;
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  });
}

const samples = (count: number, width: number, seed: number): Samples => ({ count, width, values: numbers(count * width, seed) });
const x = samples(40, 3, 1);
const extra = numbers(40, 2);
const y = Float64Array.from(extra, (v, i) => 2 * x.values[3 * i]! - x.values[3 * i + 1]! + 0.3 * v);
const other = numbers(40, 3);
const classes = Uint8Array.from(other, (v, i) => Math.floor(3 * Math.min(0.999, x.values[3 * i]! * 0.7 + 0.3 * v)));

const close = (found: ArrayLike<number>, expected: readonly number[], digits = 9) => expected.forEach((value, i) => expect(found[i], `[${i}]`).toBeCloseTo(value, digits));

describe('ridge', () => {
  it('gives the weights of scikit-learn', () => {
    const { weights, intercept } = fitRidge(x, y);
    close(weights, [1.5079614183805294, -0.748905579734673, 0.026339278756760943]);
    expect(intercept).toBeCloseTo(0.24449405720417083, 9);
    expect(r2(y, predictLinear({ weights, intercept }, x))).toBeCloseTo(0.9204495257120124, 9);
  });

  it('gives them with more columns than samples too', () => {
    const { weights, intercept } = fitRidge(samples(6, 9, 5), numbers(6, 6));
    close(weights, [0.13694598213397174, -0.017788027106979236, 0.06355112836233066, -0.13757160083605688, 0.0774846352726567, -0.02233714022190107, 0.095606099689698, 0.20238667746195002, 0.1662024188669848]);
    expect(intercept).toBeCloseTo(0.2811565981786616, 9);
  });

  it('refuses a matrix that is not positive definite', () => {
    expect(() => solveSymmetric(Float64Array.of(1, 0, 2, 1), Float64Array.of(1, 1))).toThrow('positive definite');
  });
});

describe('logistic regression', () => {
  it('gives the weights of scikit-learn, as far as the search goes', () => {
    const { weights } = fitLogistic(x, classes, 3);
    const expected = [[-2.17448, -0.42709, 0.10525, 0.9337], [0.22772, 0.28468, 0.39503, -0.00271], [1.94676, 0.14241, -0.50028, -0.93099]];
    // Intercepts have no penalty: only their differences are determined, and scikit-learn makes them add up to 0.
    const middle = (weights[3]! + weights[7]! + weights[11]!) / 3;
    expected.forEach((row, k) => row.forEach((value, i) => expect(Math.abs(weights[k * 4 + i]! - (i === 3 ? middle : 0) - value)).toBeLessThan(0.02)));
  });

  it('guesses as it does', () => {
    const guess = predictClasses(fitLogistic(x, classes, 3), x);
    expect([...guess]).toEqual([1, 1, 2, 1, 1, 2, 1, 0, 1, 1, 2, 2, 1, 1, 0, 0, 1, 0, 2, 0, 2, 1, 0, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 0, 0, 1, 1, 1, 1]);
    expect(macroF1(classes, guess, 3)).toBeCloseTo(0.7465608465608465, 12);
  });
});

describe('nearest neighbours', () => {
  const asked = samples(10, 3, 9);
  const found = nearest(x, asked, 5);

  it('vote and average as those of scikit-learn', () => {
    expect([...vote(classes, found, 3)]).toEqual([0, 0, 1, 1, 1, 2, 0, 1, 0, 1]);
    close(average(y, found), [0.3551272433623672, -0.01737541479058564, 0.012030253685079522, 0.11213712183758615, 0.5482275642128661, 1.5688364893104882, -0.06751626530196517, 0.6848006597347558, 0.04487548141740262, 0.4309553486481309]);
  });

  it('are the nearest, nearest first', () => {
    const distance = (a: number, b: number) => [0, 1, 2].reduce((sum, i) => sum + (x.values[a * 3 + i]! - asked.values[b * 3 + i]!) ** 2, 0);
    found.forEach((rows, n) => {
      const all = Array.from({ length: 40 }, (_, i) => i).toSorted((a, b) => distance(a, n) - distance(b, n));
      expect([...rows]).toEqual(all.slice(0, 5));
    });
  });

  it('are all there are, when there are fewer than asked for', () => {
    expect(nearest(takeRows(x, [3, 4]), asked, 10)[0]).toHaveLength(2);
  });
});

describe('scores', () => {
  it('explain nothing when nothing varies', () => {
    expect(r2(Float64Array.of(1, 1), Float64Array.of(0, 2))).toBe(0);
    expect(r2(Float64Array.of(1, 3), Float64Array.of(2, 2))).toBe(0);
    expect(r2(Float64Array.of(1, 3), Float64Array.of(1, 3))).toBe(1);
  });

  it('have the quality of NeuCo-Bench', () => {
    expect(deviation([0.5, 0.7])).toBeCloseTo(Math.SQRT2 / 10, 12);
    expect(neucoQuality([0.5, 0.5])).toBeCloseTo(50, 12);
  });
});

it('standardises columns, and leaves constant ones at 0', () => {
  const given: Samples = { count: 3, width: 2, values: Float64Array.of(1, 7, 2, 7, 3, 7) };
  const { values } = standardise(given, standardOf(given));
  close(values, [-Math.sqrt(1.5), 0, 0, 0, Math.sqrt(1.5), 0]);
});

it('finds the bottom of a crooked valley', () => {
  const rosenbrock = (p: Float64Array, g: Float64Array) => {
    const [a, b] = [p[0]!, p[1]!];
    g[0] = -2 * (1 - a) - 400 * a * (b - a * a);
    g[1] = 200 * (b - a * a);
    return (1 - a) ** 2 + 100 * (b - a * a) ** 2;
  };
  close(minimise(rosenbrock, Float64Array.of(-1.2, 1)), [1, 1], 4);
});

describe('a probe', () => {
  const folds = Uint8Array.from({ length: 40 }, (_, i) => i % 4);

  it('scores every fold, by what was learnt from the others', () => {
    const [linear, neighbours] = probe('y', x, { kind: 'amount', values: y }, folds);
    expect(linear).toMatchObject({ task: 'y', probe: 'linear', metric: 'r2', samples: 40 });
    expect(linear!.folds).toHaveLength(4);
    expect(linear!.mean).toBeGreaterThan(0.85);
    expect(neighbours!.mean).toBeLessThan(linear!.mean);
  });

  it('finds nothing in vectors that say nothing', () => {
    for (const { mean } of probe('y', samples(40, 3, 77), { kind: 'amount', values: y }, folds)) expect(mean).toBeLessThan(0.2);
  });

  it('leaves samples without a clear class out', () => {
    const some = classes.map((c, i) => (i < 8 ? 255 : c));
    const [linear] = probe('class', x, { kind: 'classes', values: some, classes: 3 }, folds);
    expect(linear).toMatchObject({ metric: 'macro_f1', samples: 32 });
  });

  it('has no score where there is but one class', () => {
    expect(probe('class', x, { kind: 'classes', values: new Uint8Array(40), classes: 3 }, folds)[0]).toMatchObject({ folds: [], mean: 0 });
  });
});
