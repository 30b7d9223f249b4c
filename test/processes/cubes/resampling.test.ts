import { describe, expect, it } from 'vitest';
import type { Resampling } from '../../../src/cube/cube.ts';
import { resampleCube } from '../../../src/cube/resample.ts';
import type { Grid } from '../../../src/geo/grid.ts';
import { callback, codeOf, fingerprint, grid, reducer, run, runCube, sample, values } from './harness.ts';

describe('resample_spatial', () => {
  const data = sample({ bands: ['a', 'b'], grid: grid(4, 4) });

  it('averages whole cells exactly', async () => {
    const coarse = await runCube('resample_spatial', { data, resolution: 20, method: 'average' });
    expect(coarse.grid).toEqual(grid(2, 2, { stepX: 20, stepY: 20 }));
    expect(await values(coarse)).toEqual([2.5, 4.5, 10.5, 12.5, 18.5, 20.5, 26.5, 28.5]);
    expect(await values(coarse, [1, 1, 0], [1, 1, 2])).toEqual([26.5, 28.5]);
  });

  it.each([
    ['upper-left', 600_000, 5_600_000], ['upper-right', 599_980, 5_600_000],
    ['lower-left', 600_000, 5_600_020], ['lower-right', 599_980, 5_600_020],
  ])('starts from the corner %s', async (align, originX, originY) => {
    expect((await runCube('resample_spatial', { data, resolution: 30, align })).grid).toEqual({ ...grid(2, 2), stepX: 30, stepY: 30, originX, originY });
  });

  it('gives the cube itself when nothing changes', async () => {
    expect(await runCube('resample_spatial', { data })).toBe(data);
    expect(await runCube('resample_spatial', { data, resolution: [10, 10], projection: 32631 })).toBe(data);
  });

  it('changes the reference system and keeps about as many pixels', async () => {
    const out = await runCube('resample_spatial', { data: sample({ grid: grid(100, 80) }), projection: 3857, method: 'near' });
    expect(out.grid!.crs).toBe('EPSG:3857');
    expect(out.grid!.width * out.grid!.height).toBeGreaterThan(7000);
    expect(out.grid!.width * out.grid!.height).toBeLessThan(11_000);
    const shown = new Set((await values(out)).filter((v) => v !== null));
    expect(shown.size).toBeGreaterThan(5500);
  });

  it('works on cubes in which x and y come first, in windows and as a whole', async () => {
    const flipped = await runCube('add_dimension', { data: sample({ grid: grid(4, 4) }), name: 'bands', label: 'a', type: 'bands' });
    const turned = flipped.with({
      dimensions: [flipped.dimensions[2]!, flipped.dimensions[1]!, flipped.dimensions[0]!],
      read: async (window) => {
        const { data: samples, ...rest } = await flipped.read({ start: window.start.toReversed(), size: window.size.toReversed() });
        const [width, height] = window.size as [number, number];
        const out = samples.slice();
        for (let x = 0; x < width; x++) for (let y = 0; y < height; y++) out[x * height + y] = samples[y * width + x]!;
        return { ...rest, nulls: null, shape: window.size, data: out };
      },
    });
    const coarse = await runCube('resample_spatial', { data: turned, resolution: 20, method: 'average' });
    expect(await values(coarse)).toEqual([2.5, 10.5, 4.5, 12.5]);
  });

  it('uses what the cube itself knows of other grids', async () => {
    const asked: [Grid, Resampling][] = [];
    const own = data.with({ regrid: (target, method) => { asked.push([target, method]); return sample({ bands: ['a', 'b'], grid: target }); } });
    const filtered = await runCube('filter_bands', { data: own, bands: ['b'] });
    const coarse = await runCube('resample_spatial', { data: filtered, resolution: 20, method: 'average' });
    expect(asked).toEqual([[grid(2, 2, { stepX: 20, stepY: 20 }), 'average']]);
    expect(coarse.labels('bands')).toEqual(['b']);
  });

  it('computes first and averages then, but may pick first and compute then', async () => {
    const asked: Resampling[] = [];
    const own = data.with({ regrid: (target, method) => { asked.push(method); return resampleCube(data, target, method); } });
    const square = callback('multiply', { x: { from_parameter: 'x' }, y: { from_parameter: 'x' } });
    const squared = await runCube('apply', { data: own, process: square });
    expect(await values(await runCube('resample_spatial', { data: squared, resolution: 20, method: 'average' }), [0, 0, 0], [1, 1, 1])).toEqual([(0 + 1 + 16 + 25) / 4]);
    expect(asked).toEqual([]);
    expect(await values(await runCube('resample_spatial', { data: squared, resolution: 20, method: 'near' }), [0, 0, 0], [1, 1, 1])).toEqual([25]);
    expect(asked).toEqual(['near']);
  });

  it('never moves embeddings', async () => {
    const vectors = sample({ bands: ['e000'], grid: grid(4, 4), attributes: { operator: 'pca@sha256:0' } });
    for (const args of [{ resolution: 20 }, { projection: 3857 }, { resolution: 20, method: 'bilinear' }]) {
      await expect(run('resample_spatial', { data: vectors, ...args })).rejects.toThrow(/'data'.*resample the raw data before compress_embed/);
    }
    expect(await runCube('resample_spatial', { data: vectors, resolution: 10, method: 'cubic' })).toBe(vectors);
  });

  it('encodes embeddings anew that know how, on cells counted from the CRS origin', async () => {
    const asked: unknown[] = [];
    const vectors = sample({ bands: ['e000'], grid: grid(4, 4), attributes: { operator: 'pca@sha256:0' } });
    const able = vectors.with({ regrid: (target, method) => { asked.push([target, method]); return vectors; } });
    await run('resample_spatial', { data: able, resolution: 30, method: 'bilinear' });
    expect(asked).toEqual([[grid(2, 3, { originX: 600_000, originY: 5_600_010, stepX: 30, stepY: 30 }), 'bilinear']]);
    await run('mask', { data: able, mask: sample({ bands: ['e000'], grid: grid(4, 4) }) }).then((masked) => run('resample_spatial', { data: masked, resolution: 30, method: 'cubic' }));
    expect(asked).toHaveLength(2);
  });

  it('refuses cubes without a grid', async () => {
    expect(await codeOf(run('resample_spatial', { data: sample({ bands: ['a'] }), resolution: 20 }))).toBe('ProcessParameterInvalid');
  });

  it('has a fingerprint of method, grid and pixels', async () => {
    const of = async (args: object) => fingerprint(await runCube('resample_spatial', { data, resolution: 20, ...args }));
    expect(await of({ method: 'average' })).toBe(await of({ method: 'average' }));
    expect(await of({ method: 'average' })).not.toBe(await of({ method: 'near' }));
    expect(await of({ align: 'lower-right', resolution: 30 })).not.toBe(await of({ resolution: 30 }));
  });
});

