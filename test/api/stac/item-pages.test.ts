/** Items as pages for browsers, as JSON for everybody else. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fill, startService, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
  await fill(service.store);
});
afterAll(() => service.stop());

const browser = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };

it.each(['/collections/MONTHS/items?limit=3', '/search?collections=MONTHS&limit=3'])('%s is a page that leads to its items and to the next page', async (path) => {
  const page = await service.get(path, browser);
  expect(page.type).toMatch(/^text\/html/);
  expect(page.text).toContain('3 of 12 items');
  expect(page.text).toContain(`href="${service.url}/collections/MONTHS/items/m12"`);
  expect(page.text).toMatch(/Next page/);
  expect((await service.get(path, { accept: '*/*' })).type).toBe('application/geo+json');
});

it('an item is a page with its files and properties', async () => {
  const page = await service.get('/collections/MONTHS/items/m03', browser);
  expect(page.type).toMatch(/^text\/html/);
  for (const text of ['2020-03-15T10:00:00Z', 'proj:code', 'EPSG:4326', 'B04', 'https://example.org/preview.png']) expect(page.text).toContain(text);
  expect(page.text).not.toContain('file:///secret');
  expect(await service.get('/collections/MONTHS/items/none', browser)).toMatchObject({ status: 404, type: 'application/json' });
  expect((await service.get('/collections/MONTHS/items/m03?f=json', browser)).type).toBe('application/geo+json');
});
