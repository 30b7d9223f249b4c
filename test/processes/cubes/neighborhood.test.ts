import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrayCube } from '../../../src/cube/array-cube.ts';
import type { Cube } from '../../../src/cube/cube.ts';
import { temporalDimension } from '../../../src/cube/dimension.ts';
import { callback, codeOf, fingerprint, grid, run, runCube, sample, values } from './harness.ts';

const ID = 'apply_neighborhood';
const px = (dimension: string, value: number | null) => ({ dimension, value, unit: 'px' });
const data = { from_parameter: 'data' };
const same = callback('apply', { data, process: callback('add', { x: { from_parameter: 'x' }, y: 0 }) });
const box = (size: number, factor: number) => callback('apply_kernel', { data, kernel: Array.from({ length: size }, () => new Array(size).fill(1)), factor });

/** Every value of a piece becomes the value that a reducer makes of the whole piece. */
const overPiece = (reducer: string) => ({
  process_graph: {
    one: { process_id: 'reduce_dimension', arguments: { data, dimension: 'x', reducer: callback(reducer, { data }) } },
    both: { process_id: 'reduce_dimension', arguments: { data: { from_node: 'one' }, dimension: 'y', reducer: callback(reducer, { data }) } },
    back: {
      process_id: 'merge_cubes',
      arguments: { cube1: data, cube2: { from_node: 'both' }, overlap_resolver: callback('add', { x: { from_parameter: 'y' }, y: 0 }) },
      result: true,
    },
  },
});

