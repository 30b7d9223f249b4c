/** Small warps that GDAL computed, and the same in any window. The large comparison is test/clients/test_resampling.py. */
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Block } from '../../src/cube/block.ts';
import type { Resampling } from '../../src/cube/cube.ts';
import { cropBlock } from '../../src/cube/paste.ts';
import { createWarp, warpBlock } from '../../src/cube/warp.ts';
import type { CellWindow, Grid } from '../../src/geo/grid.ts';

interface Fixture {
  readonly source: Grid;
  readonly samples: readonly (readonly number[])[];
  readonly targets: Readonly<Record<string, Grid>>;
  readonly cases: readonly { readonly target: string; readonly method: Resampling; readonly rows: readonly (readonly (number | null | 'edge')[])[] }[];
}

const fixture = JSON.parse(await readFile(new URL('fixtures/gdal-warps.json', import.meta.url), 'utf8')) as Fixture;
const samples = fixture.samples.flat();
const source: Block = { dtype: 'float64', shape: [1, fixture.source.height, fixture.source.width], data: Float64Array.from(samples), nulls: Uint8Array.from(samples, (v) => Number(v === -1)) };
const methods = [...new Set(fixture.cases.map(({ method }) => method))];

/** GDAL leaves weights of lanczos undivided that are nearly one, and slivers of cells out of sums. */
const allowed: Partial<Record<Resampling, number>> = { lanczos: 1e-5, sum: 1e-5 };

describe('warps as GDAL does them', () => {
  it('has all methods', () => expect(methods).toHaveLength(14));

  it.each(fixture.cases.map((entry) => [entry.target, entry.method, entry] as const))('%s, %s', (_, method, { target, rows }) => {
    const out = warpBlock(source, fixture.source, fixture.targets[target]!, method);
    rows.flat().forEach((expected, i) => {
      if (expected === 'edge') return;
      const value = out.nulls?.[i] ? null : out.data[i]!;
      if (expected === null || value === null) expect(value).toBe(expected);
      else expect(Math.abs(value - expected)).toBeLessThanOrEqual((allowed[method] ?? 1e-6) * Math.abs(expected));
    });
  });

  it.each(methods)('%s of any window equals the same cells of the whole', (method) => {
    const all: CellWindow = { x: 0, y: 0, width: fixture.source.width, height: fixture.source.height };
    const window = ({ x, y, width, height }: CellWindow) => ({ start: [0, y, x], size: [1, height, width] });
    for (const target of Object.values(fixture.targets)) {
      const warp = createWarp(target, fixture.source, method);
      const everything = { x: -3, y: -3, width: target.width + 6, height: target.height + 6 };
      const whole = warp.run(source, all, everything);
      const part = fc.record({ x: fc.integer({ min: -3, max: target.width }), y: fc.integer({ min: -3, max: target.height }), width: fc.integer({ min: 1, max: 3 }), height: fc.integer({ min: 1, max: 3 }) });
      fc.assert(fc.property(part, (cells) => {
        const needed = warp.sourceCells(cells);
        const out = warp.run(cropBlock(source, window(all), window(needed)), needed, cells);
        const expected = cropBlock(whole, window(everything), window(cells));
        out.data.forEach((value, i) => {
          expect(out.nulls?.[i] ?? 0).toBe(expected.nulls?.[i] ?? 0);
          if (!out.nulls?.[i]) expect(value).toBe(expected.data[i]);
        });
      }), { numRuns: 30 });
    }
  });
});
