import { describe, expect, it } from 'vitest';
import { Scan } from '../../src/layers/scan.ts';

/** How many of the reads were guessed right, and how many wrong. */
function follow(end: { x: number; y: number }, reads: readonly (readonly [number, number])[]): { right: number; wrong: number } {
  const scan = new Scan(end);
  const out = { right: 0, wrong: 0 };
  reads.forEach(([x, y], i) => {
    const guess = scan.next({ x, y });
    const next = reads[i + 1];
    if (!guess) return;
    if (next && guess.x === next[0] && guess.y === next[1]) out.right++;
    else out.wrong++;
  });
  return out;
}

const rowByRow = (width: number, height: number, unit: number, origin = 0): [number, number][] =>
  Array.from({ length: width * height }, (_, i) => [origin + (i % width) * unit, origin + Math.floor(i / width) * unit]);

/** As the pyramid of a GeoTIFF is built. */
function quarterByQuarter(width: number, height: number, unit: number): [number, number][] {
  const out: [number, number][] = [];
  const visit = (level: number, x: number, y: number): void => {
    if (x * 2 ** level >= width || y * 2 ** level >= height) return;
    if (level === 0) out.push([x * unit, y * unit]);
    else for (const [dx, dy] of [[0, 0], [1, 0], [0, 1], [1, 1]] as const) visit(level - 1, x * 2 + dx, y * 2 + dy);
  };
  visit(6, 0, 0);
  return out;
}

describe('a scan', () => {
  it('is followed row by row', () => {
    // Nothing is known before the second read, and whether it goes on by rows before the third.
    expect(follow({ x: 15, y: 11 }, rowByRow(4, 3, 4))).toEqual({ right: 12 - 3, wrong: 0 });
    expect(follow({ x: 2, y: 1 }, rowByRow(5, 4, 1, -2))).toEqual({ right: 20 - 3, wrong: 0 });
  });

  it('is followed quarter by quarter, also over borders', () => {
    for (const [width, height] of [[8, 8], [5, 3], [7, 6]] as const) {
      const reads = quarterByQuarter(width, height, 16);
      expect(reads.length).toBe(width * height);
      expect(follow({ x: width * 16 - 1, y: height * 16 - 3 }, reads), `${width} × ${height}`).toEqual({ right: reads.length - 3, wrong: 0 });
    }
  });

  it('is followed in one column and in one row', () => {
    expect(follow({ x: 3, y: 19 }, rowByRow(1, 5, 4))).toEqual({ right: 3, wrong: 0 });
    expect(follow({ x: 19, y: 3 }, rowByRow(5, 1, 4))).toEqual({ right: 3, wrong: 0 });
  });

  it('is known from the start on the second date', () => {
    const once = rowByRow(4, 3, 4);
    expect(follow({ x: 15, y: 11 }, [...once, ...once])).toEqual({ right: 9 + 11, wrong: 0 });
  });

  it('is not guessed where there is no order', () => {
    const reads = [[0, 0], [9, 4], [2, 7], [5, 5], [1, 0], [8, 8], [3, 1]] as const;
    expect(follow({ x: 9, y: 9 }, reads).right).toBe(0);
    expect(follow({ x: 9, y: 9 }, reads).wrong).toBeLessThan(2);
  });
});
