/** G13: CLAIMED's STAC item took its geometry from the name of the file, with a table of one tile (T13TEF). */
import { expect, it } from 'vitest';
import { Cube } from '../../src/cube/cube.ts';
import { fileAsset, fileItem } from '../../src/workers/file-item.ts';

function itemOf(name: string, zone: number, originX: number, originY: number) {
  const cube = new Cube({
    dimensions: [{ name: 'y', type: 'spatial', axis: 'y', size: 100 }, { name: 'x', type: 'spatial', axis: 'x', size: 100 }],
    grid: { crs: `EPSG:${zone}`, originX, originY, stepX: 80, stepY: 80, width: 100, height: 100 }, dtype: 'float32', attributes: {},
    read: async () => { throw new Error('its place is known without reading it'); }, fingerprint: async () => 'x',
  } as never);
  const asset = fileAsset({ mediaType: 'image/tiff', roles: ['data'], metadata: {} } as never, { objectKey: `x/${name}`, bytes: 1 }, name);
  return fileItem({ id: name, collection: 'c', cube, time: ['2024-06-01T00:00:00Z', '2024-06-01T00:00:00Z'], created: '2024-06-02T00:00:00Z', properties: {}, sources: [], assets: { data: asset } });
}

it('a file that is called as a tile of Colorado lies where its pixels lie', () => {
  const { bbox, geometry } = itemOf('S2A_T13TEF_20240601.tif', 32631, 600_000, 5_600_000);
  // 600 km east in zone 31: 3° E and 100 km more, at 50.5° N.
  expect(bbox.map((v) => Math.round(v! * 10) / 10)).toEqual([4.4, 50.5, 4.5, 50.5]);
  expect(geometry).toMatchObject({ type: 'Polygon' });
});

it('its name says nothing, its grid everything', () => {
  expect(itemOf('a.tif', 32631, 600_000, 5_600_000).geometry).toEqual(itemOf('T13TEF.tif', 32631, 600_000, 5_600_000).geometry);
  // The same numbers in another zone are another place: 6° further west.
  const [west] = itemOf('a.tif', 32630, 600_000, 5_600_000).bbox;
  expect(itemOf('a.tif', 32631, 600_000, 5_600_000).bbox[0]! - west!).toBeCloseTo(6, 9);
});
