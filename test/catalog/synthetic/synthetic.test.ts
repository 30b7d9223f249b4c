import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { surveyGround, takePicture } from '../../../src/catalog/synthetic/scene.ts';
import { BANDS, leafShare } from '../../../src/catalog/synthetic/landscape.ts';
import { ensureSyntheticCollection, SYNTHETIC_COLLECTION } from '../../../src/catalog/synthetic/synthetic.ts';
import { CatalogStore } from '../../../src/catalog/store.ts';
import { RasterCache } from '../../../src/formats/cog/raster-cache.ts';
import { silentLog } from '../../../src/log.ts';
import { hasSchemas, problemsOf, withCollectionLink } from '../../api/stac/validator.ts';
import { startFreshDatabase, type FreshDatabase } from '../../database/fresh-database.ts';

const grid = { crs: 'EPSG:32631', originX: 707_500, originY: 5_614_000, stepX: 10, stepY: 10, width: 60, height: 48 };
const overpass = { datetime: '2023-06-24T10:40:21Z', clouds: 0.3, isCut: true };

describe('a synthetic scene', () => {
  it('is the same every time and shows the same ground in neighbouring grids', () => {
    const ground = surveyGround(grid);
    const picture = takePicture(ground, { ...overpass, isCut: false });
    expect(takePicture(surveyGround(grid), { ...overpass, isCut: false })).toEqual(picture);
    const part = surveyGround({ ...grid, originX: grid.originX + 100, originY: grid.originY - 50, width: 10, height: 8 });
    const small = takePicture(part, { ...overpass, isCut: false });
    expect(small.reflectance[0]).toBe(picture.reflectance[5 * grid.width + 10]);
    expect(small.classification[79]).toBe(picture.classification[12 * grid.width + 19]);
  });

  it('has a nodata edge in all bands alike, and only there', () => {
    const { reflectance, classification } = takePicture(surveyGround(grid), overpass);
    const cells = grid.width * grid.height;
    const empty = classification.filter((code) => code === 0).length;
    expect(empty / cells).toBeGreaterThan(0.03);
    expect(empty / cells).toBeLessThan(0.4);
    for (let b = 0; b < BANDS.length; b++) expect(reflectance.subarray(b * cells, (b + 1) * cells).filter((value) => value === 0).length).toBe(empty);
  });

  it('grows and ripens', () => {
    expect(leafShare('wheat', 140)).toBeGreaterThan(0.9);
    expect(leafShare('wheat', 210)).toBeLessThan(0.15);
    expect(leafShare('maize', 140)).toBeLessThan(0.2);
    expect(leafShare('maize', 210)).toBeGreaterThan(0.9);
    expect(leafShare('water', 200)).toBe(0);
    expect(leafShare('built', 1)).toBeCloseTo(0.12);
    expect(leafShare('built', 365)).toBeCloseTo(0.15);
  });
});

describe('the synthetic collection', () => {
  let fresh: FreshDatabase;
  let store: CatalogStore;
  let directory: string;
  const rasters = new RasterCache();
  beforeAll(async () => {
    fresh = await startFreshDatabase();
    store = new CatalogStore(fresh.database);
    directory = await mkdtemp(join(tmpdir(), 'lamina-synthetic-'));
    expect(await ensureSyntheticCollection(join(directory, 'scenes'), { store, rasters, log: silentLog })).toBe(true);
  }, 120_000);
  afterAll(async () => {
    await rasters.close();
    await fresh.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('says that it is synthetic and has six dates in two UTM zones', async () => {
    const collection = (await store.collection(SYNTHETIC_COLLECTION))!;
    expect([collection.title, collection.description, collection.keywords].map((part) => JSON.stringify(part).toLowerCase().includes('synthetic'))).toEqual([true, true, true]);
    const { items } = await store.search({ collections: [SYNTHETIC_COLLECTION], limit: 100 });
    expect(items.length).toBe(12);
    expect(new Set(items.map((item) => item.properties.datetime)).size).toBe(6);
    expect([...(await store.anchors(SYNTHETIC_COLLECTION)).keys()]).toEqual(['EPSG:32631', 'EPSG:32632']);
    expect((collection['cube:dimensions']['bands'] as { values: string[] }).values).toEqual([...BANDS, 'SCL']);
    expect(collection.bands!.find((band) => band.name === 'B08')!['eo:common_name']).toBe('nir');
  });

  it('has plants that are greener in the near infrared than in the red, where the sky is clear', async () => {
    const item = (await store.get(SYNTHETIC_COLLECTION, 'SYNTHETIC_T31_20230729T104021'))!;
    const file = await rasters.open(item.assets['10m']!.href);
    const window = { x: 0, y: 0, width: 480, height: 480 };
    const { data } = await file.read({ level: 0, window, bands: [2, 3] });
    const classes = await (await rasters.open(item.assets['SCL']!.href)).read({ level: 0, window: { x: 0, y: 0, width: 240, height: 240 }, bands: [0] });
    let [plants, sum] = [0, 0];
    for (let i = 0; i < classes.data.length; i++) {
      if (classes.data[i] !== 4) continue;
      const cell = 2 * Math.floor(i / 240) * 480 + 2 * (i % 240);
      const [red, nir] = [Number(data[cell]), Number(data[480 * 480 + cell])];
      sum += (nir - red) / (nir + red);
      plants++;
    }
    expect(plants).toBeGreaterThan(5000);
    expect(sum / plants).toBeGreaterThan(0.4);
  });

  it('is made once, and registered again when only the database is new', async () => {
    const dependencies = { store, rasters, log: silentLog };
    expect(await ensureSyntheticCollection(join(directory, 'scenes'), dependencies)).toBe(false);
    await store.deleteCollection(SYNTHETIC_COLLECTION);
    expect(await ensureSyntheticCollection(join(directory, 'scenes'), dependencies)).toBe(true);
    expect(await readdir(directory)).toEqual(['scenes']);
  });

  if (!hasSchemas) it.skip('skipped: ../shared/spec/stac/schemas is absent');
  else it('is valid STAC', async () => {
    expect(await problemsOf(await store.collection(SYNTHETIC_COLLECTION))).toEqual([]);
    expect(await problemsOf(withCollectionLink((await store.get(SYNTHETIC_COLLECTION, 'SYNTHETIC_T32_20230520T104021'))!))).toEqual([]);
  });
});
