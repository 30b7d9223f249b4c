/** The map of a collection as STAC links (web-map-links extension 1.2.0); hrefs are paths of the service. */
import type { StacCollection, StacLink } from '../../catalog/types.ts';

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

/** Links to the tiles of a collection for map clients, and to the page that shows it; those that it has already are left out. None without dimensions: nothing of it can be drawn. */
export function mapLinks({ id, title = id, links, 'cube:dimensions': dimensions }: Pick<StacCollection, 'id' | 'title' | 'links' | 'cube:dimensions'>): StacLink[] {
  if (Object.keys(dimensions).length === 0) return [];
  const own: StacLink[] = [
    { rel: 'xyz', href: `${tilesPath(id)}/{z}/{x}/{y}.png`, type: 'image/png', title: `Map tiles of ${title}` },
    { rel: 'tilejson', href: `${tilesPath(id)}/tilejson.json`, type: 'application/json', title: `TileJSON of ${title}` },
    { rel: 'wmts', href: wmtsPath(id), type: 'image/png', title: `WMTS of ${title}`, 'wmts:layer': id },
    { rel: 'alternate', href: viewPath(id), type: 'text/html', title: `${title} on a map` },
  ];
  return own.filter(({ rel, type }) => !links.some((link) => link.rel === rel && link.type === type && !('render' in link)));
}
