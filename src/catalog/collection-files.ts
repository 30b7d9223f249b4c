/** Collections that are written by hand: collections/<id>.json, raw ones and layers (virtual ones). */
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { CatalogStore } from './store.ts';
import type { StacCollection } from './types.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What ingest derives from the items; a file says it only until there are items. */
const derived = ['extent', 'cube:dimensions', 'summaries', 'bands', 'item_assets', 'stac_extensions'] as const;

/**
 * Registers every *.json of the directory and gives their ids. A layer whose file has gone is removed; a
 * raw collection is not, because its items may still be there. Throws an Error that names the file and the
 * place in it when one is wrong; then nothing is registered.
 */
export async function loadCollectionFiles(directory: string, store: CatalogStore): Promise<string[]> {
  const names = (await readdir(directory).catch(() => [])).filter((name) => name.endsWith('.json')).sort();
  const definitions = await Promise.all(names.map((name) => readDefinition(join(directory, name))));
  const ids = new Set(definitions.map((definition) => definition.id));
  for (const stored of await store.collections()) {
    if (isLayer(stored) && !ids.has(stored.id)) await store.deleteCollection(stored.id);
  }
  for (const definition of definitions) await store.putCollection(isLayer(definition) ? definition : await withDerived(definition, store));
  return [...ids];
}

const isLayer = (collection: StacCollection) => collection['lamina:layer'] !== undefined;

/** A file must not undo what the items have told since. */
async function withDerived(definition: StacCollection, store: CatalogStore): Promise<StacCollection> {
  const stored = await store.collection(definition.id);
  const { items } = await store.search({ collections: [definition.id], limit: 1 });
  if (!stored || items.length === 0) return definition;
  return { ...definition, ...Object.fromEntries(derived.filter((key) => stored[key] !== undefined).map((key) => [key, stored[key]])) };
}

async function readDefinition(file: string): Promise<StacCollection> {
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
  return value as StacCollection;
}

type Rule = readonly [path: string, isRight: boolean, expected: string];

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown) => typeof value === 'string' && value !== '';

/** Checked in this order, so that a later rule may rely on an earlier one. */
function* rulesOf(value: unknown, name: string): Generator<Rule> {
  yield ['', isObject(value), 'a JSON object'];
  const { type, stac_version: version, id, description, license, extent, links, summaries, stac_extensions: extensions, 'cube:dimensions': dimensions, 'lamina:layer': layer } = value as Fields;
  yield ['/type', type === 'Collection', '\'Collection\''];
  yield ['/stac_version', version === '1.1.0', '\'1.1.0\''];
  yield ['/id', id === name, `'${name}', like the file`];
  yield ['/description', isText(description), 'a text that is not empty'];
  yield ['/license', isText(license), 'an SPDX expression or \'other\''];
  yield ['/stac_extensions', Array.isArray(extensions), 'an array'];
  yield ['/links', Array.isArray(links), 'an array'];
  yield ['/summaries', isObject(summaries), 'an object'];
  yield ['/cube:dimensions', isObject(dimensions), 'an object'];
  yield ['/extent', isObject(extent), 'an object'];
  yield* extentRules(extent as Fields);
  if (layer !== undefined) yield* layerRules(layer);
}

function* extentRules({ spatial, temporal }: Fields): Generator<Rule> {
  const boxes = (spatial as { bbox?: unknown } | undefined)?.bbox;
  yield ['/extent/spatial/bbox', Array.isArray(boxes) && boxes.length > 0 && boxes.every((box) => Array.isArray(box) && [4, 6].includes(box.length)), 'an array of boxes of four or six numbers'];
  const intervals = (temporal as { interval?: unknown } | undefined)?.interval;
  yield ['/extent/temporal/interval', Array.isArray(intervals) && intervals.length > 0 && intervals.every((pair) => Array.isArray(pair) && pair.length === 2), 'an array of pairs [start, end]'];
}

function* layerRules(layer: unknown): Generator<Rule> {
  yield ['/lamina:layer', isObject(layer), 'an object'];
  const { sources, operator, process_graph: graph } = layer as Fields;
  yield ['/lamina:layer/sources', Array.isArray(sources) && sources.length > 0 && sources.every(isText), 'the ids of collections'];
  yield ['/lamina:layer/operator', operator === undefined || isText(operator), 'an operator reference such as \'pca:1.0.0\''];
  yield ['/lamina:layer/process_graph', isObject(graph) && Object.keys(graph).length > 0, 'a process graph'];
  for (const [node, content] of Object.entries(graph as Fields)) {
    yield [`/lamina:layer/process_graph/${node}`, isObject(content) && isText(content['process_id']), 'a node with a process_id'];
  }
}
