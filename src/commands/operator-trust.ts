/** `lamina operator keys | sign | verify`: who vouches for an operator, and whom this machine trusts. */
import { readFile, stat, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readConfig, type Config } from '../config.ts';
import { onRegistry, placeNamed } from './operator-registry.ts';
import { placeSettings } from '../open-operators.ts';
import { manifestOfArchive } from '../operators/package/unpack.ts';
import { parseReference } from '../operators/reference.ts';
import { openPlace } from '../operators/registry/place.ts';
import { Registry } from '../operators/registry/registry.ts';
import { openSigner } from '../operators/registry/signer.ts';
import { signaturesOf, signedFacts } from '../operators/registry/signatures.ts';
import { changeKeyList, readKeyList } from '../operators/trust/key-list.ts';
import { keyIdOf, makeKey, publicText, readPublicKey, type ListedKey, type PublicKey } from '../operators/trust/keys.ts';
import { judgeSignatures, reasonOf, type JudgedSignature } from '../operators/trust/signature.ts';
import { envelopeOf, type Signature, type SignedFacts } from '../operators/trust/statement.ts';
import { digest } from '../cube/digest.ts';
import { fileDigest } from '../storage/file-digest.ts';

type Command = (args: string[], environment: NodeJS.ProcessEnv) => Promise<void>;

/** The verbs by name; `lamina operator` has them in its table. */
export const operatorTrustCommands: Readonly<Record<string, Command>> = { keys, sign, verify };

const keyVerbs: Readonly<Record<string, (words: readonly string[], values: KeyValues, list: () => string) => Promise<void>>> = {
  new: newKey, trust: trustKey, revoke: revokeKey, list: listKeys,
};
const keyOptions = { keys: { type: 'string' }, namespaces: { type: 'string' }, reason: { type: 'string' }, json: { type: 'boolean' } } as const;
type KeyValues = ReturnType<typeof parseArgs<{ options: typeof keyOptions }>>['values'];

/** `keys [list] | keys new FILE | keys trust NAME FILE.pub [--namespaces a,b] | keys revoke NAME [--reason TEXT]`; `--keys FILE` instead of LAMINA_OPERATOR_KEYS */
async function keys(args: string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const { values, positionals: [verb = 'list', ...words] } = parseArgs({ args, options: keyOptions, allowPositionals: true });
  const work = Object.hasOwn(keyVerbs, verb) ? keyVerbs[verb] : undefined;
  if (!work) throw new Error(`there is no \`lamina operator keys ${verb}\`; there are ${Object.keys(keyVerbs).join(', ')}`);
  await work(words, values, () => keyListOf(values.keys, readConfig(environment)));
}

function keyListOf(named: string | undefined, { operatorKeys }: Config): string {
  const path = named === undefined ? operatorKeys : resolve(named);
  if (path === null) throw new Error('which list of trusted keys? Name it with --keys or LAMINA_OPERATOR_KEYS');
  return path;
}

async function newKey([path, ...more]: readonly string[]): Promise<void> {
  if (path === undefined || more.length > 0) throw new Error('`lamina operator keys new` takes one file for the private key; the public one is put beside it as FILE.pub');
  const key = await makeKey(resolve(path));
  print(`${path} signs: keep it secret, nobody can make it again.\n${path}.pub is for those who shall trust it.\n${keyIdOf(key)}`);
}

async function trustKey([name, path, ...more]: readonly string[], { namespaces }: KeyValues, list: () => string): Promise<void> {
  if (name === undefined || path === undefined || more.length > 0) throw new Error('`lamina operator keys trust` takes a name and a file with the public key: NAME FILE.pub');
  const key = await readPublicKey(resolve(path));
  const entry: ListedKey = { name, public_key: publicText(key), ...(namespaces === undefined ? {} : { namespaces: namespaces.split(',').map((each) => each.trim()) }) };
  await changeKeyList(list(), (present) => [...present, entry]);
  print(`${name} is trusted${namespaces === undefined ? '' : ` for ${namespaces}`}: ${keyIdOf(key)}`);
}

async function revokeKey([name, ...more]: readonly string[], { reason }: KeyValues, list: () => string): Promise<void> {
  if (name === undefined || more.length > 0) throw new Error('`lamina operator keys revoke` takes the name of one key');
  const revoked = { at: new Date().toISOString(), ...(reason === undefined ? {} : { reason }) };
  await changeKeyList(list(), (present) => {
    if (!present.some((key) => key.name === name)) throw new Error(`there is no key '${name}'; there are ${present.map((key) => key.name).join(', ') || 'none'}`);
    return present.map((key) => (key.name === name ? { ...key, revoked } : key));
  });
  print(`${name} is revoked: nothing that it ever signed counts any more`);
}

