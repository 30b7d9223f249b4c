/** The home page: plain HTML that works without scripts, images or anything from elsewhere. */
import type { Entry, Home } from './home.ts';
import { escapeHtml } from './http/html.ts';

/** The only style that a browser may apply to the page. */
export const homeStyle = `
:root { color-scheme: light dark }
body { font: 1rem/1.6 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
caption { text-align: left; padding-bottom: .5rem }
th, td { text-align: left; vertical-align: top; padding: .4rem 1rem .4rem 0; border-top: 1px solid #8886 }
pre { overflow-x: auto; padding: 1rem; border: 1px solid #8886; border-radius: .3rem }
dt { font-weight: 600 }
`;

/** Every text is escaped: titles come from whoever described a collection. */
export function homePage(home: Home): string {
  const { title, description, version, base, openeo, stac, collections } = home;
  const [newest = base] = Object.values(openeo).toReversed();
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<style>${homeStyle}</style>
</head>
<body>
<header><h1>${escapeHtml(title)}</h1><p>${escapeHtml(description)}</p></header>
<main>
<h2>Addresses</h2>
<dl>
<dt>openEO</dt><dd>${link(base)} for clients; the API is at ${link(newest)}</dd>
<dt>STAC</dt><dd>${link(stac)}</dd>
<dt>Operators</dt><dd>${link(`${base}/operators`)} are what makes embeddings; model-serving clients call them at ${link(`${base}/v2`)}</dd>
<dt>WMTS</dt><dd>${link(`${base}/wmts?service=WMTS&request=GetCapabilities`, `${base}/wmts`)} for QGIS and other map clients</dd>
</dl>
<h2>Connect with Python</h2>
<pre tabindex="0" role="region" aria-label="Python example"><code>${escapeHtml(example(home))}</code></pre>
<h2>Collections</h2>
${collections.length === 0 ? '<p>There are none yet: <code>lamina ingest</code> makes one.</p>' : table(collections)}
</main>
<footer><p>Lamina ${escapeHtml(version)}</p></footer>
</body>
</html>
`;
}

function link(href: string, text = href): string {
  return `<a href="${escapeHtml(href)}">${escapeHtml(text)}</a>`;
}

function table(collections: readonly Entry[]): string {
  return `<table>
<caption>Raw collections as stored, and virtual ones that are computed when somebody asks.</caption>
<thead><tr><th scope="col">Collection</th><th scope="col">Kind</th><th scope="col">Look at it</th></tr></thead>
<tbody>
${collections.map(row).join('\n')}
</tbody>
</table>`;
}

function row({ id, title, isVirtual, href, tileJson, wmts, view, preview }: Entry): string {
  const tiles = [[view, 'map'], [tileJson, 'TileJSON'], [wmts, 'WMTS'], [preview, 'one tile']].map(([to, text]) => `<a href="${escapeHtml(to!)}" aria-label="${escapeHtml(`${text} of ${id}`)}">${escapeHtml(text!)}</a>`);
  return `<tr><th scope="row">${link(href, id)}<br>${escapeHtml(title)}</th><td>${isVirtual ? 'virtual layer' : 'raw'}</td><td>${tiles.join(', ')}</td></tr>`;
}

/** Downloads the first day of a layer, or of what there is. JSON's texts are Python's texts. */
function example({ base, collections }: Home): string {
  const shown = collections.find((entry) => entry.isVirtual) ?? collections[0];
  const connect = `import openeo                     # pip install openeo
connection = openeo.connect(${JSON.stringify(base)})
connection.authenticate_basic("your name", "your password")`;
  if (!shown) return connect;
  const time = shown.firstDay === null ? '' : `, temporal_extent=[${JSON.stringify(shown.firstDay)}, ${JSON.stringify(dayAfter(shown.firstDay))}]`;
  return `${connect}
cube = connection.load_collection(${JSON.stringify(shown.id)}${time})
cube.download(${JSON.stringify(shown.isVirtual ? 'embeddings.tif' : 'data.tif')}, format="GTiff")`;
}

function dayAfter(day: string): string {
  return new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10);
}
