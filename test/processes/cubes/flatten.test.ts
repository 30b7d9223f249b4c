import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { product } from '../../../src/cube/block.ts';
import { boxesOfRange } from '../../../src/processes/cubes/flatten-dimensions.ts';
import { codeOf, fingerprint, grid, runCube, sample, values } from './harness.ts';

const t = ['2024-01-01T00:00:00Z', '2024-01-02T00:00:00Z', '2024-01-03T00:00:00Z'];

describe('flatten_dimensions', () => {
  const cube = sample({ t, bands: ['a', 'b'], grid: grid(3, 2), attributes: { bands: [{ name: 'a' }, { name: 'b' }] } });
  const of = (changes: object) => runCube('flatten_dimensions', { data: cube, dimensions: ['t', 'bands'], target_dimension: 'n', ...changes });

  it('combines labels and values in the order that is asked for', async () => {
    const result = await of({ data: sample({ t: t.slice(0, 2), bands: ['a', 'b'] }) });
    expect(result.dimensions).toEqual([{ name: 'n', type: 'other', size: 4, labels: [`${t[0]}~a`, `${t[0]}~b`, `${t[1]}~a`, `${t[1]}~b`] }]);
    expect(await values(result)).toEqual([0, 1, 2, 3]);
    const turned = await of({ data: sample({ t: t.slice(0, 2), bands: ['a', 'b'] }), dimensions: ['bands', 't'], label_separator: '/' });
    expect(turned.labels('n')).toEqual([`a/${t[0]}`, `a/${t[1]}`, `b/${t[0]}`, `b/${t[1]}`]);
    expect(await values(turned)).toEqual([0, 2, 1, 3]);
  });

  it('keeps the rest of the cube', async () => {
    const result = await of({});
    expect(result.dimensions.map((d) => d.name)).toEqual(['n', 'y', 'x']);
    expect(result.grid).toEqual(cube.grid);
    expect(result.attributes.bands).toBeUndefined();
    expect(await values(result)).toEqual(await values(cube));
    expect(await values(result, [1, -1, 0], [2, 2, 1])).toEqual([null, 6, null, 12]);
  });

  it('flattens pixels, whose coordinates become texts', async () => {
    const result = await of({ dimensions: ['y', 'x'], target_dimension: 'pixel' });
    expect(result.grid).toBeNull();
    expect(result.labels('pixel').slice(0, 2)).toEqual(['5599995~600005', '5599995~600015']);
    expect(await values(result, [2, 1, 2], [1, 1, 3])).toEqual([32, 33, 34]);
    const apart = await of({ dimensions: ['x', 't'] });
    expect(apart.dimensions.map((d) => d.name)).toEqual(['n', 'bands', 'y']);
    expect((await values(apart, [4, 0, 1], [2, 1, 1]))).toEqual([16, 28]);
  });

  it('refuses what is not there, there already, or too much', async () => {
    expect(await codeOf(of({ dimensions: ['t', 'z'] }))).toBe('DimensionNotAvailable');
    expect(await codeOf(of({ target_dimension: 'x' }))).toBe('TargetDimensionExists');
    expect(await codeOf(of({ target_dimension: 't' }))).toBe('TargetDimensionExists');
    expect(await codeOf(of({ dimensions: [] }))).toBe('ProcessParameterInvalid');
    expect(await codeOf(of({ dimensions: ['t', 't'] }))).toBe('ProcessParameterInvalid');
    expect(await codeOf(of({ dimensions: 't' }))).toBe('ProcessParameterInvalid');
    expect(await codeOf(of({ label_separator: '' }))).toBe('ProcessParameterInvalid');
    const wide = cube.with({ dimensions: cube.dimensions.map((d) => (d.axis ? { ...d, size: 2000 } : d)) });
    expect(await codeOf(of({ data: wide, dimensions: ['x', 'y'] }))).toBe('ProcessParameterInvalid');
  });

  it('has a fingerprint of its order and its samples', async () => {
    const print = async (dimensions: string[], data = cube) => fingerprint(await of({ dimensions, data }));
    expect(await print(['t', 'bands'])).toBe(await print(['t', 'bands']));
    expect(await print(['t', 'bands'])).not.toBe(await print(['bands', 't']));
    expect(await print(['t', 'bands'])).not.toBe(await print(['t', 'bands'], sample({ t, bands: ['a', 'b'], grid: grid(3, 2), value: (i) => i + 1 })));
  });
});