async function listKeys(_: readonly string[], { json }: KeyValues, list: () => string): Promise<void> {
  const found = await readKeyList(list());
  if (json) return print(JSON.stringify(found.map(({ key: _key, ...shown }) => shown), null, 2));
  for (const { name, id, namespaces, revoked } of found) {
    print([name.padEnd(16), id.slice(0, 16), revoked ? `revoked at ${revoked.at}${revoked.reason ? `: ${revoked.reason}` : ''}` : `signs ${namespaces?.join(', ') ?? 'everything'}`].join('  '));
  }
}

/** `sign ARCHIVE --key FILE [--out FILE]`: a detached signature; `sign NAME:VERSION --key FILE|--signature FILE [--registry PLACE]`: into the registry */
async function sign(args: string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const options = { key: { type: 'string' }, signature: { type: 'string' }, out: { type: 'string' }, registry: { type: 'string' } } as const;
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  const what = only('sign', positionals);
  const signer = await openSigner(values);
  if (!signer) throw new Error('with which key? Name it with --key (or a signature that was made elsewhere with --signature)');
  const facts = await factsOfArchive(what);
  if (facts) {
    const out = values.out ?? detachedBeside(what);
    await writeFile(out, `${JSON.stringify(envelopeOf(facts, signer(facts)), null, 2)}\n`);
    return print(`${out}: ${facts.name}:${facts.version}, archive ${facts.archive}`);
  }
  await onRegistry(async (_, { registry }) => {
    const of = parseReference(what);
    const { version } = await registry.find(of, of.tag);
    const signatures = await registry.sign(of, version, signer);
    print(`${what} is signed by ${signatures.map(({ keyid }) => keyid.slice(0, 16)).join(', ')}`);
  })(values.registry === undefined ? [] : ['--registry', values.registry], environment);
}

/** `verify NAME[:VERSION]|ARCHIVE [--keys FILE] [--registry PLACE] [--signature FILE] [--json]`. Throws unless a key that is trusted here has signed it. */
async function verify(args: string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const options = { keys: { type: 'string' }, registry: { type: 'string' }, signature: { type: 'string' }, json: { type: 'boolean' } } as const;
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  const what = only('verify', positionals);
  const config = readConfig(environment);
  const trusted = await readKeyList(keyListOf(values.keys, config));
  const { facts, signatures } = await signedArchive(what, values.signature) ?? await signedVersion(what, values.registry, config);
  const judged = judgeSignatures(facts, signatures, trusted);
  if (values.json) print(JSON.stringify({ ...facts, signatures: judged.map(({ keyid, verdict, by }) => ({ keyid, verdict, by: by?.name ?? null })) }, null, 2));
  else for (const each of judged) print(verdictLine(each));
  if (!judged.some(({ verdict }) => verdict === 'trusted')) throw new Error(`${facts.name}:${facts.version} is not vouched for: ${reasonOf(judged)}`);
}

function verdictLine({ keyid, verdict, by }: JudgedSignature): string {
  return [keyid.slice(0, 16), verdict.padEnd(15), (by as PublicKey | undefined)?.name ?? ''].join('  ').trimEnd();
}

async function signedArchive(path: string, signature: string | undefined): Promise<{ facts: SignedFacts; signatures: readonly Signature[] } | null> {
  const facts = await factsOfArchive(path);
  if (!facts) return null;
  const envelope = await readFile(signature ?? detachedBeside(path)).catch(() => null);
  return { facts, signatures: envelope === null ? [] : signaturesOf(envelope, facts) };
}

async function signedVersion(text: string, registry: string | undefined, config: Config): Promise<{ facts: SignedFacts; signatures: readonly Signature[] }> {
  const place = openPlace(placeNamed(registry, config), placeSettings(config));
  try {
    if (!place.objects) throw new Error(`${place.shown} can't be listed; \`lamina operator show\` says whose signature an operator of it has`);
    const of = parseReference(text);
    const record = await new Registry(place.objects).find(of, of.tag);
    return { facts: signedFacts(of, record), signatures: record.signatures ?? [] };
  } finally {
    place.close();
  }
}

/** null for what is no file. */
async function factsOfArchive(path: string): Promise<SignedFacts | null> {
  if (!await stat(path).then((found) => found.isFile(), () => false)) return null;
  const manifest = await manifestOfArchive(path);
  return signedFacts(manifest, { version: manifest.version, digest: digest(manifest), archive: { sha256: await fileDigest(path) } });
}

const detachedBeside = (archive: string) => `${archive}.signature.json`;

function only(command: string, [word, ...more]: readonly string[]): string {
  if (word === undefined || more.length > 0) throw new Error(`\`lamina operator ${command}\` takes one operator or archive`);
  return word;
}

const print = (text: string) => void process.stdout.write(`${text}\n`);
