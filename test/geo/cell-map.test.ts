import { describe, expect, it } from 'vitest';
import { cellMap } from '../../src/geo/cell-map.ts';
import type { Grid } from '../../src/geo/grid.ts';

const utm: Grid = { crs: 'EPSG:32631', originX: 600_000, originY: 5_700_000, stepX: 10, stepY: 10, width: 512, height: 512 };
const mercator: Grid = { crs: 'EPSG:3857', originX: 500_000, originY: 6_690_000, stepX: 15, stepY: 15, width: 512, height: 512 };

describe('cellMap', () => {
  it('is exact on one CRS, also where division leaves a remainder', () => {
    const odd = { ...utm, originX: 600_000.1, stepX: 0.1, stepY: 0.1 };
    const map = cellMap({ ...odd, originX: 600_000.4, stepX: 0.3, stepY: 0.3 }, odd);
    expect(map.exact(1, 1)).toEqual([6, 3]);
  });

  it('interpolates projected positions to a ten-thousandth of a cell', () => {
    const map = cellMap(mercator, utm);
    const window = { x: 100, y: 40, width: 300, height: 200 };
    const row = map.over(window);
    const xs = new Float64Array(300);
    const ys = new Float64Array(300);
    for (const y of [40, 71, 239]) {
      row(y, 0.5, 0.5, xs, ys);
      for (const c of [0, 13, 150, 299]) {
        const [x, py] = map.exact(window.x + c + 0.5, y + 0.5);
        expect(Math.abs(xs[c]! - x)).toBeLessThan(1e-4);
        expect(Math.abs(ys[c]! - py)).toBeLessThan(1e-4);
      }
    }
  });

  it('gives a cell the same position in every window', () => {
    const map = cellMap(mercator, utm);
    const at = (x: number, y: number) => {
      const [xs, ys] = [new Float64Array(64), new Float64Array(64)];
      map.over({ x, y, width: 64, height: 64 })(80, 0.5, 0.5, xs, ys);
      return [xs[90 - x], ys[90 - x]];
    };
    expect(at(31, 17)).toEqual(at(77, 80));
  });

  it('says NaN where a point has no image', () => {
    const map = cellMap({ crs: 'EPSG:4326', originX: -180, originY: 90, stepX: 1, stepY: 1, width: 360, height: 180 }, utm);
    expect(map.exact(183, -5)[0]).toBeNaN();
    expect(map.exact(NaN, 40)[0]).toBeNaN();
    expect(map.exact(183, 40)[0]).not.toBeNaN();
  });
});
