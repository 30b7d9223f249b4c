/** Items whose files are gone. */
import { stat } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CatalogStore } from '../store.ts';
import type { StacItem } from '../types.ts';
import { findFiles } from './find-files.ts';
import { isStacSource } from './stac-source.ts';

export interface Withdrawn {
  /** Ids of items that were withdrawn. */
  readonly items: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Withdraws items of a collection all of whose files lay below the sources and are gone. A source that is
 * missing or has no file left is passed over with a warning: a disk that is not mounted looks the same.
 */
export async function withdrawVanished(collection: string, sources: readonly string[], store: CatalogStore): Promise<Withdrawn> {
  const folders: string[] = [];
  const warnings: string[] = [];
  for (const source of sources.filter((each) => !isStacSource(each))) {
    const { files } = await findFiles([source]);
    if (files.length > 0) folders.push(resolve(source));
    else warnings.push(`No item of ${source} was withdrawn: it has no file at all, as if its disk was not there.`);
  }
  const items = await store.items({ collection, bbox: null, interval: null });
  const gone: string[] = [];
  for (const item of items) if (await isGone(item, folders)) gone.push(item.id);
  if (gone.length > 0) await store.deleteItems(collection, gone);
  return { items: gone, warnings };
}

async function isGone({ assets }: StacItem, folders: readonly string[]): Promise<boolean> {
  const hrefs = Object.values(assets).map((asset) => asset.href);
  if (hrefs.length === 0 || !hrefs.every((href) => href.startsWith('file:'))) return false;
  for (const href of hrefs) {
    const path = fileURLToPath(href);
    const isBelow = folders.some((folder) => path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep));
    if (!isBelow || (await isThere(path))) return false;
  }
  return true;
}

/** Whatever else goes wrong than its absence: the file counts as there. */
async function isThere(path: string): Promise<boolean> {
  return stat(path).then(() => true, (error: NodeJS.ErrnoException) => error.code !== 'ENOENT' && error.code !== 'ENOTDIR');
}
