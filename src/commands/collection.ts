/** `lamina collection …`: collections whose items lie in other catalogs. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readCollectionFiles } from '../catalog/collection-files.ts';
import type { StacCollection } from '../catalog/types.ts';
import { readConfig } from '../config.ts';
import { openDatabase } from '../database/connection.ts';
import { migrate } from '../database/migrations.ts';
import { openCatalog, packageFolder } from '../deployment.ts';
import { checkUpstream, upstreamOf } from '../federation/definition.ts';
import type { FederatedCatalog } from '../federation/federated-catalog.ts';
import { definitionOf } from '../layers/layer.ts';
import { createStreamLog } from '../log.ts';
import { reachDatabase } from '../reach-database.ts';

type Command = (catalog: FederatedCatalog, args: string[]) => Promise<void>;

const commands: Readonly<Record<string, Command>> = { list, add, remove, check };

/** Definitions that come along and that nobody has to use. */
const shipped = () => join(packageFolder('collections'), 'federated');

/** Throws an Error with one line. */
export async function collectionCommand([name = '', ...args]: string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) throw new Error(`${name === '' ? 'a command is missing after `lamina collection`' : `there is no command \`lamina collection ${name}\``}; there are ${Object.keys(commands).join(', ')}`);
  const log = createStreamLog(process.stderr, 'warning');
  const config = readConfig(environment);
  const { url, stop } = await reachDatabase(config);
  const database = openDatabase(url, { log });
  try {
    await migrate(database);
    await command(await openCatalog(config, database, log), args);
  } finally {
    await database.close();
    await stop();
  }
}

const print = (text: string) => void process.stdout.write(`${text}\n`);

/** What is active, and what comes along. */
async function list(catalog: FederatedCatalog, args: string[]): Promise<void> {
  parseArgs({ args, options: {} });
  const active = await catalog.federated();
  const all = new Map([...(await shippedDefinitions()), ...active]);
  for (const [id, collection] of [...all].sort(([a], [b]) => (a < b ? -1 : 1))) print(`${id}  ${active.has(id) ? 'active' : 'not active'}  ${upstreamOf(collection)!.url}`);
}

/** NAME|FILE.json [--id ID] */
async function add(catalog: FederatedCatalog, args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({ args, options: { id: { type: 'string' } }, allowPositionals: true });
  const found = await definition(one(positionals, 'add'));
  const collection = values.id === undefined ? found : { ...found, id: checkedId(values.id) };
  const stored = await catalog.collection(collection.id);
  if (stored && upstreamOf(stored) === undefined) throw new Error(`there is a collection '${collection.id}' already whose items lie here; choose another name with --id`);
  const isChanged = await catalog.putCollection(collection);
  print(`${collection.id}: ${stored === null ? 'added' : isChanged ? 'changed' : 'unchanged'}. Its items lie at ${upstreamOf(collection)!.url}.`);
}

/** Layers that are built on it would have no source. */
async function remove(catalog: FederatedCatalog, args: string[]): Promise<void> {
  const id = one(parseArgs({ args, options: {}, allowPositionals: true }).positionals, 'remove');
  const stored = await catalog.collection(id);
  if (!stored || upstreamOf(stored) === undefined) throw new Error(`there is no collection '${id}' whose items lie in another catalog`);
  const dependents = (await catalog.collections()).filter((each) => definitionOf(each)?.sources.includes(id)).map((each) => each.id);
  if (dependents.length > 0) throw new Error(`${dependents.join(', ')} ${dependents.length === 1 ? 'is' : 'are'} built on '${id}'; remove that first`);
  await catalog.deleteCollection(id);
  print(`${id}: removed. A definition in LAMINA_COLLECTIONS would bring it back at the next start.`);
}

/** Asks the catalog for its newest item, and says which bands that has. */
async function check(catalog: FederatedCatalog, args: string[]): Promise<void> {
  const id = one(parseArgs({ args, options: {}, allowPositionals: true }).positionals, 'check');
  const stored = (await catalog.federated()).get(id);
  if (!stored) throw new Error(`'${id}' is not active; \`lamina collection add ${id}\` makes it so`);
  const { items, numberMatched } = await catalog.search({ collections: [id], limit: 1 });
  const [item] = items;
  if (!item) throw new Error(`'${id}' answers, and has no items`);
  const bands = new Set(Object.values(item.assets).flatMap((asset) => (asset.bands ?? []).flatMap((band) => band.name ?? [])));
  const lacking = (stored.bands ?? []).flatMap((band) => (band.name !== undefined && !bands.has(band.name) ? [band.name] : []));
  print(`${id}: ${numberMatched === null ? 'answers' : `${numberMatched} items`}; ${item.id} of ${item.properties.datetime ?? String(item.properties['start_datetime'])} has ${[...bands].join(', ') || 'no bands'}`);
  if (lacking.length > 0) print(`${id}: that item lacks ${lacking.join(', ')}`);
}

function one(positionals: readonly string[], command: string): string {
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0) throw new Error(`\`lamina collection ${command}\` takes one name; \`lamina collection list\` tells them`);
  return name;
}

function checkedId(id: string): string {
  if (!/^[\w.-]+$/.test(id)) throw new Error('--id must be letters, digits and _ . -');
  return id;
}

async function shippedDefinitions(): Promise<ReadonlyMap<string, StacCollection>> {
  const { raw } = await readCollectionFiles([shipped()]);
  return new Map([...raw.values()].map((each) => [each.id, each]));
}

/** A file, or one that comes along by its id or the beginning of it. */
async function definition(name: string): Promise<StacCollection> {
  if (name.endsWith('.json')) return fromFile(name);
  const names = (await readdir(shipped())).map((file) => file.replace(/\.json$/, ''));
  const found = names.filter((id) => id === name || id.startsWith(`${name}-`));
  if (found.length !== 1) throw new Error(`there ${found.length === 0 ? 'is no definition' : 'are several definitions'} '${name}'; there are ${names.join(', ')}, or give a file FILE.json`);
  return fromFile(join(shipped(), `${found[0]!}.json`));
}

async function fromFile(file: string): Promise<StacCollection> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new Error(`${file} ${error instanceof SyntaxError ? 'is not JSON' : 'can\'t be read'}`, { cause: error });
  }
  const collection = value as StacCollection;
  const isCollection = typeof value === 'object' && value !== null && collection.type === 'Collection' && typeof collection.id === 'string' && collection.extent !== undefined && Array.isArray(collection.links);
  if (!isCollection || upstreamOf(collection) === undefined) throw new Error(`${file} is not a STAC Collection with lamina:upstream`);
  try {
    checkUpstream(upstreamOf(collection));
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`, { cause: error });
  }
  return { ...collection, 'cube:dimensions': collection['cube:dimensions'] ?? {}, summaries: collection.summaries ?? {}, stac_extensions: collection.stac_extensions ?? [] };
}