describe(ID, () => {
  const cube = sample({ grid: grid(5, 3) });

  it('runs the child on pieces counted from the corner, the last ones smaller', async () => {
    const result = await runCube(ID, { data: cube, process: overPiece('max'), size: [px('x', 2), px('y', 2)] });
    expect(await values(result)).toEqual([6, 6, 8, 8, 9, 6, 6, 8, 8, 9, 11, 11, 13, 13, 14]);
    expect(result.grid).toEqual(cube.grid);
    expect(result.dimensions).toEqual(cube.dimensions);
  });

  it('lets the child see the overlap, and throws away what it makes of it', async () => {
    const result = await runCube(ID, { data: cube, process: overPiece('max'), size: [px('x', 2), px('y', 3)], overlap: [px('x', 1)] });
    expect(await values(result)).toEqual([12, 12, 14, 14, 14, 12, 12, 14, 14, 14, 12, 12, 14, 14, 14]);
  });

  it('completes the overlap with no-data at the edges of the cube', async () => {
    const flags = { process_graph: {
      none: { process_id: 'apply', arguments: { data, process: callback('is_nodata', { x: { from_parameter: 'x' } }) } },
      number: { process_id: 'apply', arguments: { data: { from_node: 'none' }, process: callback('if', { value: { from_parameter: 'x' }, accept: 1, reject: 0 }) } },
      both: { process_id: 'apply_kernel', arguments: { data: { from_node: 'number' }, kernel: [[1, 1, 1], [1, 1, 1], [1, 1, 1]] }, result: true },
    } };
    const result = await runCube(ID, { data: cube, process: flags, size: [px('x', 5), px('y', 3)], overlap: [px('x', 1), px('y', 1)] });
    expect(await values(result)).toEqual([5, 3, 3, 3, 5, 3, 0, 0, 0, 3, 5, 3, 3, 3, 5]);
  });

  it('isolates pieces from each other and from what lies beyond the cube', async () => {
    const whole = sample({ grid: grid(6, 3), value: () => 1 });
    const cropped = await runCube('filter_bbox', { data: whole, extent: { west: 600_000, east: 600_040, south: 5_599_970, north: 5_600_000, crs: 32631 } });
    const sums = await runCube(ID, { data: cropped, process: box(3, 1), size: [px('x', 2)] });
    expect(await values(sums)).toEqual([4, 4, 4, 4, 6, 6, 6, 6, 4, 4, 4, 4]);
    expect(await values(sums, [1, 3], [1, 3])).toEqual([6, null, null]);
  });

  it('takes metres, and degrees or metres without a unit', async () => {
    const of = async (size: object[]) => values(await runCube(ID, { data: cube, process: overPiece('max'), size }));
    const expected = await of([px('x', 2)]);
    expect(await of([{ dimension: 'x', value: 20, unit: 'm' }])).toEqual(expected);
    expect(await of([{ dimension: 'x', value: 20 }])).toEqual(expected);
    expect(await of([{ dimension: 'x', value: 24, unit: 'm' }])).toEqual(expected);
    const degrees = sample({ grid: grid(5, 3, { crs: 'EPSG:4326', originX: 5, originY: 60, stepX: 0.001, stepY: 0.001 }) });
    const geographic = await runCube(ID, { data: degrees, process: overPiece('max'), size: [{ dimension: 'x', value: 111, unit: 'm' }, { dimension: 'y', value: 0.002 }] });
    // Half of the metres of the equator at 60° north: two columns, two rows.
    expect(await values(geographic, [0, 0], [1, 5])).toEqual([6, 6, 8, 8, 9]);
    const feet = sample({ grid: grid(5, 3, { crs: 'EPSG:2263', originX: 1e6, originY: 2e5, stepX: 10, stepY: 10 }) });
    const imperial = await runCube(ID, { data: feet, process: overPiece('max'), size: [{ dimension: 'x', value: 6, unit: 'm' }] });
    expect(await values(imperial)).toEqual(expected);
  });

  it('gives arrays to the child where only one dimension is left', async () => {
    const t = ['2024-01-01T00:00:00Z', '2024-01-02T00:00:00Z', '2024-01-04T00:00:00Z', '2024-01-09T00:00:00Z'];
    const series = sample({ t, grid: grid(2, 1) });
    const sorted = callback('sort', { data, asc: false });
    const pixel = [px('x', 1), px('y', 1)];
    expect(await values(await runCube(ID, { data: series, process: sorted, size: pixel }))).toEqual([6, 7, 4, 5, 2, 3, 0, 1]);
    const ofPeriods = async (overlap: object[]) => values(await runCube(ID, { data: series, process: sorted, size: [...pixel, { dimension: 't', value: 'P2D' }], overlap }));
    expect(await ofPeriods([])).toEqual([2, 3, 0, 1, 4, 5, 6, 7]);
    expect(await ofPeriods([{ dimension: 't', value: 'P1D' }])).toEqual([2, 3, 0, 1, 2, 3, 6, 7]);
    expect(await ofPeriods([{ dimension: 't', value: 'P2D' }])).toEqual([4, 5, 2, 3, 0, 1, 6, 7]);
    const windows = await runCube(ID, { data: series, process: sorted, size: [...pixel, px('t', 3)], overlap: [px('t', 1)] });
    expect(await values(windows, [1, 0, 1], [2, 1, 2])).toEqual([3, null, 1, null]);
  });

  it('cuts the time of whole cubes too, also with counted overlaps', async () => {
    const t = ['2024-01-31T00:00:00Z', '2024-02-29T00:00:00Z', '2024-03-30T00:00:00Z', '2024-03-31T00:00:00Z'];
    const series = sample({ t, grid: grid(1, 1) });
    const late = callback('apply_dimension', { data, dimension: 't', process: callback('cummax', { data }) });
    const of = async (size: object, overlap: object[] = []) => values(await runCube(ID, { data: series, process: { process_graph: {
      down: { process_id: 'apply', arguments: { data, process: callback('multiply', { x: { from_parameter: 'x' }, y: -1 }) } },
      late: { process_id: 'apply_dimension', arguments: { ...late.process_graph.only.arguments, data: { from_node: 'down' } }, result: true },
    } }, size: [size], overlap }));
    // Months are counted from the 31st: one piece a month, whose first value wins.
    expect(await of({ dimension: 't', value: 'P1M' })).toEqual([-0, -1, -1, -3]);
    expect(await of({ dimension: 't', value: 'P2M' })).toEqual([-0, -0, -0, -3]);
    expect(await of(px('t', 3), [px('t', 1)])).toEqual([-0, -0, -0, -2]);
  });

  it('gives dates, numbers and names beyond the edge labels that no other has', async () => {
    const labelled = async (labels: readonly string[], made: string) => {
      const series = arrayCube({ dimensions: [temporalDimension(labels), { name: 'k', type: 'other', size: 1, labels: ['a'] }], dtype: 'float32', data: new Float32Array(labels.length) });
      const process = callback('filter_labels', { data, dimension: 't', condition: callback('eq', { x: { from_parameter: 'value' }, y: made }) });
      try {
        await runCube(ID, { data: series, process, size: [px('t', 2)], overlap: [px('t', 1)] });
      } catch (error) {
        return (error as Error).message;
      }
      return null;
    };
    const found = /from 4 to 1/;
    expect(await labelled(['2024-01-03T00:00:00Z', '2024-01-05T00:00:00Z'], '2024-01-01T00:00:00Z')).toMatch(found);
    expect(await labelled(['2024-01-03T00:00:00Z', '2024-01-05T00:00:00Z'], '2024-01-07T00:00:00Z')).toMatch(found);
    expect(await labelled(['2024-djf', '2024-mam'], 'before-1')).toMatch(found);
  });

  it('refuses children that change the dimensions', async () => {
    const bands = sample({ bands: ['a', 'b'], grid: grid(4, 4), attributes: { bands: [{ name: 'a' }, { name: 'b' }] } });
    const of = (process: object, changes: object = {}) => codeOf(run(ID, { data: bands, process, size: [px('x', 2)], ...changes }));
    expect(await of(callback('drop_dimension', { data, name: 'z' }))).toBe('DimensionNotAvailable');
    expect(await of(callback('reduce_dimension', { data, dimension: 'bands', reducer: callback('mean', { data }) }))).toBe('DataCubePropertiesImmutable');
    expect(await of(callback('add_dimension', { data, name: 'n', label: 1 }))).toBe('DataCubePropertiesImmutable');
    expect(await of(callback('filter_bands', { data, bands: ['a'] }))).toBe('DataCubePropertiesImmutable');
    expect(await of(callback('rename_labels', { data, dimension: 'bands', target: ['c', 'd'], source: ['a', 'b'] }))).toBe('DataCubePropertiesImmutable');
    expect(await of(callback('rename_dimension', { data, source: 'bands', target: 'c' }))).toBe('DataCubePropertiesImmutable');
    expect(await of(callback('resample_spatial', { data, resolution: 20 }))).toBe('DataCubePropertiesImmutable');
    expect(await of(callback('dimension_labels', { data, dimension: 'bands' }))).toBe('ProcessParameterInvalid');
    const pixel = [px('x', 1), px('y', 1)];
    expect(await of(callback('quantiles', { data, probabilities: [0.1, 0.5, 0.9] }), { size: pixel })).toBe('DataCubePropertiesImmutable');
    expect(await of(callback('mean', { data }), { size: pixel })).toBe('ProcessParameterInvalid');
    expect(await of(same)).toBe('no error');
  });

  it('takes a result whose dimensions are in another order', async () => {
    const bands = sample({ bands: ['a', 'b'], grid: grid(3, 2) });
    // A single label, dropped and added again, comes first.
    const single = sample({ t: ['2024-01-01'], bands: ['a', 'b'], grid: grid(3, 2) });
    const turned = { process_graph: {
      dropped: { process_id: 'drop_dimension', arguments: { data, name: 'bands' } },
      added: { process_id: 'add_dimension', arguments: { data: { from_node: 'dropped' }, name: 'bands', label: 'a', type: 'bands' }, result: true },
    } };
    const one = await runCube('filter_bands', { data: single, bands: ['a'] });
    expect(await values(await runCube(ID, { data: one, process: turned, size: [px('x', 2)] }))).toEqual(await values(one));
    expect(await values(await runCube(ID, { data: bands, process: same, size: [px('bands', 1), px('x', 2)] }))).toEqual(await values(bands));
  });

  it('refuses sizes that are none', async () => {
    const t = sample({ t: ['2024-01-02', '2024-01-01'], grid: grid(2, 2) });
    const of = (size: unknown, overlap: unknown = null, source: Cube = t) => codeOf(run(ID, { data: source, process: same, size, overlap }));
    expect(await of([px('z', 1)])).toBe('DimensionNotAvailable');
    expect(await of([px('x', 1)], [px('z', 1)])).toBe('DimensionNotAvailable');
    for (const entry of [
      px('x', 0), px('x', -1), px('x', 1.5), px('x', NaN), px('x', Infinity), { dimension: 'x', value: 'P1D' }, { dimension: 'x', value: 'x' }, { dimension: 'x', value: 1, unit: 'km' },
      { dimension: 't', value: 1 }, { dimension: 't', value: 10, unit: 'm' }, { dimension: 't', value: 'P0D' }, { dimension: 't', value: '-P1D' }, { dimension: 't', value: 'P1D', unit: 'px' }, { dimension: 't', value: 'P1D' },
    ]) expect(await of([entry]), JSON.stringify(entry)).toBe('ProcessParameterInvalid');
    expect(await of([px('x', 1), px('x', 2)])).toBe('ProcessParameterInvalid');
    expect(await of([px('x', 1)], [px('x', 1e9)])).toBe('ProcessParameterInvalid');
    expect(await of('x')).toBe('ProcessParameterInvalid');
    const loose = sample({ t: ['a', 'b'] });
    expect(await of([{ dimension: 't', value: 'P1D' }], null, loose)).toBe('ProcessParameterInvalid');
  });

  it('names the child’s node in errors, also those that come up while values are read', async () => {
    const failing = callback('apply_kernel', { data, kernel: [[1, 1]] });
    await expect(run(ID, { data: cube, process: failing, size: [px('x', 2)] })).rejects.toMatchObject({ path: [{ node_id: 'node' }, { node_id: 'only' }] });
    const divided = await runCube(ID, { data: cube, size: [px('x', 2)], process: callback('mask', { data, mask: data, replacement: 7 }) });
    expect((await values(divided)).slice(0, 3)).toEqual([0, 7, 7]);
  });

  it('refuses processes that hand work to others', async () => {
    expect(await codeOf(run(ID, { data: cube, process: callback('save_result', { data, format: 'GTiff' }), size: [px('x', 2)] }))).toBe('ProcessGraphInvalid');
  });

  it('has a fingerprint of the process and of all that the pieces see', async () => {
    const of = async (source: Cube, at: number, overlap = 1) => (await runCube(ID, { data: source, process: box(3, 1), size: [px('x', 2)], overlap: [px('x', overlap)] })).fingerprint({ start: [0, at], size: [3, 1] });
    const other = sample({ grid: grid(5, 3), value: (i) => (i === 2 ? 99 : i) });
    expect(await of(cube, 0)).toBe(await of(cube, 0));
    expect(await of(cube, 1)).not.toBe(await of(other, 1));
    expect(await of(cube, 1, 0)).toBe(await of(other, 1, 0));
    expect(await of(cube, 0)).not.toBe(await of(cube, 1));
    const moved = await runCube(ID, { data: cube, process: box(3, 1), size: [px('x', 3)] });
    expect(await fingerprint(moved)).not.toBe(await fingerprint(await runCube(ID, { data: cube, process: box(3, 1), size: [px('x', 2)] })));
  });

  it('gives the same in every window (property)', async () => {
    const length = fc.integer({ min: 1, max: 9 });
    const overlap = fc.integer({ min: 0, max: 4 });
    await fc.assert(fc.asyncProperty(
      fc.record({ width: length, height: length, size: fc.tuple(length, length), overlap: fc.tuple(overlap, overlap), t: fc.integer({ min: 1, max: 3 }), x: fc.integer({ min: -3, max: 9 }), y: fc.integer({ min: -3, max: 9 }), w: length, h: length, child: fc.constantFrom('kernel', 'max') }),
      async ({ width, height, size, overlap: o, t, x, y, w, h, child }) => {
        // Single pixels without overlap leave the child arrays, which are no cubes.
        fc.pre(size[0] + size[1] + o[0] + o[1] > 2);
        const days = ['2024-01-01', '2024-01-02', '2024-01-03'].slice(0, t);
        const source = sample({ t: days, grid: grid(width, height), value: (i) => (i % 7 === 3 ? null : (i * 37) % 101) });
        const process = child === 'kernel' ? box(3, 0.5) : overPiece('max');
        const result = await runCube(ID, { data: source, process, size: [px('x', size[0]), px('y', size[1])], overlap: [px('x', o[0]), px('y', o[1])] });
        const whole = await values(result);
        const at = (k: number, r: number, c: number) => (r < 0 || c < 0 || r >= height || c >= width ? null : whole[(k * height + r) * width + c]);
        const expected = Array.from({ length: t * h * w }, (_, i) => at(Math.floor(i / (h * w)), y + Math.floor(i / w) % h, x + i % w));
        expect(await values(result, [0, y, x], [t, h, w])).toEqual(expected);
        if (child === 'kernel' && o[0] > 0 && o[1] > 0) {
          // With room for the kernel there are no seams.
          expect(whole).toEqual(await values(await runCube('apply_kernel', { data: source, kernel: [[1, 1, 1], [1, 1, 1], [1, 1, 1]], factor: 0.5 })));
        }
      },
    ), { numRuns: 150 });
  });
});
