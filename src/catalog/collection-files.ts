/** Collections that are written by hand: <folder>/<id>.json, raw ones and layers (virtual ones). */
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { CatalogStore } from './store.ts';
import type { StacCollection } from './types.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What the folders hold; each under the path of its file. */
export interface CollectionFiles {
  /** Checked. */
  readonly raw: ReadonlyMap<string, StacCollection>;
  /** Only known to be objects with the id of their file: whoever publishes layers checks the rest. */
  readonly layers: ReadonlyMap<string, Fields>;
}

/** What ingest derives from the items; a file says it only until there are items. */
const derived = ['extent', 'cube:dimensions', 'summaries', 'bands', 'item_assets', 'stac_extensions'] as const;

/**
 * Reads every *.json of the folders. Throws an Error that names the file and the place in it when one is
 * wrong, and when two have the same id. A folder that is not there holds nothing.
 */
export async function readCollectionFiles(folders: readonly string[]): Promise<CollectionFiles> {
  const paths = (await Promise.all(folders.map(async (folder) => (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json')).sort().map((name) => join(folder, name))))).flat();
  const [raw, layers] = [new Map<string, StacCollection>(), new Map<string, Fields>()];
  const ids = new Map<string, string>();
  for (const path of paths) {
    const value = await readDefinition(path);
    const twin = ids.get(String(value['id']));
    if (twin !== undefined) throw new Error(`${path}: /id there is a file with the same id, ${twin}`);
    ids.set(String(value['id']), path);
    if (value['lamina:layer'] === undefined) raw.set(path, value as unknown as StacCollection);
    else layers.set(path, value);
  }
  return { raw, layers };
}

/** Registers raw collections. Those whose file has gone stay, because their items may still be there. */
export async function registerRaw(raw: CollectionFiles['raw'], store: CatalogStore): Promise<void> {
  // Items that lie elsewhere are not asked for: a start must need nobody else.
  for (const definition of raw.values()) await store.putCollection(definition['lamina:upstream'] === undefined ? await withDerived(definition, store) : definition);
}

/** A file must not undo what the items have told since. */
async function withDerived(definition: StacCollection, store: CatalogStore): Promise<StacCollection> {
  const stored = await store.collection(definition.id);
  const { items } = await store.search({ collections: [definition.id], limit: 1 });
  if (!stored || items.length === 0) return definition;
  return { ...definition, ...Object.fromEntries(derived.filter((key) => stored[key] !== undefined).map((key) => [key, stored[key]])) };
}

async function readDefinition(file: string): Promise<Fields> {
  const fail = (path: string, problem: string): never => {
    throw new Error(`${file}: ${path === '' ? '' : `${path} `}${problem}`);
  };
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    return fail('', `is not JSON (${(error as Error).message})`);
  }
  for (const [path, isRight, expected] of rulesOf(value as Fields, basename(file, '.json'))) {
    if (!isRight) fail(path, `must be ${expected}`);
  }
  return value as Fields;
}

type Rule = readonly [path: string, isRight: boolean, expected: string];

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown) => typeof value === 'string' && value !== '';

/** Checked in this order, so that a later rule may rely on an earlier one. */
function* rulesOf(value: unknown, name: string): Generator<Rule> {
  yield ['', isObject(value), 'a JSON object'];
  const { type, stac_version: version, id, description, license, extent, links, summaries, stac_extensions: extensions, 'cube:dimensions': dimensions, 'lamina:layer': layer } = value as Fields;
  yield ['/id', id === name, `'${name}', like the file`];
  if (layer !== undefined) return;
  yield ['/type', type === 'Collection', '\'Collection\''];
  yield ['/stac_version', version === '1.1.0', '\'1.1.0\''];
  yield ['/description', isText(description), 'a text that is not empty'];
  yield ['/license', isText(license), 'an SPDX expression or \'other\''];
  yield ['/stac_extensions', Array.isArray(extensions), 'an array'];
  yield ['/links', Array.isArray(links), 'an array'];
  yield ['/summaries', isObject(summaries), 'an object'];
  yield ['/cube:dimensions', isObject(dimensions), 'an object'];
  yield ['/extent', isObject(extent), 'an object'];
  yield* extentRules(extent as Fields);
}

function* extentRules({ spatial, temporal }: Fields): Generator<Rule> {
  const boxes = (spatial as { bbox?: unknown } | undefined)?.bbox;
  yield ['/extent/spatial/bbox', Array.isArray(boxes) && boxes.length > 0 && boxes.every((box) => Array.isArray(box) && [4, 6].includes(box.length)), 'an array of boxes of four or six numbers'];
  const intervals = (temporal as { interval?: unknown } | undefined)?.interval;
  yield ['/extent/temporal/interval', Array.isArray(intervals) && intervals.length > 0 && intervals.every((pair) => Array.isArray(pair) && pair.length === 2), 'an array of pairs [start, end]'];
}
