/** Task sets: the made-up landscapes, and labels of the Earth from files. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { baselines } from '../../src/release/tasks/baselines.ts';
import { openTaskSet } from '../../src/release/tasks/files.ts';
import { describe as describePatches } from '../../src/release/tasks/patches.ts';
import { reflectance, wavelengthOf } from '../../src/release/tasks/spectra.ts';
import { madeUpLandscapes, syntheticTasks } from '../../src/release/tasks/synthetic.ts';
import type { Scene, SceneGeometry, TaskSet } from '../../src/release/tasks/task-set.ts';

const geometry = (patch: number, halo: number): SceneGeometry => ({ bands: [{ name: 'B03', common_name: 'green' }, { name: 'B08', center_wavelength: 0.842 }], patch, halo, fill: 1500 });

async function scenes(set: TaskSet, of: SceneGeometry): Promise<Scene[]> {
  const found = set.scenes(of);
  if ('unsuitable' in found) throw new Error(found.unsuitable);
  return Array.fromAsync(found);
}

describe('made-up landscapes', () => {
  it('are the same every time, and not the same in every scene', async () => {
    const [a, b] = [await scenes(madeUpLandscapes(2), geometry(8, 0)), await scenes(madeUpLandscapes(2), geometry(8, 0))];
    expect(a[0]!.samples).toEqual(b[0]!.samples);
    expect(a[0]!.samples).not.toEqual(a[1]!.samples);
  });

  it('are the same ground whatever the halo', async () => {
    const [narrow] = await scenes(madeUpLandscapes(1), geometry(8, 0));
    const [wide] = await scenes(madeUpLandscapes(1), geometry(8, 16));
    const edge = wide!.columns + 32;
    for (const at of [0, 77, 192 * 100 + 5]) expect(wide!.samples[(Math.floor(at / 192) + 16) * edge + (at % 192) + 16]).toBe(narrow!.samples[at]);
    expect(wide!.labels).toEqual(narrow!.labels);
  });

  it('look like the Earth from far: raw digital numbers, leaves bright beyond the red', async () => {
    const [{ samples, labels, rows, columns }] = await scenes(madeUpLandscapes(1), geometry(8, 0)) as [Scene];
    expect(Math.min(...samples)).toBeGreaterThan(0);
    expect(Math.max(...samples)).toBeLessThan(10_000);
    const meadow = labels['cover']!.indexOf(2);
    expect(samples[rows * columns + meadow]).toBeGreaterThan(samples[meadow]!);
  });

  it('have all covers, and greens from nothing to all', async () => {
    const all = await scenes(syntheticTasks, geometry(8, 0));
    expect(new Set(all.flatMap(({ labels }) => [...labels['cover']!])).size).toBe(6);
    const green = all.flatMap(({ labels }) => [...labels['green_share']!]);
    expect(green.reduce((a, b) => Math.max(a, b), 0)).toBeGreaterThan(0.9);
    expect(green.reduce((a, b) => Math.min(a, b), 1)).toBeLessThan(0.1);
  });

  it('serve large patches with fewer of them', async () => {
    const [{ rows }] = await scenes(madeUpLandscapes(1), geometry(64, 0)) as [Scene];
    expect(rows).toBe(384);
  });

  it('know wavelengths by number or common name, and say which bands they can\'t make', () => {
    expect(wavelengthOf({ name: 'x', common_name: 'nir' })).toBe(0.842);
    expect(wavelengthOf({ name: 'thermal', center_wavelength: 10.9 })).toBeNull();
    expect(madeUpLandscapes(1).scenes({ ...geometry(8, 0), bands: [{ name: 'VV' }] })).toMatchObject({ unsuitable: expect.stringContaining('VV') });
  });

  it('have reflectances between their knots', () => {
    expect(reflectance('water', 0.1)).toBe(0.055);
    expect(reflectance('water', 0.525)).toBeCloseTo(0.045, 9);
    expect(reflectance('wood', 9)).toBe(0.04);
  });
});

describe('patches', () => {
  const scene: Scene = {
    name: 'by hand', rows: 4, columns: 4,
    samples: Float32Array.from({ length: 16 }, (_, i) => i),
    labels: { kind: Uint8Array.of(0, 0, 1, 1, 0, 1, 1, 1, 2, 2, 0, 1, 2, 2, 2, 1), much: Float32Array.from({ length: 16 }, (_, i) => i / 16) },
  };
  const set: TaskSet = {
    name: 'by hand', description: '', license: 'MIT', digest: 'x', block: 2,
    tasks: [{ name: 'kind', kind: 'classes', classes: ['a', 'b', 'c'] }, { name: 'much', kind: 'amount' }],
    scenes: async function* only() {
      yield scene;
    },
  };
  const by = { bands: [{ name: 'B' }], patch: 2, halo: 0, fill: 0 };

  it('have the class of most of their pixels, or none, and the mean amount', async () => {
    const { ground, vectors } = await describePatches(set, set.scenes(by) as AsyncIterable<Scene>, by, baselines(by, 3));
    expect([...ground.labels['kind']!]).toEqual([0, 1, 2, 255]);
    expect([...ground.labels['much']!]).toEqual([2.5, 4.5, 10.5, 12.5].map((v) => v / 16));
    expect([...ground.folds]).toEqual([0, 2, 1, 3]);
    expect([...vectors.get('band_mean')!.values]).toEqual([2.5, 4.5, 10.5, 12.5]);
    expect(vectors.get('band_mean_std')!.values[1]).toBeCloseTo(Math.sqrt(4.25), 5);
    expect(vectors.get('random_projection')).toMatchObject({ count: 4, width: 3 });
  });

  it('refuse vectors that are no whole number of patches', async () => {
    await expect(describePatches(set, set.scenes(by) as AsyncIterable<Scene>, by, [{ name: 'odd', embed: async () => new Float32Array(7) }])).rejects.toThrow('no vectors of 4 patches');
  });
});

describe('task sets in files', () => {
  let folder: string;
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'lamina-tasks-'))));
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const good = { name: 'n', description: 'd', license: 'MIT', bands: [{ name: 'B02' }], margin: 0, tasks: [{ name: 't', kind: 'amount' }], scenes: [{ pixels: 'p.tif', labels: { t: 'l.tif' } }] };

  it.each([
    ['no JSON', '{', 'is not JSON'],
    ['no licence', { ...good, license: '' }, "needs 'name', 'description' and 'license'"],
    ['no bands', { ...good, bands: [{}] }, "needs 'bands'"],
    ['an odd margin', { ...good, margin: -1 }, "needs 'margin'"],
    ['a class alone', { ...good, tasks: [{ name: 't', kind: 'classes', classes: { 1: 'a' } }] }, 'tasks[0] needs'],
    ['a scene without labels', { ...good, scenes: [{ pixels: 'p.tif' }] }, 'scenes[0] needs'],
    ['files that are not there', good, "p.tif can't be read (ENOENT)"],
  ])('refuse %s', async (_, content, reason) => {
    const path = join(folder, 'tasks.json');
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
    await expect(openTaskSet(path)).rejects.toThrow(reason);
  });

  it('refuse a list that is not there', async () => {
    await expect(openTaskSet(join(folder, 'none.json'))).rejects.toThrow('(ENOENT)');
  });

  const terramesh = '../shared/data/terramesh/S2L2A';
  const present = existsSync(terramesh);
  it.skipIf(!present)(present ? 'read land cover of the Earth' : `skipped: ${terramesh} is absent`, async () => {
    const set = await openTaskSet('operators/tasks/terramesh.json');
    const found = await scenes(set, geometry(8, 32));
    expect(found.map(({ rows, columns }) => [rows, columns])).toEqual([[160, 160], [160, 160], [160, 160]]);
    expect(found[0]!.samples).toHaveLength(2 * 224 * 224);
    const codes = new Set(found.flatMap(({ labels }) => [...labels['land_cover']!]));
    expect(codes.size).toBeGreaterThan(4);
    expect(set.scenes(geometry(8, 40))).toMatchObject({ unsuitable: expect.stringContaining('margin') });
    expect(set.scenes({ ...geometry(8, 0), bands: [{ name: 'VV' }] })).toMatchObject({ unsuitable: expect.stringContaining('VV') });
  });
});
