import { expect, it } from 'vitest';
import { mapLinks } from '../../../src/api/tiles/map-links.ts';

const dimensions = { x: { type: 'spatial' } };

it('leads from a collection to its maps, with ids fit for URLs', () => {
  const links = mapLinks({ id: 'S2/L2A', title: 'Scenes', links: [], 'cube:dimensions': dimensions });
  expect(links.map(({ rel, href }) => [rel, href])).toEqual([
    ['xyz', '/tiles/S2%2FL2A/{z}/{x}/{y}.png'], ['tilejson', '/tiles/S2%2FL2A/tilejson.json'], ['wmts', '/wmts/S2%2FL2A'], ['alternate', '/view/S2%2FL2A'],
  ]);
  // What the web-map-links extension asks of a WMTS link.
  expect(links[2]).toMatchObject({ 'wmts:layer': 'S2/L2A', type: 'image/png' });
});

it('leaves out what a collection says itself', () => {
  const own = { rel: 'xyz', href: 'https://example.org/{z}/{x}/{y}.png', type: 'image/png' };
  expect(mapLinks({ id: 'A', links: [own, { rel: 'alternate', href: 'https://example.org', type: 'application/xml' }], 'cube:dimensions': dimensions }).map(({ rel }) => rel)).toEqual(['tilejson', 'wmts', 'alternate']);
});

it('leads nowhere from what has no pixels', () => {
  expect(mapLinks({ id: 'operators', links: [], 'cube:dimensions': {} })).toEqual([]);
});
