/** The HTML of the viewer page. What it shows is found out by its script, from the TileJSON of the collection. */
import { escapeHtml } from '../http/html.ts';

export interface ViewerPage {
  readonly title: string;
  /** URL of the service, without a slash at its end. */
  readonly base: string;
  /** URL of the TileJSON that is shown. */
  readonly tileJson: string;
}

/** Every text is escaped: titles come from whoever described a collection. */
export function viewerPage({ title, base, tileJson }: ViewerPage): string {
  const part = (name: string) => escapeHtml(`${base}/view/parts/${name}`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${part('leaflet.css')}">
<link rel="stylesheet" href="${part('viewer.css')}">
<script src="${part('leaflet.js')}" defer></script>
<script src="${part('viewer.js')}" defer></script>
</head>
<body data-tilejson="${escapeHtml(tileJson)}">
<header>
<h1>${escapeHtml(title)}</h1>
<form id="choices">
<label>Date <select name="day"></select></label>
<label>Show <select name="style"></select></label>
<label>Colours <select name="colormap"><option>gray</option><option>viridis</option><option>magma</option><option>inferno</option></select></label>
<label id="swipe-label">Swipe <input type="range" name="swipe" min="0" max="100" value="50"></label>
</form>
<p id="sides"></p>
<a href="${escapeHtml(base)}/">All collections</a>
</header>
<main><div id="map" role="application" aria-label="Map"></div><p id="notice" role="status"></p></main>
<noscript><p>The map needs a script of this service.</p></noscript>
</body>
</html>
`;
}
