/** load_uploaded_files with GeoTIFF: dates, bands and places come together; other content is another cube. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readAll } from '../../../src/cube/array-cube.ts';
import { codeOf, fingerprint, grid, sample, values } from '../../processes/cubes/harness.ts';
import { openWorkspace, type Workspace } from './files.ts';

let workspace: Workspace;
beforeEach(async () => {
  workspace = await openWorkspace();
});
afterEach(() => workspace.close());

const scene = (bands: readonly string[], first = 0, cells = grid(8, 6)) => sample({ bands, grid: cells, dtype: 'uint16', value: (i) => (i === 5 ? null : first + i + 1) });

describe('GeoTIFF files', () => {
  it('of several dates are sorted by them, with values and gaps as they were saved', async () => {
    await workspace.save('scenes/S2_2021-06-11.tif', scene(['B04', 'B08'], 1000));
    await workspace.save('scenes/S2_2021-06-01.tif', scene(['B04', 'B08']));
    const cube = await workspace.load(['scenes/S2_2021-06-11.tif', './scenes/S2_2021-06-01.tif', '/scenes/S2_2021-06-01.tif']);
    expect(cube.dimensions.map(({ name, size }) => [name, size])).toEqual([['t', 2], ['bands', 2], ['y', 6], ['x', 8]]);
    expect(cube.labels('t')).toEqual(['2021-06-01T00:00:00Z', '2021-06-11T00:00:00Z']);
    expect(cube.labels('bands')).toEqual(['B04', 'B08']);
    expect(cube.dtype).toBe('uint16');
    expect(cube.attributes.bands?.[1]).toMatchObject({ name: 'B08', common_name: 'nir' });
    expect(await values(cube)).toEqual([...await values(scene(['B04', 'B08'])), ...await values(scene(['B04', 'B08'], 1000))]);
    expect(workspace.read.samples).toBe(192);
    expect(cube.grid).toMatchObject({ crs: 'EPSG:32631', originX: 600_000, originY: 5_600_000, stepX: 10 });
  });

  it('without dates have no temporal dimension', async () => {
    await workspace.save('ground.tif', scene(['soil']));
    const cube = await workspace.load(['ground.tif'], 'gtiff');
    expect(cube.dimensions.map(({ name }) => name)).toEqual(['bands', 'y', 'x']);
    expect(await values(cube)).toEqual(await values(scene(['soil'])));
    const coarse = cube.regrid!({ ...cube.grid!, stepX: 20, stepY: 20, width: 4, height: 3 }, 'near');
    expect(coarse.shape).toEqual([1, 3, 4]);
    expect((await readAll(coarse)).shape).toEqual([1, 3, 4]);
  });

  it('of one date and several resolutions bring their bands together on the finest grid', async () => {
    await workspace.save('S2_20210601_10m.tif', scene(['B04', 'B08']));
    await workspace.save('S2_20210601_20m.tif', sample({ bands: ['B11'], grid: grid(4, 3, { stepX: 20, stepY: 20 }), dtype: 'uint16', value: (i) => i + 1 }));
    const cube = await workspace.load(['S2_20210601_10m.tif', 'S2_20210601_20m.tif']);
    expect(cube.shape).toEqual([1, 3, 6, 8]);
    expect(cube.labels('bands')).toEqual(['B04', 'B08', 'B11']);
    expect(await values(cube, [0, 2, 0, 0], [1, 1, 2, 4])).toEqual([1, 1, 2, 2, 1, 1, 2, 2]);
  });

  it('side by side are a mosaic, the first named on top', async () => {
    await workspace.save('west.tif', scene(['v'], 0));
    await workspace.save('east.tif', scene(['v'], 100, grid(8, 6, { originX: 600_060 })));
    const [first, second] = [await workspace.load(['west.tif', 'east.tif']), await workspace.load(['east.tif', 'west.tif'])];
    expect(first.shape).toEqual([1, 6, 14]);
    expect(await values(first, [0, 0, 5], [1, 1, 4])).toEqual([null, 7, 8, 103]);
    expect(await values(second, [0, 0, 5], [1, 1, 4])).toEqual([null, 101, 102, 103]);
    expect(await fingerprint(first)).not.toBe(await fingerprint(second));
  });

  it('without names for their bands take those that are given', async () => {
    const plain = scene(['band_1', 'band_2']);
    await workspace.save('plain.tif', plain);
    expect((await workspace.load(['plain.tif'])).labels('bands')).toEqual(['band_1', 'band_2']);
    const named = await workspace.load(['plain.tif'], 'GTiff', { band_names: ['red', 'nir'] });
    expect(named.labels('bands')).toEqual(['red', 'nir']);
    expect(await values(named)).toEqual(await values(plain));
    await expect(workspace.load(['plain.tif'], 'GTiff', { band_names: ['red'] })).rejects.toMatchObject({ code: 'FormatUnsuitable' });
  });
});

describe('what a cube of files depends on', () => {
  it('is the content and the owner, so that nothing cached is taken for something else', async () => {
    await workspace.save('a.tif', scene(['v']));
    await workspace.save('a.tif', scene(['v']), 'GTiff', {}, 'bob');
    const before = await fingerprint(await workspace.load(['a.tif']));
    expect(await fingerprint(await workspace.load(['a.tif']))).toBe(before);
    expect(await fingerprint(await workspace.load(['a.tif'], 'GTiff', {}, 'bob'))).not.toBe(before);
    await workspace.save('a.tif', scene(['v'], 7));
    expect(await fingerprint(await workspace.load(['a.tif']))).not.toBe(before);
  });

  it('must not change while it is read', async () => {
    await workspace.save('a.tif', scene(['v']));
    const cube = await workspace.load(['a.tif']);
    const before = await fingerprint(cube);
    await workspace.save('a.tif', scene(['v'], 7, grid(4, 4)));
    await expect(readAll(cube)).rejects.toMatchObject({ code: 'FileContentInvalid', message: expect.stringContaining('changed while it was read') as unknown });
    expect(await fingerprint(cube)).not.toBe(before);
    await workspace.files.delete('ann', 'a.tif');
    expect(await codeOf(readAll(cube))).toBe('FileNotFound');
  });
});

describe('files that are refused', () => {
  it.each([
    ['absent', ['absent.tif'], 'FileNotFound'],
    ['of somebody else', ['of-bob.tif'], 'FileNotFound'],
    ['outside', ['../user-bob/of-bob.tif'], 'FileNotFound'],
    ['outside, encoded', ['..%2fuser-bob/of-bob.tif'], 'FileNotFound'],
    ['a folder', ['folder'], 'ProcessParameterInvalid'],
    ['none', [], 'ProcessParameterInvalid'],
    ['no GeoTIFF', ['notes.txt'], 'FormatUnsuitable'],
    ['cut off', ['cut.tif'], 'FormatUnsuitable'],
    ['dated and undated', ['folder/S2_2021-06-01.tif', 'plain.tif'], 'ProcessParameterInvalid'],
  ])('%s', async (_, paths, code) => {
    await workspace.save('of-bob.tif', scene(['v']), 'GTiff', {}, 'bob');
    await workspace.save('plain.tif', scene(['v']));
    const { objectKey } = await workspace.save('folder/S2_2021-06-01.tif', scene(['v']));
    await workspace.upload('notes.txt', 'just words');
    await workspace.upload('cut.tif', (await workspace.store.get(objectKey))!.slice(0, 100));
    expect(await codeOf(workspace.load(paths))).toBe(code);
  });

  it('by format and by option', async () => {
    await workspace.save('a.tif', scene(['v']));
    await expect(workspace.load(['a.tif'], 'ShapeFile')).rejects.toMatchObject({ code: 'FormatUnsuitable', message: expect.stringContaining('GTiff') as unknown });
    await expect(workspace.load(['a.tif'], 'GTiff', { tiled: 'yes' })).rejects.toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringMatching(/load_uploaded_files.*tiled/) as unknown });
  });
});
