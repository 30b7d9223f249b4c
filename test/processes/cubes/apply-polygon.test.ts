import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { geometryDimension } from '../../../src/cube/dimension.ts';
import { bareCube, type GeometryDimension } from '../../../src/cube/geometries.ts';
import type { Geometry } from '../../../src/geo/geometry.ts';
import { callback, codeOf, grid, run, runCube, sample, values } from './harness.ts';

const ID = 'apply_polygon';
const data = { from_parameter: 'data' };

/** A rectangle over columns and rows of the grid, which are 10 m wide. */
function box(left: number, top: number, right: number, bottom: number): Geometry {
  const at = (column: number, row: number) => [600_000 + column * 10, 5_600_000 - row * 10];
  return { type: 'Polygon', coordinates: [[at(left, top), at(left, bottom), at(right, bottom), at(right, top), at(left, top)]] };
}

const vectors = (...shapes: Geometry[]) => bareCube(geometryDimension({ crs: 'EPSG:32631', shapes }) as GeometryDimension);
const twice = callback('apply', { data, process: callback('multiply', { x: { from_parameter: 'x' }, y: 2 }) });

/** The sum of all pixels that the child sees, at every one of them. */
const total = { process_graph: {
  one: { process_id: 'reduce_spatial', arguments: { data, reducer: callback('sum', { data }) } },
  back: { process_id: 'merge_cubes', arguments: { cube1: data, cube2: { from_node: 'one' }, overlap_resolver: callback('add', { x: { from_parameter: 'y' }, y: 0 }) }, result: true },
} };

