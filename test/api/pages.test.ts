/** Pages for browsers: what they show, that they show no less safely than JSON, and who gets them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collectionPage } from '../../src/api/pages/collection-pages.ts';
import { layout, pageHeaders } from '../../src/api/pages/layout.ts';
import { html, link } from '../../src/api/pages/html.ts';
import { prose } from '../../src/api/pages/prose.ts';
import { collection, startService } from './service.ts';
import type { TestService } from './service.ts';

const attack = '"><script>alert(1)</script><img src=x onerror=alert(2)>';
const hostile = {
  ...collection,
  id: 'evil', title: attack, description: `${attack} \`${attack}\` **${attack}** [${attack}](javascript:alert(3)) [x](https://example.org/"onmouseover="alert(4))`,
  license: attack, keywords: [attack], providers: [{ name: attack, roles: ['producer'], url: 'javascript:alert(5)' }],
  'cube:dimensions': { [attack]: { type: 'other', values: [attack], reference_system: attack } },
  summaries: { bands: [{ name: attack, description: attack }] },
  assets: { x: { href: attack } },
  links: [{ rel: attack, href: 'javascript:alert(6)', title: attack, type: attack }, { rel: 'about', href: `https://example.org/${attack}`, title: attack }],
};

let service: TestService;
beforeAll(async () => {
  service = await startService({ catalog: {
    collections: async () => [collection, hostile],
    collection: async (id) => [collection, hostile].find((each) => each.id === id) ?? null,
    item: async () => null,
  } });
});
afterAll(() => service.close());

const browser = { Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };
const page = (path: string, headers: Record<string, string> = browser) => fetch(`${service.url}/openeo/1.3${path}`, { headers });

/** Tags and attributes as a parser sees them: outside of quotes there is nothing of the attack. */
function tagsOf(text: string): string[] {
  return [...text.matchAll(/<[a-z][^\s>]*(?:\s+[a-z-]+(?:="[^"]*")?)*\s*>/gi)].map(([tag]) => tag);
}

describe('a page', () => {
  it.each([
    ['/', 'Lamina: openEO API 1.3.0', 'compress_embed'],
    ['/collections', 'Collections', 'S2/L2A'],
    ['/collections/S2/L2A', 'Scenes', 'B04'],
    ['/processes', 'Processes', 'absolute'],
    ['/processes/backend/add', 'add', 'second summand'],
  ])('at %s is a whole document with a heading, a language and a link to its JSON', async (path, title, content) => {
    const answer = await page(path);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(answer.headers.get('vary')).toContain('Accept');
    const text = await answer.text();
    expect(text).toContain(`<h1>${title}</h1>`);
    expect(text).toContain('<html lang="en">');
    expect(text).toContain(content);
    const [, json] = /<link rel="alternate" type="application\/json" href="([^"]+)">/.exec(text)!;
    const same = await fetch(new URL(json!.replaceAll('&amp;', '&'), answer.url), { headers: browser });
    expect(same.headers.get('content-type')).toBe('application/json');
  });

  it('is for browsers only, unless it is asked for', async () => {
    for (const accept of ['*/*', 'application/json', 'application/json, text/html;q=0.9', 'application/json,text/html']) {
      expect((await page('/collections', { Accept: accept })).headers.get('content-type'), accept).toBe('application/json');
    }
    expect((await page('/collections', {})).headers.get('content-type')).toBe('application/json');
    expect((await page('/collections?f=html', { Accept: 'application/json' })).headers.get('content-type')).toMatch('text/html');
    expect((await page('/collections?f=json')).headers.get('content-type')).toBe('application/json');
  });

  it('is no page where there is an error, or nothing to see', async () => {
    for (const path of ['/collections/nope', '/nothing', '/processes/backend/nope']) {
      const answer = await page(path);
      expect(answer.headers.get('content-type')).toBe('application/json');
      expect(await answer.json()).toMatchObject({ code: expect.any(String) });
    }
  });

  it('keeps hundreds of bands closed until they are wanted', () => {
    const layer = (count: number) => ({ ...collection, summaries: { bands: Array.from({ length: count }, (_, i) => ({ name: `e${i}` })) } });
    const shown = (count: number) => layout(collectionPage(layer(count), { here: 'http://x' }));
    expect(shown(768)).toMatch(/<summary>768 bands<\/summary>.*e767/s);
    expect(shown(3)).not.toContain('3 bands');
    expect(shown(3)).toContain('e2');
  });

  it('links to the other pages of a list', async () => {
    expect(await (await page('/collections?limit=1')).text()).toContain('Next page');
    expect(await (await page('/collections?limit=1&after=S2%2FL2A')).text()).toContain('First page');
  });

  it('is kept by its ETag, apart from the JSON', async () => {
    const first = await page('/processes');
    const again = await page('/processes', { ...browser, 'If-None-Match': first.headers.get('etag')! });
    expect(again.status).toBe(304);
    expect((await page('/processes', { 'If-None-Match': first.headers.get('etag')! })).status).toBe(200);
  });
});

describe('what hostile people write', () => {
  it.each(['/collections', '/collections/evil'])('is text at %s', async (path) => {
    const answer = await page(path);
    const text = await answer.text();
    expect(text).not.toMatch(/<script|<img|href="javascript:/i);
    expect(text).toContain('&lt;script&gt;');
    for (const tag of tagsOf(text)) expect(tag.replace(/="[^"]*"/g, ''), tag).not.toMatch(/\son\w+/i);
    expect(answer.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/=]+'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('is escaped wherever it may stand', () => {
    expect(html`<a title="${attack}">${[attack, html`<b>${attack}</b>`]}</a>`.text).not.toMatch(/<script|<img/);
    expect(link('javascript:alert(1)', 'x').text).toBe('x');
    expect(link('https://example.org/?a=1&b="', 'x').text).toBe('<a href="https://example.org/?a=1&amp;b=&quot;">x</a>');
    expect(prose('a `<b>` **c**\n\n[d](https://e.org) [f](data:text/html,x)')!.text).toBe('<div class="prose"><p>a <code>&lt;b&gt;</code> <strong>c</strong></p><p><a href="https://e.org">d</a> f</p></div>');
    expect(prose(attack.repeat(1000))!.text).not.toContain('<script');
    expect(prose('``a`` ```b``` `c')!.text).toBe('<div class="prose"><p><code>a</code> ```b``` `c</p></div>');
    expect(prose(7)).toBeNull();
    expect(layout({ title: '</title><script>', body: null })).not.toContain('<script>');
    expect(pageHeaders['Content-Security-Policy']).not.toContain('unsafe');
  });
});
