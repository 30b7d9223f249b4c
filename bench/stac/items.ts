/** Items of the benchmark of searches: real ones of ../shared/data, each moved to another place and date. */
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import type { StacCollection, StacItem } from '../../src/catalog/types.ts';

const source = join(import.meta.dirname, '../../../shared/data/stac-items/item-collection.json');
export const hasSource = existsSync(source);
export const ITEMS = Number(process.env['LAMINA_STAC_ITEMS'] ?? 1e6);
/** How many of them the peer gets. With another number than ours it is only filled: its searches would be others. */
export const PEER_ITEMS = Number(process.env['LAMINA_STAC_PEER_ITEMS'] ?? ITEMS);
export const COLLECTIONS = 4;
export const [FIRST_DAY, DAYS] = [Date.parse('2017-01-01T00:00:00Z'), 3000];

/** Numbers that are the same in every run. */
export function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export const collectionId = (i: number) => `bench-${i % COLLECTIONS}`;

export const collections = Array.from({ length: COLLECTIONS }, (_, i) => {
  const id = collectionId(i);
  return {
    type: 'Collection', stac_version: '1.1.0', stac_extensions: [], id, title: id, description: 'Items of a benchmark.', license: 'other', links: [], summaries: {}, 'cube:dimensions': {},
    extent: { spatial: { bbox: [[-180, -90, 180, 90]] }, temporal: { interval: [['2017-01-01T00:00:00Z', null]] } },
  } as unknown as StacCollection;
});

/** 'short': as small as synthetic items often are (2 KB), with what nearly all have in common; else 5 KB. */
const IS_SHORT = process.env['LAMINA_STAC_KIND'] === 'short';

const common = new Set(['datetime', 'created', 'updated', 'platform', 'constellation', 'instruments', 'eo:cloud_cover', 'proj:epsg', 'grid:code', 'view:sun_azimuth', 'view:sun_elevation']);

type Fields = Readonly<Record<string, unknown>>;
const only = (fields: Fields, wanted: (name: string) => boolean): Fields => Object.fromEntries(Object.entries(fields).filter(([name]) => wanted(name)));

/** As an archive has it after some thinning: all properties, and four of the assets. */
function thinned({ assets, ...item }: StacItem): StacItem {
  return { ...item, links: [], assets: only(assets, (key) => ['red', 'nir', 'scl', 'thumbnail'].includes(key)) as StacItem['assets'] };
}

function shortened({ assets, properties, stac_extensions: extensions, ...item }: StacItem): StacItem {
  const kept = Object.entries(only(assets, (key) => ['red', 'green', 'blue', 'nir', 'scl'].includes(key)));
  return {
    ...item, links: [], stac_extensions: extensions.slice(0, 3),
    properties: only(properties, (name) => common.has(name)) as StacItem['properties'],
    assets: Object.fromEntries(kept.map(([key, asset]) => [key, only(asset as Fields, (name) => name === 'href' || name === 'type')])) as unknown as StacItem['assets'],
  };
}

function templates(): StacItem[] {
  const { features } = JSON.parse(readFileSync(source, 'utf8')) as { features: StacItem[] };
  return features.map(IS_SHORT ? shortened : thinned);
}

/** The item `i`: one of the real ones at another place and time, with its shape. */
function itemAt(i: number, from: readonly StacItem[], random: () => number): StacItem {
  const template = from[i % from.length]!;
  const [west, south] = [-180 + 358 * random(), -80 + 158 * random()];
  const moved = ([x, y]: readonly number[]) => [x! + west - template.bbox[0]!, y! + south - template.bbox[1]!].map((degrees) => Math.round(degrees * 1e6) / 1e6);
  const rings = template.geometry!.coordinates as readonly (readonly number[])[][];
  const datetime = new Date(FIRST_DAY + Math.floor(random() * DAYS * 86_400_000)).toISOString();
  return {
    ...template, stac_version: '1.1.0', id: `item-${i}`, collection: collectionId(i), bbox: [...moved(template.bbox.slice(0, 2)), ...moved(template.bbox.slice(2))],
    geometry: { type: 'Polygon', coordinates: rings.map((ring) => ring.map(moved)) },
    properties: { ...template.properties, datetime, 'eo:cloud_cover': Math.round(random() * 10_000) / 100 },
  };
}

/** Writes the first `count` items into a file of lines for every collection, and gives their paths. */
export async function writeItems(folder: string, count: number): Promise<string[]> {
  const from = templates();
  const random = numbers(11);
  const paths = collections.map(({ id }) => join(folder, `${id}-${count}.ndjson`));
  const files = paths.map((path) => createWriteStream(path));
  for (let i = 0; i < count; i++) {
    const file = files[i % COLLECTIONS]!;
    if (!file.write(`${JSON.stringify(itemAt(i, from, random))}\n`)) await once(file, 'drain');
  }
  for (const file of files) await once(file.end(), 'close');
  return paths;
}
