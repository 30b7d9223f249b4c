/** Pictures that are told of in STAC are those that map tiles draw. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseView } from '../../src/api/tiles/tile-request.ts';
import type { StacCollection, StacItem } from '../../src/catalog/types.ts';
import { deriveCollection } from '../../src/catalog/ingest/collection.ts';
import { describeLayer, describeLayerItem } from '../../src/layers/describe.ts';
import { layerOf } from '../../src/layers/layer.ts';
import { collectionPicture, embeddingPicture, pictureLinks, resultPicture, type Render } from '../../src/layers/renders.ts';
import { renderView, TILE_SIZE } from '../../src/layers/tile.ts';
import { dimensionRange } from '../../src/layers/tile-style.ts';
import { VirtualCatalog } from '../../src/layers/virtual-catalog.ts';
import { scene } from '../api/stac/service.ts';
import { mapProblems } from '../api/stac/map-rules.ts';
import { operator, registry } from './fixtures.ts';
import { layerCollection, rawCollection, served, toyService, writeItem, type ToyService } from './service.ts';

const asset = (names: readonly string[], dtype = 'uint16') => ({ data_type: dtype, bands: names.map((name) => ({ name })) });
const rgb = [['B02', 'blue'], ['B03', 'green'], ['B04', 'red']].map(([name, common]) => ({ name: name!, 'eo:common_name': common! }));
const withAssets = (assets: object, bands: StacCollection['bands']): StacCollection => ({ ...rawCollection, bands: bands!, 'cube:dimensions': { bands: { type: 'bands', values: bands!.map(({ name }) => name) } }, item_assets: assets });

describe('the picture of a raw collection', () => {
  it('is true colour out of one file, in the range of its data type', () => {
    const collection = withAssets({ '10m': asset(['B02', 'B03', 'B04']) }, rgb);
    expect(collectionPicture(collection)).toEqual({
      name: 'true-colour', query: 'bands=B04,B03,B02&rescale=0,3000',
      render: { title: 'True colour', assets: ['10m'], bands: [['B04', 'B03', 'B02']], rescale: [[0, 3000], [0, 3000], [0, 3000]], resampling: 'nearest' },
    });
  });

  it('is true colour out of a file for each band, the finest of each', () => {
    const collection = withAssets({ B02_60: { ...asset(['B02']), gsd: 60 }, B02: { ...asset(['B02']), gsd: 10 }, B03: asset(['B03']), B04: asset(['B04']) }, rgb);
    expect(collectionPicture(collection)!.render).toMatchObject({ assets: ['B04', 'B03', 'B02'] });
    expect(collectionPicture(collection)!.render.bands).toBeUndefined();
  });

  it('keeps to what is known of the values of each band', () => {
    const statistics = [{ minimum: 0, maximum: 100 }, { mean: 50, stddev: 10 }, { minimum: 5, maximum: 9 }];
    const bands = rgb.map((band, i) => ({ ...band, statistics: statistics[i] }));
    expect(collectionPicture(withAssets({ data: asset(['B02', 'B03', 'B04']) }, bands))).toMatchObject({ query: 'bands=B04,B03,B02', render: { rescale: [[5, 9], [30, 70], [0, 100]] } });
  });

  it('is the first band in grey where there is no true colour', () => {
    const picture = collectionPicture(withAssets({ data: asset(['VV', 'VH'], 'uint8') }, [{ name: 'VV' }, { name: 'VH' }]));
    expect(picture).toMatchObject({ name: 'first-band', query: 'bands=VV&rescale=0,255', render: { assets: ['data'], bands: [['VV']], colormap_name: 'gray' } });
  });

  it.each([
    ['nobody knows its files', rawCollection],
    ['its data type is not told', withAssets({ data: { bands: rgb } }, rgb)],
    ['its bands lie in two files of several', withAssets({ a: asset(['B02', 'B03']), b: asset(['B04', 'B08']) }, rgb)],
  ])('is none where %s', (_, collection) => {
    expect(collectionPicture(collection)).toBeNull();
  });

  it('is not put in the place of one that its source tells of', async () => {
    const renders = { own: { assets: ['x'] } };
    const virtual = new VirtualCatalog({ collection: async () => null }, registry);
    const told = { ...withAssets({ data: asset(['B02', 'B03', 'B04']) }, rgb), renders };
    expect(await virtual.describe(told)).toBe(told);
    const { renders: _, ...untold } = told;
    const described = await virtual.describe(untold);
    expect(Object.keys(described['renders'] as object)).toEqual(['true-colour']);
    expect(mapProblems({ ...served(described) })).toEqual([]);
  });
});

describe('the picture of a layer', () => {
  const { manifest } = operator;
  const labels = Array.from({ length: manifest.output.dimensions }, (_, i) => `e00${i}`);

  it('is one of its first dimensions, in the ranges of the operator, on the collection and on every item', () => {
    const layer = layerOf(layerCollection, registry)!;
    const collection = describeLayer(layer, layerCollection, rawCollection);
    const { dimensions } = collection['renders'] as { dimensions: Render };
    expect(dimensions.rescale).toEqual(dimensions.bands![0]!.map((_, i) => dimensionRange(manifest, i)));
    expect(mapProblems({ ...served(collection) })).toEqual([]);
    const grid = { crs: 'EPSG:32631', originX: 0, originY: 0, stepX: 80, stepY: 80, width: 2, height: 2 };
    const item = describeLayerItem(layer, scene('RAW', 'a', '2021-05-01T10:00:00Z'), { grid, bands: labels.map((name) => ({ name })), dtype: 'float32', nodata: null });
    expect(mapProblems({ ...served(item) })).toEqual([]);
    expect(item.properties['renders']).toEqual(collection['renders']);
    expect(item.links.find(({ rel }) => rel === 'xyz')!.href).toMatch(/^\/tiles\/LAYER\/\{z\}\/\{x\}\/\{y\}\.png\?datetime=2021-05-01&bands=e000/);
  });

  it('names the operator that makes it, as an item of the catalog', () => {
    const layer = layerOf(layerCollection, registry)!;
    const links = describeLayerItem(layer, scene('RAW', 'a', '2021-05-01T10:00:00Z')).links;
    const href = `/stac/collections/operators/items/toy-${manifest.version}`;
    expect(links).toContainEqual(expect.objectContaining({ rel: 'emb:model', href }));
    expect(links).toContainEqual(expect.objectContaining({ rel: 'derived_from', href, 'mlm:name': 'toy' }));
  });

  it('is told in the codes of a file of int8, which are the same for all dimensions', () => {
    const picture = embeddingPicture(operator, 'embeddings', 'int8', labels)!;
    expect(picture.render.rescale.every(([low, high]) => low === -64 && high === 64)).toBe(true);
    expect(picture.query).not.toContain('rescale');
  });

  it('is none where files hold other numbers, or not all dimensions', () => {
    expect(embeddingPicture(operator, 'embeddings', 'binary', labels)).toBeNull();
    expect(embeddingPicture(operator, 'embeddings', 'float32', labels.slice(1))).toBeNull();
  });

  it('is that of its bands without an operator', () => {
    const collection = { ...rawCollection, bands: [{ name: 'ndvi', statistics: { minimum: -1, maximum: 1 } }], 'cube:dimensions': { bands: { type: 'bands', values: ['ndvi'] } }, data_type: 'float32' };
    expect(resultPicture(collection, 'data')).toMatchObject({ query: 'bands=ndvi&rescale=-1,1', render: { assets: ['data'], bands: [['ndvi']], rescale: [[-1, 1]] } });
  });
});

describe('tiles of the link to a picture', () => {
  let folder: string;
  let service: ToyService;
  let item: StacItem;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lamina-render-'));
    item = await writeItem(folder, 's1', '2021-05-01T10:00:00Z', (band, x) => (band === 0 ? 10 * x + 10 : 70));
    service = await toyService(folder, [item]);
  });
  afterAll(async () => {
    await service.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Grey levels of a tile of zoom 15 in the middle of the scene, from its link. */
  async function levels(href: string): Promise<Set<number>> {
    const query = Object.fromEntries(new URL(href, 'https://x.example').searchParams);
    const pixels = (await renderView(service.engine, parseView({ collection: /tiles\/([^/]+)/.exec(href)![1]!, z: '15', x: '16786', y: '11036', query }), new AbortController().signal))!;
    const found = new Set<number>();
    for (let i = 0; i < TILE_SIZE ** 2; i++) if (pixels[i * 4 + 3] === 255) found.add(pixels[i * 4]!);
    return found;
  }

  it('show the stored values in the range that is told', async () => {
    const collection = deriveCollection('RAW', [item], {}, null);
    const picture = collectionPicture(collection)!;
    const [low, high] = picture.render.rescale[0]!;
    const shown = await levels(pictureLinks(picture, 'RAW')[0]!.href);
    expect(shown.size).toBeGreaterThan(20);
    const expected = new Set(Array.from({ length: 128 }, (_, x) => Math.round(((10 * x + 10 - low) / (high - low)) * 255)));
    expect([...shown].filter((level) => !expected.has(level))).toEqual([]);
  });
});