describe(ID, () => {
  const cube = sample({ grid: grid(4, 3) });

  it('applies the child to the pixels of each polygon; the others have no value', async () => {
    const result = await runCube(ID, { data: cube, geometries: vectors(box(0, 0, 2, 1), box(2, 1, 4, 3)), process: twice });
    expect(await values(result)).toEqual([0, 2, null, null, null, null, 12, 14, null, null, 20, 22]);
    expect(result.dimensions).toEqual(cube.dimensions);
    expect(result.grid).toEqual(cube.grid);
    expect(result.isEmpty!({ start: [1, 0], size: [2, 2] })).toBe(true);
    expect(result.isEmpty!({ start: [1, 1], size: [2, 2] })).toBe(false);
  });

  it('shows the child the smallest part of the grid, masked', async () => {
    const triangle: Geometry = { type: 'Polygon', coordinates: [[[600_000, 5_600_000], [600_000, 5_599_970], [600_030, 5_599_970], [600_000, 5_600_000]]] };
    const of = async (mask_value: number | null) => values(await runCube(ID, { data: cube, geometries: vectors(triangle), process: total, mask_value }));
    // Centres on the diagonal belong to the triangle: 0 | 4 5 | 8 9 10.
    const sum = 0 + 4 + 5 + 8 + 9 + 10;
    const where = (value: number) => [value, null, null, null, value, value, null, null, value, value, value, null];
    expect(await of(null)).toEqual(where(sum));
    expect(await of(100)).toEqual(where(sum + 300));
  });

  it('replaces no-data outside of the polygon too, and leaves it inside', async () => {
    const gaps = sample({ grid: grid(4, 1), value: (i) => (i === 1 || i === 3 ? null : i) });
    const ring: Geometry = { type: 'MultiPolygon', coordinates: [box(0, 0, 2, 1).coordinates, box(3, 0, 4, 1).coordinates] };
    const flagged = callback('apply', { data, process: callback('is_nodata', { x: { from_parameter: 'x' } }) });
    expect(await values(await runCube(ID, { data: gaps, geometries: vectors(ring), process: flagged }))).toEqual([false, true, null, true]);
    expect(await values(await runCube(ID, { data: gaps, geometries: vectors(box(0, 0, 3, 1)), process: total, mask_value: 7 }))).toEqual([2, 2, 2, null]);
  });

  it('cuts polygons at the edge and leaves out those beyond it', async () => {
    const result = await runCube(ID, { data: cube, geometries: vectors(box(-5, -5, 1, 1), box(50, 50, 60, 60), { type: 'Polygon', coordinates: [] }), process: total });
    expect((await values(result)).slice(0, 3)).toEqual([0, null, null]);
    expect(await values(result, [-1, -1], [2, 2])).toEqual([null, null, null, 0]);
    const none = await runCube(ID, { data: cube, geometries: vectors(box(50, 50, 60, 60)), process: total });
    expect(new Set(await values(none))).toEqual(new Set([null]));
  });

  it('takes GeoJSON in degrees', async () => {
    const polygon = { type: 'Polygon', coordinates: [[[0, 50], [10, 50], [10, 51], [0, 51], [0, 50]]] };
    expect(await values(await runCube(ID, { data: cube, geometries: { type: 'Feature', geometry: polygon, properties: {} }, process: twice }))).toEqual(Array.from({ length: 12 }, (_, i) => 2 * i));
  });

  it('refuses polygons that share a pixel, but not those that share a border', async () => {
    const of = (...shapes: Geometry[]) => codeOf(run(ID, { data: cube, geometries: vectors(...shapes), process: twice }));
    expect(await of(box(0, 0, 2, 2), box(1, 1, 3, 3))).toBe('GeometriesOverlap');
    expect(await of(box(0, 0, 2, 2), box(2, 0, 4, 2), box(0, 2, 4, 3))).toBe('no error');
    // A border through the centres of pixels: they belong to both.
    expect(await of(box(0, 0, 1.5, 2), box(1.5, 0, 4, 2))).toBe('GeometriesOverlap');
    expect(await of(box(0, 0, 2, 2), box(3, 3, 4, 4), box(0, 0, 1, 1))).toBe('GeometriesOverlap');
  });

  it('refuses children that change the dimensions, but takes other labels', async () => {
    const bands = sample({ bands: ['a', 'b'], grid: grid(4, 3) });
    const of = (process: object, changes: object = {}) => codeOf(run(ID, { data: bands, geometries: vectors(box(0, 0, 2, 2)), process, ...changes }));
    expect(await of(callback('rename_labels', { data, dimension: 'bands', source: ['a', 'b'], target: ['c', 'd'] }))).toBe('no error');
    expect(await of(callback('filter_bands', { data, bands: ['a'] }))).toBe('ProcessParameterInvalid');
    expect(await of(callback('resample_spatial', { data, resolution: 20 }))).toBe('ProcessParameterInvalid');
    expect(await of(callback('dimension_labels', { data, dimension: 'bands' }))).toBe('ProcessParameterInvalid');
  });

  it('refuses arguments that are none', async () => {
    const of = (changes: object) => codeOf(run(ID, { data: cube, geometries: vectors(box(0, 0, 2, 2)), process: twice, ...changes }));
    expect(await of({ geometries: vectors({ type: 'Point', coordinates: [600_005, 5_599_995] }) })).toBe('ProcessParameterInvalid');
    expect(await of({ geometries: vectors() })).toBe('ProcessParameterInvalid');
    expect(await of({ geometries: cube })).toBe('ProcessParameterInvalid');
    expect(await of({ geometries: 5 })).toBe('ProcessParameterInvalid');
    expect(await of({ data: sample({ t: ['2024-01-01'] }) })).toBe('ProcessParameterInvalid');
    expect(await of({ mask_value: true })).toBe('ProcessParameterInvalid');
    expect(await of({ mask_value: 'x' })).toBe('ProcessParameterInvalid');
    expect(await of({ mask_value: 1e9, data: sample({ grid: grid(4, 3), dtype: 'uint8' }) })).toBe('no error');
  });

  it('has a fingerprint of the polygons and of what lies in them', async () => {
    const of = async (shape: Geometry, source = cube) => (await runCube(ID, { data: source, geometries: vectors(shape), process: total })).fingerprint({ start: [0, 0], size: [1, 1] });
    const changed = sample({ grid: grid(4, 3), value: (i) => (i === 5 ? 99 : i) });
    expect(await of(box(0, 0, 2, 2))).toBe(await of(box(0, 0, 2, 2)));
    expect(await of(box(0, 0, 2, 2))).not.toBe(await of(box(0, 0, 2, 1)));
    expect(await of(box(0, 0, 2, 2))).not.toBe(await of(box(0, 0, 2, 2), changed));
  });

  it('gives the same in every window (property)', async () => {
    const bands = sample({ bands: ['a', 'b'], grid: grid(9, 8), value: (i) => (i % 5 ? i : null) });
    const triangle: Geometry = { type: 'Polygon', coordinates: [[[600_000, 5_600_000], [600_000, 5_599_930], [600_070, 5_599_930], [600_000, 5_600_000]]] };
    const result = await runCube(ID, { data: bands, geometries: vectors(triangle, box(5, 0, 9, 4)), process: total, mask_value: 1 });
    const whole = await values(result);
    await fc.assert(fc.asyncProperty(fc.integer({ min: -2, max: 8 }), fc.integer({ min: -2, max: 7 }), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), async (x, y, w, h) => {
      const inside = (c: number, r: number) => c >= 0 && r >= 0 && c < 9 && r < 8;
      const expected = Array.from({ length: 2 * w * h }, (_, i) => {
        const [b, r, c] = [Math.floor(i / (w * h)), y + Math.floor(i / w) % h, x + i % w];
        return inside(c, r) ? whole[(b * 8 + r) * 9 + c]! : null;
      });
      expect(await values(result, [0, y, x], [2, h, w])).toEqual(expected);
    }), { numRuns: 100 });
  });
});