describe('apply_kernel', () => {
  const data = sample({ t: ['2024-01-01', '2024-01-02'], grid: grid(5, 4), value: (i) => (i === 7 ? null : i * i % 17) });

  it.each(['replicate', 'reflect', 'reflect_pixel', 'wrap', 3] as const)('gives the same in windows as at once with border %s', async (border) => {
    const out = await runCube('apply_kernel', { data, kernel: [[1, 2, 3], [4, 5, 6], [7, 8, 9], [1, 0, 1], [0, 1, 0]], border, factor: 0.5 });
    const whole = await values(out);
    for (let y = 0; y < 4; y++) for (let x = 0; x < 5; x++) expect(await values(out, [1, y, x], [1, 1, 1])).toEqual([whole[20 + y * 5 + x]]);
  });

  it('is no-data beyond the extent', async () => {
    expect((await values(await runCube('apply_kernel', { data, kernel: [[1]] }), [0, 0, 4], [1, 1, 2]))).toEqual([16, null]);
  });
});

describe('trim_cube', () => {
  it('cuts empty edges, and empty dates anywhere', async () => {
    const data = sample({ t: ['a', 'b', 'c'], grid: grid(4, 1), value: (i) => (i === 1 || i === 10 ? i : null) });
    const trimmed = await runCube('trim_cube', { data });
    expect(trimmed.labels('t')).toEqual(['a', 'c']);
    expect(trimmed.grid).toEqual(grid(2, 1, { originX: 600_010 }));
    expect(await values(trimmed)).toEqual([1, null, null, 10]);
  });
});

it('a chain of processes keeps reading real pixels around its extent', async () => {
  const source = sample({ t: ['2024-01-01T00:00:00Z', '2024-01-02T00:00:00Z'], bands: ['a'], grid: grid(6, 1) });
  const cropped = await runCube('filter_bbox', { data: source, extent: { west: 600_020, east: 600_040, south: 5_599_990, north: 5_600_000, crs: 32631 } });
  const mean = await runCube('reduce_dimension', { data: cropped, dimension: 't', reducer: reducer('mean') });
  expect(await values(mean, [0, 0, -1], [1, 1, 4])).toEqual([4, 5, 6, 7]);
});

describe('resample_cube_spatial', () => {
  const data = sample({ bands: ['a', 'b'], grid: grid(4, 4) });

  it('brings a cube onto the cells of another one', async () => {
    const target = sample({ grid: grid(3, 2, { originX: 599_980, stepX: 20, stepY: 20 }) });
    const out = await runCube('resample_cube_spatial', { data, target, method: 'average' });
    expect(out.grid).toEqual(target.grid);
    expect(await values(out, [0, 0, 0], [1, 2, 3])).toEqual([null, 2.5, 4.5, null, 10.5, 12.5]);
    expect(await runCube('resample_cube_spatial', { data, target: data })).toBe(data);
  });

  it('encodes embeddings anew, or refuses them', async () => {
    const vectors = sample({ bands: ['e000'], grid: grid(4, 4), attributes: { operator: 'pca@sha256:0' } });
    const target = sample({ grid: grid(2, 2, { stepX: 20, stepY: 20 }) });
    await expect(run('resample_cube_spatial', { data: vectors, target })).rejects.toThrow(/'data'.*resample the raw data before compress_embed/);
    const asked: unknown[] = [];
    await run('resample_cube_spatial', { data: vectors.with({ regrid: (cells) => { asked.push(cells); return vectors; } }), target });
    expect(asked).toEqual([target.grid]);
  });
});
