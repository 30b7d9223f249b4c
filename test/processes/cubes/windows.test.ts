import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrayCube } from '../../../src/cube/array-cube.ts';
import { callback, codeOf, fingerprint, grid, reducer, run, runCube, sample, values } from './harness.ts';

const ID = 'aggregate_spatial_window';

describe(ID, () => {
  const cube = sample({ grid: grid(5, 3) });
  const of = async (changes: object) => runCube(ID, { data: cube, reducer: reducer('max'), size: [2, 2], ...changes });

  it('completes windows with no-data, which reducers leave out', async () => {
    const result = await of({});
    expect(await values(result)).toEqual([6, 8, 9, 11, 13, 14]);
    expect(result.grid).toEqual({ ...cube.grid, stepX: 20, stepY: 20, width: 3, height: 2 });
    expect(await values(await of({ reducer: callback('count', { data: { from_parameter: 'data' } }) }))).toEqual([4, 4, 2, 2, 2, 1]);
    expect(await values(await of({ reducer: callback('count', { data: { from_parameter: 'data' }, condition: true }) }))).toEqual([4, 4, 4, 4, 4, 4]);
  });

  it('trims what is left over', async () => {
    const result = await of({ boundary: 'trim' });
    expect(await values(result)).toEqual([6, 8]);
    expect(result.shape).toEqual([1, 2]);
  });

  it('begins in the corner that it is aligned to', async () => {
    const padded = await of({ align: 'lower-right' });
    expect(await values(padded)).toEqual([0, 2, 4, 10, 12, 14]);
    expect(padded.grid).toMatchObject({ originX: 599_990, originY: 5_600_010 });
    const trimmed = await of({ align: 'lower-right', boundary: 'trim' });
    expect(await values(trimmed)).toEqual([12, 14]);
    expect(trimmed.grid).toMatchObject({ originX: 600_010, originY: 5_599_990 });
    expect(await values(await of({ align: 'upper-right', boundary: 'trim' }))).toEqual([7, 9]);
    expect(await values(await of({ align: 'lower-left', boundary: 'trim' }))).toEqual([11, 13]);
  });

  it('takes the size as width and height', async () => {
    expect(await values(await of({ size: [5, 1] }))).toEqual([4, 9, 14]);
    expect(await values(await of({ size: [1, 3] }))).toEqual([10, 11, 12, 13, 14]);
    expect(await values(await of({ size: [100, 100] }))).toEqual([14]);
  });

  it('gives windows their centres as labels where there is no grid', async () => {
    const dimensions = [{ name: 'x', type: 'spatial', axis: 'x', size: 3, labels: [10, 20, 30] }, { name: 'y', type: 'spatial', axis: 'y', size: 2, labels: [1, 2] }] as const;
    const loose = arrayCube({ dimensions, dtype: 'int16', data: Int16Array.from({ length: 6 }, (_, i) => i) });
    const result = await runCube(ID, { data: loose, reducer: reducer('max'), size: [2, 1] });
    expect(result.labels('x')).toEqual([15, 35]);
    expect(await values(result)).toEqual([2, 3, 4, 5]);
    // y grows northwards here: the upper row is the last.
    const upper = await runCube(ID, { data: loose, reducer: reducer('max'), size: [3, 2], boundary: 'trim' });
    expect(upper.labels('y')).toEqual([1.5]);
    const named = arrayCube({ dimensions: [{ ...dimensions[0], labels: ['a', 'b', 'c'] }, dimensions[1]], dtype: 'int16', data: new Int16Array(6) });
    expect(await codeOf(run(ID, { data: named, reducer: reducer('max'), size: [2, 1] }))).toBe('ProcessParameterInvalid');
  });

  it('refuses sizes that are none, and reducers that give no single value', async () => {
    for (const size of [[0, 1], [1.5, 1], [-1, 1], [1], [1, 2, 3], [Infinity, 1], [NaN, 1], [1 << 20, 1 << 20], 'x']) {
      expect(await codeOf(of({ size })), String(size)).toBe('ProcessParameterInvalid');
    }
    expect(await codeOf(of({ size: [6, 1], boundary: 'trim' }))).toBe('ProcessParameterInvalid');
    expect(await codeOf(of({ boundary: 'wrap' }))).toBe('ProcessParameterInvalid');
    expect(await codeOf(of({ align: 'middle' }))).toBe('ProcessParameterInvalid');
    expect(await codeOf(of({ reducer: reducer('extrema') }))).toBe('ProcessParameterInvalid');
    expect(await codeOf(of({ data: sample({ t: ['2024-01-01'] }) }))).toBe('ProcessParameterInvalid');
  });

  it('gives the same in every window, and what a plain loop gives (property)', async () => {
    const length = fc.integer({ min: 1, max: 7 });
    await fc.assert(fc.asyncProperty(
      fc.record({ width: length, height: length, w: length, h: length, boundary: fc.constantFrom('pad', 'trim'), align: fc.constantFrom('upper-left', 'upper-right', 'lower-left', 'lower-right'), at: fc.tuple(fc.integer({ min: -2, max: 4 }), fc.integer({ min: -2, max: 4 })), bands: fc.boolean() }),
      async ({ width, height, w, h, boundary, align, at, bands }) => {
        fc.pre(boundary === 'pad' || (w <= width && h <= height));
        const data = sample({ ...(bands && { bands: ['a', 'b'] }), grid: grid(width, height), value: (i) => (i % 5 === 2 ? null : (i * 31) % 97) });
        const result = await runCube(ID, { data, reducer: reducer('sum'), size: [w, h], boundary, align });
        const [columns, rows] = [result.grid!.width, result.grid!.height];
        const left = align.endsWith('left') ? 0 : width - columns * w;
        const top = align.startsWith('upper') ? 0 : height - rows * h;
        const source = await values(data);
        const expected = (layer: number, row: number, column: number) => {
          if (row < 0 || column < 0 || row >= rows || column >= columns) return null;
          const list: number[] = [];
          for (let y = top + row * h; y < top + (row + 1) * h; y++) {
            for (let x = left + column * w; x < left + (column + 1) * w; x++) {
              if (x >= 0 && y >= 0 && x < width && y < height) list.push(...[source[(layer * height + y) * width + x]].filter((v) => typeof v === 'number'));
            }
          }
          return list.length === 0 ? null : list.reduce((a, b) => a + b);
        };
        const layers = bands ? [0, 1] : [0];
        const found = await values(result, [...(bands ? [0] : []), at[1], at[0]], [...(bands ? [2] : []), 3, 2]);
        expect(found).toEqual(layers.flatMap((layer) => [0, 1, 2].flatMap((r) => [0, 1].map((c) => expected(layer, at[1] + r, at[0] + c)))));
      },
    ), { numRuns: 200 });
  });

  it('has a fingerprint of the pixels it sees', async () => {
    const changed = sample({ grid: grid(5, 3), value: (i) => (i === 14 ? 99 : i) });
    const first = { start: [0, 0], size: [1, 2] };
    expect(await (await of({})).fingerprint(first)).toBe(await (await of({ data: changed })).fingerprint(first));
    expect(await fingerprint(await of({}))).not.toBe(await fingerprint(await of({ data: changed })));
    expect(await fingerprint(await of({}))).not.toBe(await fingerprint(await of({ align: 'lower-right' })));
  });
});
