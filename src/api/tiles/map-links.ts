/** The map of a collection as STAC links (web-map-links extension 1.2.0); hrefs are paths of the service. */
import type { StacLink } from '../../catalog/types.ts';

/** Path of a collection's tiles. */
export function tilesPath(id: string): string {
  return `/tiles/${encodeURIComponent(id)}`;
}

/** Path of a collection's WMTS. */
export function wmtsPath(id: string): string {
  return `/wmts/${encodeURIComponent(id)}`;
}

/** Path of the page that shows a collection. */
export function viewPath(id: string): string {
  return `/view/${encodeURIComponent(id)}`;
}

/** Links to the tiles of a collection for map clients, and to the page that shows it. */
export function mapLinks({ id, title = id }: { readonly id: string; readonly title?: string }): StacLink[] {
  return [
    { rel: 'xyz', href: `${tilesPath(id)}/{z}/{x}/{y}.png`, type: 'image/png', title: `Map tiles of ${title}` },
    { rel: 'tilejson', href: `${tilesPath(id)}/tilejson.json`, type: 'application/json', title: `TileJSON of ${title}` },
    { rel: 'wmts', href: wmtsPath(id), type: 'image/png', title: `WMTS of ${title}`, 'wmts:layer': id },
    { rel: 'preview', href: viewPath(id), type: 'text/html', title: `${title} on a map` },
  ];
}
