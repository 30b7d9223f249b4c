/** For tests: items that differ in what they hold, as files of others do. */
import { writeFileSync } from 'node:fs';

export type Json = Record<string, unknown>;

/** An item of STAC 1.1 whose files nobody opens. */
export function item(number: number, more: Json = {}): Json {
  const west = (number % 300) / 10;
  const north = 50 + Math.floor(number / 300) / 100;
  return {
    type: 'Feature', stac_version: '1.1.0', stac_extensions: ['https://stac-extensions.github.io/projection/v2.0.0/schema.json'],
    id: `item-${String(number).padStart(6, '0')}`,
    geometry: { type: 'Polygon', coordinates: [[[west, north - 1], [west + 1, north - 1], [west + 1, north], [west, north], [west, north - 1]]] },
    bbox: [west, north - 1, west + 1, north],
    properties: { datetime: new Date(Date.UTC(2020, 0, 1) + number * 60_000).toISOString().replace('.000Z', 'Z'), gsd: 10, platform: `sat-${number % 3}`, ...(number % 4 === 0 ? {} : { 'eo:cloud_cover': number % 100 }), ...more },
    links: [],
    assets: {
      data: { href: `https://example.org/${number}.tif`, type: 'image/tiff; application=geotiff', roles: ['data'], 'proj:code': 'EPSG:4326', 'proj:shape': [100, 100], 'proj:transform': [0.01, 0, west, 0, -0.01, north], bands: [{ name: 'B04', nodata: 0 }, { name: 'B08' }] },
      ...(number % 5 === 0 ? { thumbnail: { href: `https://example.org/${number}.png`, type: 'image/png', roles: ['thumbnail'] } } : {}),
    },
  };
}

export const items = (count: number, first = 0): Json[] => Array.from({ length: count }, (_, i) => item(first + i));

export function writeLines(path: string, records: readonly unknown[]): string {
  writeFileSync(path, records.map((record) => (typeof record === 'string' ? record : JSON.stringify(record))).join('\n'));
  return path;
}
