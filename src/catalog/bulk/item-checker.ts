/** Whether items are valid: by what this service knows of STAC, and by the official schemas where it has them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SchemaLibrary, type SchemaFault } from '../../graph/schema-library.ts';
import { itemSchema } from './item-schema.ts';

/** What is wrong with an item; [] when it is valid. Schemas are compiled once. */
export type ItemChecker = (item: unknown) => readonly SchemaFault[];

/** Where the files of well-known places lie below the folder. */
const places: readonly (readonly [prefix: string, folder: string])[] = [
  ['https://schemas.stacspec.org/', 'core'],
  ['https://stac-extensions.github.io/', '.'],
  ['https://geojson.org/schema/', 'geojson'],
  ['https://proj.org/schemas/', 'projjson'],
];

/**
 * @param folder official schemas (`core/v1.1.0/…`, `projection/v2.0.0/schema.json`, …); null: without them. A schema that an item
 * names and that is not there is not checked, and never fetched.
 */
export function createItemChecker(folder: string | null): ItemChecker {
  const library = new SchemaLibrary((url) => (folder === null ? null : fromFolder(folder, url)));
  const check = library.compile(itemSchema);
  return (item) => {
    const faults = check(item);
    if (faults.length > 0 || folder === null) return faults;
    const { stac_version: version, stac_extensions: extensions = [] } = item as { stac_version: string; stac_extensions?: readonly string[] };
    const core = `https://schemas.stacspec.org/v${version}/item-spec/json-schema/item.json`;
    return [core, ...extensions].map((url) => library.check(url, item) ?? []).find((found) => found.length > 0) ?? [];
  };
}

/** 'properties/datetime is missing': the first fault in one sentence. */
export function describeFault([first]: readonly SchemaFault[]): string {
  return `\`${first!.path === '' ? 'item' : first!.path.slice(1).replaceAll('~1', '/').replaceAll('~0', '~')}\` ${first!.reason}`;
}

function fromFolder(folder: string, url: string): object | null {
  for (const [prefix, below] of places) {
    if (!url.startsWith(prefix)) continue;
    const path = url.slice(prefix.length);
    // A name from an item must not lead out of the folder.
    if (!/^[\w.-]+(\/[\w.-]+)*$/.test(path) || path.split('/').includes('..')) return null;
    try {
      return JSON.parse(readFileSync(join(folder, below, path), 'utf8')) as object;
    } catch {
      return null;
    }
  }
  return null;
}
