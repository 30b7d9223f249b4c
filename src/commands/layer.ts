/** `lamina layer …`: publishes, lists, shows and removes layers, whether or not a service is running on the data directory. */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { Materialisations } from '../catalog/materialisations.ts';
import type { CatalogStore } from '../catalog/store.ts';
import type { StacCollection } from '../catalog/types.ts';
import { readConfig, type Config } from '../config.ts';
import { openDatabase, type Database } from '../database/connection.ts';
import { migrate } from '../database/migrations.ts';
import { openCatalog, packageFolder } from '../deployment.ts';
import { openOperators } from '../open-operators.ts';
import { deleteObjects } from '../jobs/files.ts';
import { createStreamLog } from '../log.ts';
import { lazyEngine } from '../layers/layer-trial.ts';
import { definitionOf } from '../layers/layer.ts';
import { versionOf } from '../layers/layer-versions.ts';
import { LayerPublisher, type PublishedLayer } from '../layers/publish-layer.ts';
import { VirtualCatalog } from '../layers/virtual-catalog.ts';
import { allProcesses, createRegistry, loadDescriptions } from '../processes/index.ts';
import { layerEvict, layerStats, layerVerify } from './layer-cache.ts';
import { layerMaterialise, layerWarm } from './layer-materialise.ts';
import { withMinusValues } from './minus-values.ts';
import { reachDatabase } from '../reach-database.ts';
import { openObjectStore } from '../storage/open.ts';

/** What a command is given: everything that needs a database, and nothing that needs a queue. */
interface Tools {
  readonly store: CatalogStore;
  readonly publisher: LayerPublisher;
  readonly virtual: VirtualCatalog;
}

type Command = (args: string[], environment: NodeJS.ProcessEnv) => Promise<void>;

/** Further commands on layers are a line here. */
const commands: Readonly<Record<string, Command>> = {
  create: inCatalog(create),
  list: inCatalog(list),
  show: inCatalog(show),
  delete: inCatalog(remove),
  stats: layerStats,
  verify: layerVerify,
  evict: layerEvict,
  warm: layerWarm,
  materialise: layerMaterialise,
};

/** Throws an Error with one line, or a line per fault of a definition. */
export const layerCommand: Command = async ([name = '', ...args], environment) => {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) throw new Error(`${name === '' ? 'a command is missing after `lamina layer`' : `there is no command \`lamina layer ${name}\``}; there are ${Object.keys(commands).join(', ')}`);
  await command(withMinusValues(args), environment);
};

/** A command that works on the configured database, that of a running service, or one started for the moment. */
function inCatalog(work: (tools: Tools, args: string[]) => Promise<void>): Command {
  return async (args, environment) => {
    const log = createStreamLog(process.stderr, 'warning');
    const config = readConfig(environment);
    const reached = await reachDatabase(config);
    const database = openDatabase(reached.url, { log });
    try {
      await migrate(database);
      await work(await toolsOf(database, config), args);
    } finally {
      await database.close();
      await reached.stop();
    }
  };
}

async function toolsOf(database: Database, config: Config): Promise<Tools> {
  const store = await openCatalog(config, database, createStreamLog(process.stderr, 'warning'));
  const objects = await openObjectStore({ directory: `${config.data}/objects`, s3: config.s3 });
  const materialisations = new Materialisations(database);
  const deleteFiles = async (collection: string) => {
    for (const id of await materialisations.idsOf(collection)) await deleteObjects(objects, `materialised/${id}/`);
  };
  const operators = await openOperators(config, { installed: packageFolder('operators'), store: async () => objects, log: createStreamLog(process.stderr, 'warning') });
  await operators.refresh();
  const registry = createRegistry(await loadDescriptions(new URL('../../processes/', import.meta.url)), allProcesses);
  return { store, publisher: new LayerPublisher(store, lazyEngine({ catalog: store, registry, operators }), deleteFiles), virtual: new VirtualCatalog(store, operators) };
}

const print = (text: string) => void process.stdout.write(`${text}\n`);

/** FILE.json [--replace] [--owner NAME] */
async function create({ publisher }: Tools, args: string[]): Promise<void> {
  const { values, positionals: [file, ...more] } = parseArgs({ args, options: { replace: { type: 'boolean' }, owner: { type: 'string' } }, allowPositionals: true });
  if (file === undefined || more.length > 0) throw new Error('`lamina layer create` takes one file: FILE.json');
  const body = await readJson(file);
  const id = (body as { id?: unknown } | null)?.id;
  const author = values.owner ?? null;
  print(reportOf(values.replace && typeof id === 'string' ? await publisher.replace(id, body, author) : await publisher.create(body, author)));
}

async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${file} can't be read (${error.code ?? error.message})`, { cause: error });
  });
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} is not JSON (${(error as Error).message})`, { cause: error });
  }
}

function reportOf({ collection, change, resolved }: PublishedLayer): string {
  return [`${collection.id}: ${change}, version ${String(collection.version)}`, ...[...resolved].map(([name, reference]) => `  ${name} is ${reference}`)].join('\n');
}

async function list({ store }: Tools, args: string[]): Promise<void> {
  parseArgs({ args, options: {} });
  const layers = (await store.collections()).filter((collection) => definitionOf(collection));
  for (const layer of layers) print(lineOf(layer));
  if (layers.length === 0) print('There are no layers.');
}

function lineOf(layer: StacCollection): string {
  const { sources, operator, visibility, owner } = definitionOf(layer)!;
  const facts = [layer.deprecated === true ? 'deprecated' : '', visibility === 'private' ? 'private' : '', owner === undefined ? '' : `of ${owner}`].filter((fact) => fact !== '');
  return [layer.id, `v${versionOf(layer) ?? 1}`, operator?.slice(0, operator.indexOf('@') + 16) ?? '-', `over ${sources.join(', ')}`, ...facts].join('  ');
}

async function show({ store, virtual }: Tools, args: string[]): Promise<void> {
  const stored = await store.collection(onlyId('show', args));
  if (!stored || !definitionOf(stored)) throw new Error(`there is no layer '${args[0]}'; \`lamina layer list\` lists them`);
  print(JSON.stringify(await virtual.describe(stored), null, 2));
}

async function remove({ publisher }: Tools, args: string[]): Promise<void> {
  const id = onlyId('delete', args);
  await publisher.delete(id, null);
  print(`${id}: deleted`);
}

function onlyId(command: string, args: string[]): string {
  const { positionals: [id, ...more] } = parseArgs({ args, options: {}, allowPositionals: true });
  if (id === undefined || more.length > 0) throw new Error(`\`lamina layer ${command}\` takes one id`);
  return id;
}
