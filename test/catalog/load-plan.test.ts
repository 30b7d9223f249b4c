import { describe, expect, it } from 'vitest';
import { itemInstant, planLoad, type PlanInput } from '../../src/catalog/load-plan.ts';
import type { StacCollection, StacItem } from '../../src/catalog/types.ts';
import { transformBounds, WGS84 } from '../../src/geo/crs.ts';

const collection = {
  id: 'C',
  bands: [{ name: 'B02', 'eo:common_name': 'blue' }, { name: 'B08', 'eo:common_name': 'nir' }, { name: 'B11' }],
  'cube:dimensions': { bands: { type: 'bands', values: ['B02', 'B08', 'B11'] } },
} as unknown as StacCollection;

/** An item with B02 and B08 at 10 m and B11 at 20 m, `x` and `y` pixels of 10 m away from the corner. */
function item(id: string, datetime: string, crs = 'EPSG:32631', x = 0, y = 0): StacItem {
  const asset = (step: number, size: number, names: string[]) => ({
    href: `file:///${id}_${step}.tif`,
    'proj:code': crs,
    'proj:shape': [size, size],
    'proj:transform': [step, 0, 600_000 + x * 10, 0, -step, 5_600_000 - y * 10],
    bands: names.map((name) => ({ name })),
  });
  return { type: 'Feature', stac_version: '1.1.0', stac_extensions: [], id, collection: 'C', geometry: null, bbox: [], links: [], properties: { datetime }, assets: { fine: asset(10, 100, ['B08', 'B02']), coarse: asset(20, 50, ['B11']) } };
}

const plan = (input: Partial<PlanInput>) => planLoad({ collection, items: [item('a', '2021-05-01T00:00:00Z')], bands: null, extent: null, anchor: () => undefined, ...input });

describe('planLoad', () => {
  it('takes the finest resolution of the wanted bands', () => {
    expect(plan({}).grid).toMatchObject({ stepX: 10, width: 100, height: 100, originX: 600_000, originY: 5_600_000 });
    expect(plan({ bands: ['B11'] }).grid).toMatchObject({ stepX: 20, width: 50, height: 50 });
  });

  it('finds bands by name or common name, in the wanted order, and where they are in the files', () => {
    const { bands, dates } = plan({ bands: ['nir', 'B02'] });
    expect(bands.map((b) => b.name)).toEqual(['B08', 'B02']);
    expect(dates[0]!.items[0]!.bands.map((b) => b?.index)).toEqual([0, 1]);
    expect(() => plan({ bands: ['B99'] })).toThrow("there is no band 'B99'; the collection has B02, B08, B11");
  });

  it('keeps the lattice of the collection whatever the extent', () => {
    const extent = transformBounds({ crs: 'EPSG:32631', west: 600_103, east: 600_305, south: 5_599_500, north: 5_599_801 }, WGS84);
    const { grid } = plan({ extent });
    expect((grid.originX - 600_000) % 10).toBeCloseTo(0, 6);
    expect((5_600_000 - grid.originY) % 10).toBeCloseTo(0, 6);
    expect(grid.width).toBeLessThan(25);
    const anchored = plan({ anchor: () => ({ x: 600_005, y: 5_600_000 }) });
    expect(((anchored.grid.originX - 600_005) / 10) % 1).toBeCloseTo(0);
  });

  it('makes one date of one instant, sorted, and drops dates that only a neighbour has', () => {
    const items = [item('b', '2021-06-01T00:00:00.000Z'), item('a', '2021-05-01T00:00:00Z'), item('c', '2021-05-01T02:00:00+02:00', 'EPSG:32631', 100), item('far', '2021-07-01T00:00:00Z', 'EPSG:32631', 200)];
    const extent = { crs: 'EPSG:32631', west: 600_000, east: 601_000, south: 5_599_000, north: 5_600_000 };
    const { dates } = plan({ items, extent });
    expect(dates.map((d) => d.label)).toEqual(['2021-05-01T00:00:00Z', '2021-06-01T00:00:00Z']);
    expect(dates[0]!.items.map((i) => i.item.id)).toEqual(['a', 'c']);
  });

  it('loads in the zone that holds most of the extent', () => {
    const items = [item('a', '2021-05-01T00:00:00Z'), item('b', '2021-05-01T00:00:00Z', 'EPSG:32632')];
    const extent = transformBounds({ crs: 'EPSG:32632', west: 600_100, east: 600_900, south: 5_599_100, north: 5_599_900 }, WGS84);
    expect(plan({ items, extent }).grid.crs).toBe('EPSG:32632');
  });

  it('says when there is nothing', () => {
    expect(() => plan({ items: [] })).toThrow("Collection 'C' has no item");
    expect(() => plan({ extent: { crs: 'EPSG:32631', west: 0, east: 10, south: 0, north: 10 } })).toThrow(/NoDataAvailable|no data available/);
  });
});

it('reads the instant of an item in UTC', () => {
  expect(itemInstant(item('a', '2021-05-01T02:00:00.500+02:00'))).toBe('2021-05-01T00:00:00.500Z');
});
