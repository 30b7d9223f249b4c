/** TileJSON 3.0.0 of a collection: its tiles, how they can be drawn, and those of the raw source beside them. */
import { farthestZoom } from '../../layers/tile-zoom.ts';
import type { MapDescription } from './map-catalog.ts';
import { tilesPath } from './map-links.ts';

/** Raw pictures get too many files to read further out. */
const RAW_MIN_ZOOM = 5;
const MAX_ZOOM = 16;

/** Members beside those of the standard begin with 'lamina:'. */
export function tileJson(map: MapDescription, sources: readonly MapDescription[], base: string): object {
  const [west, south, east, north] = map.bounds;
  // Further out a layer is seen where somebody has warmed it.
  const comfortable = map.isVirtual && map.cellMetres !== null ? farthestZoom(map.cellMetres) : RAW_MIN_ZOOM;
  return {
    tilejson: '3.0.0',
    name: map.title,
    description: map.description,
    scheme: 'xyz',
    tiles: [`${base}${tilesPath(map.id)}/{z}/{x}/{y}.png`],
    bounds: [west, south, east, north],
    center: [(west + east) / 2, (south + north) / 2, Math.max(comfortable, Math.min(13, zoomOf(west, east)))],
    minzoom: map.isVirtual ? 0 : RAW_MIN_ZOOM,
    maxzoom: MAX_ZOOM,
    'lamina:id': map.id,
    'lamina:cold_minzoom': comfortable,
    'lamina:styles': map.styles,
    'lamina:days': map.days,
    'lamina:sources': sources.map(({ id, title }) => ({ id, title, tilejson: `${base}${tilesPath(id)}/tilejson.json`, tiles: [`${base}${tilesPath(id)}/{z}/{x}/{y}.png`] })),
  };
}

/** The zoom at which a tile is about as wide as the box. */
export function zoomOf(west: number, east: number): number {
  return Math.max(0, Math.floor(Math.log2(360 / Math.max(east - west, 1e-6))));
}
