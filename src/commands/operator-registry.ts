/** `lamina operator publish | tag | tags | rollback | yank | pull | push | rebuild | reindex`: what is done to registries of operators. */
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { readConfig, type Config } from '../config.ts';
import { packageFolder } from '../deployment.ts';
import { createStreamLog } from '../log.ts';
import { openOperators, placeSettings } from '../open-operators.ts';
import { differenceOf } from '../operators/package/difference.ts';
import { packOperator } from '../operators/package/pack.ts';
import { unpackOperator } from '../operators/package/unpack.ts';
import { pushOperator } from '../operators/oci/push.ts';
import { parseReference, qualifiedName, type OperatorReference } from '../operators/reference.ts';
import { carefulStore } from '../operators/registry/careful-store.ts';
import { archiveKey } from '../operators/registry/layout.ts';
import { reindex } from '../operators/registry/metadata.ts';
import { openOci, openPlace, parsePlace, writableObjects } from '../operators/registry/place.ts';
import { Registry } from '../operators/registry/registry.ts';
import { openSigner } from '../operators/registry/signer.ts';
import type { ObjectStore } from '../storage/object-store.ts';

type Command = (args: string[], environment: NodeJS.ProcessEnv) => Promise<void>;

const options = {
  registry: { type: 'string' }, by: { type: 'string' }, reason: { type: 'string' }, tag: { type: 'string', multiple: true },
  'no-latest': { type: 'boolean' }, to: { type: 'string' }, undo: { type: 'boolean' }, json: { type: 'boolean' }, out: { type: 'string' },
  key: { type: 'string' }, signature: { type: 'string' },
} as const;

type Values = ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>['values'];

/** What a command on a registry is given. */
interface Work {
  readonly registry: Registry;
  readonly objects: ObjectStore;
  readonly values: Values;
  /** As the history will say it. */
  readonly change: { readonly by: string; readonly reason?: string };
}

/** The verbs by name; `lamina operator` has them in its table. */
export const operatorRegistryCommands: Readonly<Record<string, Command>> = {
  publish: onRegistry(publish),
  tag: onRegistry(tag),
  tags: onRegistry(tags),
  rollback: onRegistry(rollback),
  yank: onRegistry(yank),
  rebuild: onRegistry(rebuild),
  reindex: onRegistry(reindexAll),
  pull,
  push,
};

/** A verb on the registry that `--registry` or the first place of LAMINA_OPERATORS names. */
export function onRegistry(work: (positionals: readonly string[], work: Work) => Promise<void>): Command {
  return async (args, environment) => {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    const config = readConfig(environment);
    const place = openPlace(placeNamed(values.registry, config), placeSettings(config));
    try {
      const objects = writableObjects(place);
      const change = { by: values.by ?? userInfo().username, ...(values.reason === undefined ? {} : { reason: values.reason }) };
      await work(positionals, { registry: new Registry(objects, { warn }), objects: carefulStore(objects), values, change });
    } finally {
      place.close();
    }
  };
}

export function placeNamed(named: string | undefined, { operators }: Config): string {
  const text = named ?? operators[0];
  if (text === undefined) throw new Error('which registry? Name it with --registry or LAMINA_OPERATORS: store, /directory or s3://bucket/prefix');
  return /^\.{1,2}(?:\/|$)/.test(text) ? resolve(text) : text;
}

