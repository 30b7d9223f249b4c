/** The pages in a real browser: they are styled, nothing hostile runs, and nothing is asked from elsewhere. */
import { existsSync } from 'node:fs';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collection, startService } from './service.ts';
import type { TestService } from './service.ts';

const CHROMIUM = '/usr/bin/chromium';
const isThere = existsSync(CHROMIUM);

const attack = '"><script>document.title="broken"</script><img src=x onerror="document.title=\'broken\'">';
const hostile = { ...collection, id: 'evil', title: attack, description: `${attack}\n\n[click](javascript:document.title='broken') and \`code\` and **strong**`, keywords: [attack, 'b'], links: [{ rel: 'about', href: 'javascript:document.title="broken"', title: attack }] };

describe.skipIf(!isThere)(`pages${isThere ? '' : ' (skipped: no Chromium at /usr/bin/chromium)'}`, () => {
  let service: TestService;
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];
  const hosts = new Set<string>();
  beforeAll(async () => {
    service = await startService({ catalog: { collections: async () => [collection, hostile], collection: async (id) => [collection, hostile].find((each) => each.id === id) ?? null, item: async () => null } });
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    page = await browser.newPage({ viewport: { width: 1100, height: 900 } });
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('dialog', (dialog) => void dialog.dismiss().finally(() => complaints.push('a dialog')));
    page.on('request', (request) => hosts.add(new URL(request.url()).host));
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await service?.close();
  });

  it.each(['/', '/collections', '/collections/S2/L2A', '/collections/evil', '/processes', '/processes/backend/load_collection', '/api.html'])('%s is drawn as meant', async (path) => {
    await page.goto(`${service.url}/openeo/1.3${path}`);
    expect(await page.title()).not.toBe('broken');
    expect(await page.locator('h1').count()).toBe(1);
    // The style holds although it stands in the page: the policy knows its hash.
    expect(await page.evaluate('getComputedStyle(document.body).maxWidth')).toBe('1024px');
    expect(await page.locator('script').count()).toBe(0);
    expect(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth')).toBe(true);
    const folder = process.env['LAMINA_PICTURES'];
    if (folder !== undefined) await page.screenshot({ path: `${folder}/page${path.replace(/\W+/g, '-')}.png`, fullPage: false });
    expect(complaints).toEqual([]);
    expect([...hosts].filter((host) => host !== '' && host !== new URL(service.url).host)).toEqual([]);
  });

  it('can be walked from the root to a process and back, with the keyboard', async () => {
    await page.goto(`${service.url}/openeo/1.3/`);
    await page.getByRole('link', { name: `${service.url}/openeo/1.3/collections` }).click();
    await page.getByRole('link', { name: 'S2/L2A', exact: true }).click();
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('Scenes');
    await page.getByRole('navigation', { name: 'You are here' }).getByRole('link', { name: 'Collections' }).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/collections$/);
    await page.getByRole('link', { name: 'This as JSON' }).click();
    expect(JSON.parse(await page.locator('body').innerText()) as object).toHaveProperty('collections');
  });

  it('fits a small screen', async () => {
    await page.setViewportSize({ width: 360, height: 700 });
    await page.goto(`${service.url}/openeo/1.3/collections/evil`);
    expect(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth + 1')).toBe(true);
  });
});
