/* global L */
/** The map of a collection: its tiles on the right of the swipe, those of its source on the left. Runs in the browser as it is. */
'use strict';

const form = document.getElementById('choices');
const notice = document.getElementById('notice');

start().catch((error) => {
  notice.textContent = `The map could not be opened: ${error.message}`;
});

async function start() {
  const shown = await load(document.body.dataset.tilejson);
  const [firstSource] = shown['lamina:sources'];
  const source = firstSource ? await load(firstSource.tilejson).catch(() => null) : null;
  fill(form.elements.day, [['', 'newest data'], ...shown['lamina:days'].toReversed().map((day) => [day, day])]);
  fill(form.elements.style, shown['lamina:styles'].map((style, i) => [i === 0 ? '' : style, styleTitle(style)]));
  const map = openMap(shown);
  const layers = { right: addTiles(map, shown, 'right') };
  if (source) layers.left = addTiles(map, source, 'left');
  document.getElementById('swipe-label').hidden = !source;
  document.getElementById('sides').textContent = source ? `Left: ${source.name}. Right: ${shown.name}.` : '';
  if (source) addSwipe(map);
  const update = () => show(layers, shown, source);
  for (const name of ['day', 'style', 'colormap']) form.elements[name].addEventListener('change', update);
  update();
}

async function load(url) {
  const answer = await fetch(url);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.message ?? answer.statusText);
  return body;
}

function fill(select, entries) {
  select.replaceChildren(...entries.map(([value, text]) => new Option(text, value)));
}

function styleTitle(style) {
  if (style === 'pca') return 'PCA colours';
  return style === 'default' ? 'true colour' : style;
}

function openMap({ bounds, minzoom, center }) {
  const [west, south, east, north] = bounds;
  const map = L.map('map', { attributionControl: false, minZoom: minzoom, maxZoom: 18 });
  L.control.scale({ imperial: false }).addTo(map);
  for (const side of ['left', 'right']) map.createPane(side).style.zIndex = '250';
  map.fitBounds([[south, west], [north, east]]);
  // An area that nobody has warmed is shown where its tiles can be drawn.
  if (map.getZoom() < center[2] - 3) map.setView([center[1], center[0]], center[2]);
  return map;
}

function addTiles(map, tileJson, pane) {
  const [west, south, east, north] = tileJson.bounds;
  const layer = L.tileLayer('', { pane, minZoom: tileJson.minzoom, maxNativeZoom: tileJson.maxzoom, maxZoom: 18, bounds: [[south, west], [north, east]] });
  layer.on('tileerror', ({ tile }) => explain(tile.src));
  layer.on('loading', () => {
    notice.textContent = '';
  });
  return layer.addTo(map);
}

/** An image that fails says nothing: the service is asked again for its words. */
async function explain(url) {
  const answer = await fetch(url).catch(() => null);
  if (!answer || answer.ok || !/json/.test(answer.headers.get('Content-Type') ?? '')) return;
  notice.textContent = (await answer.json()).message;
}

function show(layers, shown, source) {
  const { day, style, colormap } = form.elements;
  colormap.disabled = style.value === '';
  const query = new URLSearchParams();
  if (day.value) query.set('datetime', day.value);
  if (source) layers.left.setUrl(template(source, query));
  if (style.value) {
    query.set('bands', style.value);
    query.set('colormap', colormap.value);
  }
  layers.right.setUrl(template(shown, query));
}

function template({ tiles: [url] }, query) {
  const text = query.toString();
  return text === '' ? url : `${url}?${text}`;
}

/** Each pane shows its side of a line that follows the slider; panes move with the map, so the line is kept in their coordinates. */
function addSwipe(map) {
  const line = L.DomUtil.create('div', 'swipe-line', map.getContainer());
  const slider = form.elements.swipe;
  const clip = () => {
    const size = map.getSize();
    const x = (size.x * Number(slider.value)) / 100;
    const from = map.containerPointToLayerPoint([0, 0]);
    const to = map.containerPointToLayerPoint(size);
    const middle = from.x + x;
    const box = (west, east) => `polygon(${west}px ${from.y}px, ${east}px ${from.y}px, ${east}px ${to.y}px, ${west}px ${to.y}px)`;
    map.getPane('left').style.clipPath = box(from.x, middle);
    map.getPane('right').style.clipPath = box(middle, to.x);
    line.style.left = `${x}px`;
  };
  slider.addEventListener('input', clip);
  map.on('move zoomend resize', clip);
  clip();
}