/** FOLDER|ARCHIVE */
async function publish(positionals: readonly string[], { registry, values, change }: Work): Promise<void> {
  const path = only('publish', 'one folder or archive', positionals);
  const scratch = await mkdtemp(join(tmpdir(), 'lamina-publish-'));
  try {
    const isFolder = await stat(path).then((found) => found.isDirectory(), () => false);
    const archive = isFolder ? (await packOperator(path, scratch)).path : path;
    const signer = await openSigner(values);
    const { name, version, reference, tags: moved } = await registry.publish(archive, { ...change, latest: values['no-latest'] !== true, tags: values.tag ?? [], ...(signer ? { sign: signer } : {}) });
    print(`${name}:${version} is published as ${reference}${signer ? ', signed' : ''}${moved.length > 0 ? `; it is ${moved.join(', ')} now` : ''}`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** NAME:VERSION TAG */
async function tag([text, name, ...more]: readonly string[], { registry, change }: Work): Promise<void> {
  if (text === undefined || name === undefined || more.length > 0) throw new Error('`lamina operator tag` takes an operator with its version, and a tag: NAME:VERSION TAG');
  const of = parseReference(text);
  const { version } = await registry.tag(of, name, versionOf(of), change);
  print(`${qualifiedName(of)}:${name} is ${version} now`);
}

/** NAME */
async function tags(positionals: readonly string[], { registry, values }: Work): Promise<void> {
  const of = parseReference(only('tags', 'one operator', positionals));
  const [versions, table, yanked] = await Promise.all([registry.versions(of), registry.tags(of), registry.yanked(of)]);
  if (versions.length === 0) throw new Error(`the registry has no '${qualifiedName(of)}'`);
  if (values.json) return print(JSON.stringify({ versions: versions.map(({ version, digest, archive, isYanked = false }) => ({ version, digest, archive, yanked: isYanked })), tags: table, yanked }, null, 2));
  for (const { version, digest } of versions) {
    const names = Object.keys(table).filter((name) => table[name]!.version === version);
    print([version.padEnd(12), digest.slice(0, 19), ...(names.length > 0 ? [names.join(', ')] : []), ...(yanked[version] ? [`yanked by ${yanked[version].by}${yanked[version].reason ? `: ${yanked[version].reason}` : ''}`] : [])].join('  '));
  }
  for (const [name, { history }] of Object.entries(table)) {
    print(`\n${name}:`);
    for (const { at, by, action, version, reason } of history) print(`  ${at}  ${version.padEnd(12)} ${action} by ${by}${reason ? `: ${reason}` : ''}`);
  }
}

/** NAME */
async function rollback(positionals: readonly string[], { registry, values, change }: Work): Promise<void> {
  const of = parseReference(only('rollback', 'one operator', positionals));
  const [name = 'latest', ...more] = values.tag ?? [];
  if (more.length > 0) throw new Error('`lamina operator rollback` takes one --tag');
  const { version } = await registry.rollback(of, { ...change, tag: name, ...(values.to === undefined ? {} : { to: values.to }) });
  print(`${qualifiedName(of)}:${name} is ${version} again`);
}

/** NAME:VERSION */
async function yank(positionals: readonly string[], { registry, values, change }: Work): Promise<void> {
  const of = parseReference(only('yank', 'one operator with its version', positionals));
  await registry.yank(of, versionOf(of), { ...change, undo: values.undo === true });
  print(`${qualifiedName(of)}:${of.tag} ${values.undo ? 'can be chosen again' : 'is yanked: exact versions and digests go on working'}`);
}

/** NAME:VERSION FOLDER: whether the files of the folder make the archive that was published, byte for byte. */
async function rebuild([text, folder, ...more]: readonly string[], { registry, objects }: Work): Promise<void> {
  if (text === undefined || folder === undefined || more.length > 0) throw new Error('`lamina operator rebuild` takes an operator with its version, and the folder it was made of: NAME:VERSION FOLDER');
  const of = parseReference(text);
  const version = versionOf(of);
  const published = await registry.find(of, version);
  const scratch = await mkdtemp(join(tmpdir(), 'lamina-rebuild-'));
  try {
    const { sha256 } = await packOperator(folder, scratch);
    if (sha256 === published.archive.sha256) return print(`The same archive: ${sha256}`);
    const archive = join(scratch, 'published.tar.gz');
    await pipeline((await objects.stream(archiveKey(of, version)))!, createWriteStream(archive));
    await unpackOperator(archive, join(scratch, 'published'));
    for (const { path, change } of await differenceOf(join(scratch, 'published'), folder)) print(`${change.padEnd(8)} ${path}`);
    throw new Error(`${folder} does not make ${qualifiedName(of)}:${version}: its archive is ${sha256}, published was ${published.archive.sha256}`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function reindexAll(positionals: readonly string[], { objects }: Work): Promise<void> {
  if (positionals.length > 0) throw new Error('`lamina operator reindex` takes no operator: it reads the whole registry');
  const found = await reindex(objects);
  for (const { name, versions } of found) print(`${name}: ${versions} version${versions === 1 ? '' : 's'}`);
  if (found.length === 0) print('The registry is empty.');
}

/** REFERENCE, from any of the registries. */
async function pull(args: string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const { values, positionals } = parseArgs({ args, options: { registry: options.registry }, allowPositionals: true });
  const config = readConfig(environment);
  const operators = await openOperators(values.registry === undefined ? config : { ...config, operators: [placeNamed(values.registry, config)] }, { installed: packageFolder('operators'), log: createStreamLog(process.stderr, 'warning') });
  try {
    const operator = await operators.findPlain(only('pull', 'one reference', positionals));
    print(`${operator.reference}\n${await operator.folder()}`);
  } finally {
    operators.close();
  }
}

/** FOLDER|ARCHIVE PLACE: to an OCI registry or a folder in OCI's image layout. */
async function push(args: string[]): Promise<void> {
  const { values, positionals: [path, target, ...more] } = parseArgs({ args, options: { key: options.key, signature: options.signature }, allowPositionals: true });
  if (path === undefined || target === undefined || more.length > 0) throw new Error('`lamina operator push` takes a folder or archive, and where to: FOLDER|ARCHIVE oci://host/prefix|oci-layout:/directory');
  if (parsePlace(target).kind !== 'oci') throw new Error(`${target} is no OCI registry; \`lamina operator publish\` writes to other registries`);
  const scratch = await mkdtemp(join(tmpdir(), 'lamina-push-'));
  try {
    const isFolder = await stat(path).then((found) => found.isDirectory(), () => false);
    const signer = await openSigner(values);
    const pushed = await pushOperator(openOci(target), isFolder ? (await packOperator(path, scratch)).path : path, { scratch, ...(signer ? { sign: signer } : {}) });
    print(`${pushed.name}:${pushed.version} is pushed as ${pushed.artifact}${signer ? ', signed' : ''}${pushed.isLatest ? '; it is latest now' : ''}`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function versionOf({ tag: version }: OperatorReference): string {
  if (version === undefined) throw new Error('the version is missing: write NAME:VERSION');
  return version;
}

function only(command: string, what: string, [word, ...more]: readonly string[]): string {
  if (word === undefined || more.length > 0) throw new Error(`\`lamina operator ${command}\` takes ${what}`);
  return word;
}

const warn = (text: string) => void process.stderr.write(`warning: ${text}\n`);
const print = (text: string) => void process.stdout.write(`${text}\n`);