describe('unflatten_dimension', () => {
  const flat = sample({ bands: ['2020~B1', '2020~B2', '2020~B3', '2021~B1', '2021~B2', '2021~B3'], grid: grid(2, 1), attributes: { bands: [] } });
  const of = (changes: object) => runCube('unflatten_dimension', { data: flat, dimension: 'bands', target_dimensions: ['year', 'band'], ...changes });

  it('takes the labels apart', async () => {
    const result = await of({});
    expect(result.dimensions.slice(0, 2)).toEqual([{ name: 'year', type: 'other', size: 2, labels: ['2020', '2021'] }, { name: 'band', type: 'other', size: 3, labels: ['B1', 'B2', 'B3'] }]);
    expect(await values(result)).toEqual(await values(flat));
    expect(await values(result, [1, 1, 0, 1], [1, 2, 1, 1])).toEqual([9, 11]);
    expect(result.grid).toEqual(flat.grid);
  });

  it('does not depend on the order of the labels', async () => {
    const mixed = await of({ data: sample({ bands: ['a.1', 'b.2', 'b.1', 'a.2'] }), label_separator: '.' });
    expect(await values(mixed)).toEqual([0, 3, 2, 1]);
  });

  it('refuses labels that do not fit', async () => {
    expect(await codeOf(of({ dimension: 'z' }))).toBe('DimensionNotAvailable');
    expect(await codeOf(of({ target_dimensions: ['a', 'x'] }))).toBe('TargetDimensionExists');
    expect(await codeOf(of({ target_dimensions: ['a', 'bands'] }))).toBe('TargetDimensionExists');
    for (const target_dimensions of [['a'], ['a', 'a'], ['a', 'b', 'c']]) expect(await codeOf(of({ target_dimensions }))).toBe('ProcessParameterInvalid');
    expect(await codeOf(of({ label_separator: '/' }))).toBe('ProcessParameterInvalid');
    expect(await codeOf(of({ dimension: 'x' }))).toBe('ProcessParameterInvalid');
    for (const bands of [['a~1', 'a~2', 'b~1'], ['a~1', 'b~2'], ['a~1', 'a~1', 'b~2', 'b~1']]) {
      await expect(of({ data: sample({ bands }) })).rejects.toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringContaining('exactly once') as string });
    }
  });
});

describe('there and back', () => {
  it('gives the same cube in every window (property)', async () => {
    const cube = sample({ t, bands: ['a', 'b'], grid: grid(4, 3), value: (i) => (i % 7 ? i : null) });
    const whole = await values(cube);
    const range = (size: number) => fc.tuple(fc.nat(size - 1), fc.nat(size - 1)).map(([a, b]) => ({ start: Math.min(a, b), size: Math.abs(a - b) + 1 }));
    await fc.assert(fc.asyncProperty(fc.constantFrom(['t', 'bands'], ['bands', 't']), range(3), range(2), range(3), range(4), async (dimensions, onT, onBands, y, x) => {
      const flat = await runCube('flatten_dimensions', { data: cube, dimensions, target_dimension: 'n' });
      const back = await runCube('unflatten_dimension', { data: flat, dimension: 'n', target_dimensions: dimensions.map((d) => `${d}2`) });
      const parts = dimensions[0] === 't' ? [onT, onBands] : [onBands, onT];
      const window = [...parts, y, x];
      const found = await values(back, window.map((w) => w.start), window.map((w) => w.size));
      const at = (i: number) => window.reduceRight<{ rest: number; index: number[] }>(({ rest, index }, { start, size }) => ({ rest: Math.floor(rest / size), index: [start + rest % size, ...index] }), { rest: i, index: [] }).index;
      expect(found).toEqual(found.map((_, i) => {
        const [a, b, r, c] = at(i) as [number, number, number, number];
        const [k, n] = dimensions[0] === 't' ? [a, b] : [b, a];
        return whole[((k * 2 + n) * 3 + r) * 4 + c];
      }));
    }), { numRuns: 60 });
  });

  it('covers ranges with boxes that hold every position once, in order (property)', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }), fc.nat(300), fc.nat(300), (sizes, a, b) => {
      const count = product(sizes);
      const [start, end] = [Math.min(a, b) % (count + 1), Math.min(count, Math.max(a, b))];
      const positions = boxesOfRange(sizes, start, end).flatMap((box) => {
        let found = [0];
        for (const [i, size] of sizes.entries()) found = found.flatMap((base) => Array.from({ length: box.size[i]! }, (_, k) => base * size + box.start[i]! + k));
        return found;
      });
      expect(positions).toEqual(Array.from({ length: Math.max(0, end - start) }, (_, i) => start + i));
    }));
  });
});
