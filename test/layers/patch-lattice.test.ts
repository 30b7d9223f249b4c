import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cropGrid } from '../../src/geo/grid.ts';
import { blockCells, blockPixels, blocksOf, BLOCK_PATCHES, patchLattice } from '../../src/layers/patch-lattice.ts';
import { manifest, utmGrid } from './fixtures.ts';

const anchor = { x: 600_000, y: 5_600_000 };

describe('patchLattice', () => {
  it('gives one cell per patch whose centre lies in the grid', () => {
    // 10 px hold the centres (2, 6) of two patches of 4 px; the third's centre is at 10, the open edge.
    const lattice = patchLattice(utmGrid(10, 11), anchor, manifest);
    expect(lattice.grid).toMatchObject({ width: 2, height: 3, stepX: 40, stepY: 40, originX: 600_000, originY: 5_600_000 });
  });

  it('puts a place into the same patch whatever the extent', () => {
    fc.assert(fc.property(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -50, max: 50 }), (x, y) => {
      const whole = utmGrid(40, 40);
      const { grid } = patchLattice(cropGrid(whole, { x, y, width: 40, height: 40 }), anchor, manifest);
      expect(((grid.originX - anchor.x) / 40) % 1).toBeCloseTo(0);
      expect(((anchor.y - grid.originY) / 40) % 1).toBeCloseTo(0);
    }));
  });

  it('refuses degrees, pixels of another size, and extents without a patch', () => {
    const degrees = { ...utmGrid(10, 10), crs: 'EPSG:4326', stepX: 0.0001, stepY: 0.0001 };
    expect(() => patchLattice(degrees, undefined, manifest)).toThrow(/OperatorGrid|degrees/);
    expect(() => patchLattice({ ...utmGrid(10, 10), stepX: 30, stepY: 30 }, anchor, manifest)).toThrow('it needs pixels of 5 to 20 m, these have 30 m');
    expect(() => patchLattice(utmGrid(2, 10), anchor, manifest)).toThrow('holds no whole patch of 4 × 4');
  });
});

describe('blocks', () => {
  it('cover a window exactly once', () => {
    const lattice = patchLattice(cropGrid(utmGrid(600, 600), { x: -40, y: 64, width: 600, height: 400 }), anchor, manifest);
    const seen = new Map<string, number>();
    for (const block of blocksOf(lattice, { x: 0, y: 0, width: lattice.grid.width, height: lattice.grid.height })) {
      const cells = blockCells(lattice, block);
      for (let y = cells.y; y < cells.y + cells.height; y++) for (let x = cells.x; x < cells.x + cells.width; x++) seen.set(`${x} ${y}`, (seen.get(`${x} ${y}`) ?? 0) + 1);
    }
    for (let y = 0; y < lattice.grid.height; y++) for (let x = 0; x < lattice.grid.width; x++) expect(seen.get(`${x} ${y}`)).toBe(1);
  });

  it('need the pixels of their patches and the halo around them', () => {
    const lattice = patchLattice(utmGrid(400, 400), anchor, manifest);
    expect(blockPixels(lattice, { x: 1, y: 0 })).toEqual({ x: 128 - 2, y: -2, width: BLOCK_PATCHES * 4 + 4, height: BLOCK_PATCHES * 4 + 4 });
  });
});
