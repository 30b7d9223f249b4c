/** The viewer page in a real browser: Debian's Chromium over playwright-core. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, lamina, until, type Started } from './processes.ts';

const CHROMIUM = '/usr/bin/chromium';
const isThere = existsSync(CHROMIUM);
const WAIT_MS = 180_000;

describe.skipIf(!isThere)(`the viewer page${isThere ? '' : ' (skipped: no Chromium at /usr/bin/chromium)'}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'lamina-viewer-'));
  const faults: string[] = [];
  let service: Started;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    const port = await freePort();
    service = lamina(['serve'], { LAMINA_PORT: String(port), LAMINA_DATA: join(directory, 'data') });
    await until(() => (service.output().includes('Ctrl-C ends everything') ? true : null), 'lamina serve', WAIT_MS, service);
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    page = await browser.newPage({ viewport: { width: 900, height: 700 } });
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
    page.on('pageerror', (error) => faults.push(error.message));
    await page.goto(`http://127.0.0.1:${port}/view/EMB_SYNTHETIC_S2_PCA`);
  }, WAIT_MS);

  afterAll(async () => {
    await browser?.close();
    await service.end();
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  /** Addresses of tiles that the map shows with pixels in them. */
  const shown = () => page.$$eval('img.leaflet-tile-loaded', (tiles) => (tiles as unknown as { naturalWidth: number; src: string }[]).filter((tile) => tile.naturalWidth === 256).map((tile) => tile.src));

  it('shows the layer and its source, from this service only', async () => {
    expect(await page.textContent('h1')).toContain('SYNTHETIC_S2');
    await expect.poll(shown, { timeout: WAIT_MS, interval: 500 }).toEqual(expect.arrayContaining([expect.stringContaining('/tiles/EMB_SYNTHETIC_S2_PCA/'), expect.stringContaining('/tiles/SYNTHETIC_S2/')]));
    const hosts = await page.evaluate(() => performance.getEntriesByType('resource').map((entry) => new URL(entry.name).host));
    expect(new Set(hosts)).toEqual(new Set([new URL(page.url()).host]));
    expect(faults).toEqual([]);
  }, WAIT_MS);

  it('changes to a single dimension and another date', async () => {
    const styles = await page.$$eval('select[name=style] option', (options) => options.length);
    expect(styles).toBeGreaterThan(32);
    await page.selectOption('select[name=style]', { index: 6 });
    await expect.poll(async () => (await shown()).some((src) => /EMB_SYNTHETIC_S2_PCA.*(dimension|bands)=/.test(src)), { timeout: WAIT_MS, interval: 500 }).toBe(true);
    await page.selectOption('select[name=day]', { index: 1 });
    await expect.poll(async () => (await shown()).some((src) => src.includes('datetime=')), { timeout: WAIT_MS, interval: 500 }).toBe(true);
    expect(faults).toEqual([]);
  }, WAIT_MS);
});
