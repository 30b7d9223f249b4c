/** The STAC item of files that this service wrote from a cube. */
import { groundStep } from '../catalog/ingest/item.ts';
import type { StacAsset, StacItem, StacLink } from '../catalog/types.ts';
import type { Cube } from '../cube/cube.ts';
import { findGeometries } from '../cube/geometries.ts';
import { footprint, type Footprint } from '../geo/footprint.ts';
import { outlineOf } from '../geo/outline.ts';
import type { WrittenFile } from '../formats/writer.ts';
import { usedExtensions } from '../layers/extensions.ts';

/** An asset for a file that lies in the object store. */
export function fileAsset(file: Pick<WrittenFile, 'mediaType' | 'roles' | 'metadata'>, stored: { readonly objectKey: string; readonly bytes: number }, title: string): StacAsset {
  return { href: `object:${stored.objectKey}`, type: file.mediaType, title, roles: file.roles, ...file.metadata, 'file:size': stored.bytes };
}

export interface FileItemParts {
  readonly id: string;
  readonly collection: string;
  /** What the files hold. */
  readonly cube: Cube;
  /** First and last instant; equal for the files of one date. */
  readonly time: readonly [string, string];
  readonly created: string;
  /** What else is known. */
  readonly properties: Readonly<Record<string, unknown>>;
  /** Besides those to the sources. */
  readonly links?: readonly StacLink[];
  /** '<collection>/<item>', or the URL of an item elsewhere. */
  readonly sources: readonly string[];
  readonly assets: Readonly<Record<string, StacAsset>>;
}

/** The item of one or more files of a cube; without a grid or geometries it lies nowhere. */
export function fileItem({ id, collection, cube, time: [first, last], created, properties: more, links = [], sources, assets }: FileItemParts): StacItem {
  const outline = placeOf(cube);
  const properties = {
    datetime: first === last ? first : null,
    ...(first === last ? {} : { start_datetime: first, end_datetime: last }),
    created,
    ...(cube.grid && { gsd: groundStep(cube.grid) }),
    ...more,
  };
  return {
    type: 'Feature',
    stac_version: '1.1.0',
    stac_extensions: usedExtensions(properties, assets),
    id,
    collection,
    geometry: (outline?.geometry ?? null) as StacItem['geometry'],
    bbox: outline?.bbox ?? [],
    properties,
    links: [...links, ...sources.map(derivedFrom)],
    assets,
  };
}

/** Where the cells or the geometries of a cube lie; null when nothing tells. */
function placeOf(cube: Cube): Footprint | null {
  if (cube.grid) return footprint(cube.grid);
  const found = findGeometries(cube);
  return found ? outlineOf(found.geometries.shapes, found.geometries.crs) : null;
}

function derivedFrom(source: string): StacLink {
  const rest = { rel: 'derived_from', type: 'application/geo+json' };
  if (/^https?:/.test(source)) {
    // The query of a signed URL is a key, and no business of who reads the item.
    const address = source.replace(/[?#].*$/, '');
    return { ...rest, href: address, title: address.slice(address.lastIndexOf('/') + 1) };
  }
  const [collection, item] = [source.slice(0, source.lastIndexOf('/')), source.slice(source.lastIndexOf('/') + 1)];
  return { ...rest, href: `/stac/collections/${collection}/items/${encodeURIComponent(item)}`, title: item };
}
