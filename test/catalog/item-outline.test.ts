/** Outlines in the index of places: searches and counts that use them find what the geometries say. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outlineOf, polygonOf } from '../../src/catalog/item-outline.ts';
import { searchList } from '../../src/catalog/item-list.ts';
import { CatalogStore } from '../../src/catalog/store.ts';
import type { StacItem } from '../../src/catalog/types.ts';
import { boxOf, type Geometry } from '../../src/geo/geometry.ts';
import { scene } from '../api/stac/service.ts';
import { startFreshDatabase, type FreshDatabase } from '../database/fresh-database.ts';
import { rawCollection } from '../layers/service.ts';

const ring = (corners: number, radius: number, [x, y]: readonly [number, number], turned = 0) => {
  const points = Array.from({ length: corners }, (_, i) => [x + radius * Math.cos(turned + (2 * Math.PI * i) / corners), y + radius * Math.sin(turned + (2 * Math.PI * i) / corners)]);
  return [...points, points[0]!];
};
const polygon = (...coordinates: readonly (readonly (readonly number[])[])[]): Geometry => ({ type: 'Polygon', coordinates });

describe('an outline', () => {
  const triangle = polygon([[0.1, 0], [1e-7, -1.5], [1, 1], [0.1, 0]]);

  it('is the ring of a polygon, and the polygon again', () => {
    expect(outlineOf(triangle)).toBe('((0.1,0),(1e-7,-1.5),(1,1),(0.1,0))');
    expect(polygonOf(outlineOf(triangle)!)).toEqual(triangle);
  });

  it.each([
    ['nothing', null],
    ['a point', { type: 'Point', coordinates: [1, 2] }],
    ['two polygons', { type: 'MultiPolygon', coordinates: [triangle.coordinates] }],
    ['several geometries', { type: 'GeometryCollection', geometries: [triangle] }],
    ['a polygon with a hole', polygon(ring(4, 2, [0, 0]), ring(4, 1, [0, 0]))],
    ['a polygon with heights', polygon(ring(4, 2, [0, 0]).map((position) => [...position, 5]))],
    ['a polygon of many corners', polygon(ring(12, 2, [0, 0]))],
  ] as [string, Geometry | null][])('does not stand for %s', (_, geometry) => {
    expect(outlineOf(geometry)).toBeNull();
  });
});

describe('a search for a place', () => {
  let fresh: FreshDatabase;
  let store: CatalogStore;
  let seed = 5;
  const random = () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const kinds: ((place: readonly [number, number], size: number) => Geometry)[] = [
    (place, size) => polygon(ring(4, size, place, random())),
    (place, size) => polygon(ring(3, size, place, random())),
    (place, size) => polygon(ring(40, size, place)),
    (place, size) => polygon(ring(4, size, place), ring(4, size * 0.8, place)),
    (place, size) => ({ type: 'MultiPolygon', coordinates: [[ring(5, size / 2, place)], [ring(4, size / 2, [place[0], place[1] + size])]] }),
    (place) => ({ type: 'Point', coordinates: place }),
  ];
  const items = Array.from({ length: 240 }, (_, i): StacItem => {
    // A few of them beyond the antimeridian, as stored boxes may be.
    const geometry = kinds[i % kinds.length]!([i % 10 === 0 ? 179 : 30 * random(), 20 * random()], 0.3 + 3 * random());
    const [west, south, east, north] = boxOf(geometry);
    return { ...scene('SHAPES', `i${i}`, new Date(Date.UTC(2021, 0, 1) + i * 3_600_000).toISOString()), geometry: geometry as StacItem['geometry'], bbox: [west, south, east > 180 ? east - 360 : east, north] };
  });
  const boxes = Array.from({ length: 40 }, (_, i) => {
    const [west, south, size] = [i % 8 === 0 ? 177 + 2 * random() : i % 8 === 1 ? -180 : 30 * random(), 20 * random(), 0.2 + 6 * random()];
    return [west, south, west + size > 180 ? west + size - 360 : west + size, south + size];
  });

  beforeAll(async () => {
    fresh = await startFreshDatabase();
    store = new CatalogStore(fresh.database);
    await store.putCollection({ ...rawCollection, id: 'SHAPES' });
    await store.putItems('SHAPES', items);
  });
  afterAll(() => fresh.stop());

  it.each([['box', (bbox: number[]) => ({ bbox })], ['geometry', ([west, south]: number[]) => ({ intersects: polygon(ring(5, 2, [west!, south!])) })]] as const)('given by a %s finds and counts what touches it', async (_, asked) => {
    let found = 0;
    for (const box of boxes) {
      for (const sortby of [undefined, [{ property: 'eo:cloud_cover', direction: 'asc' as const }]]) {
        const query = { ...asked(box), ...(sortby ? { sortby } : {}), limit: 7 };
        const [stored, own] = [await store.search(query), searchList(items, query)];
        expect([box, stored.items.map(({ id }) => id), stored.numberMatched]).toEqual([box, own.items.map(({ id }) => id), own.numberMatched]);
        found += own.numberMatched!;
      }
    }
    expect(found).toBeGreaterThan(300);
  });

  it('does not use what an item was before', async () => {
    const moved = { ...items[0]!, geometry: polygon(ring(4, 1, [-50, -50])) as StacItem['geometry'], bbox: [-51, -51, -49, -49] };
    const about = { bbox: [-50.1, -50.1, -49.9, -49.9], limit: 5 };
    await store.putItems('SHAPES', [moved]);
    expect((await store.search(about)).numberMatched).toBe(1);
    await fresh.database.query('update items set definition = $1::json where id = $2', [JSON.stringify({ ...moved, geometry: polygon(ring(4, 0.5, [-49.5, -49.5])) }), moved.id]);
    expect((await store.search(about)).numberMatched).toBe(0);
  });
});
