/** An OCI registry as a registry of operators: what is a file there is made here of tags and manifests, so that all the rest knows no difference. */
import { Readable } from 'node:stream';
import { qualifiedName } from '../reference.ts';
import { archiveName, CATALOG, collectionKey, ITEM, operatorOfKey, OPERATORS, type OperatorName } from '../registry/layout.ts';
import { sha256, type RegistryFiles } from '../registry/version-record.ts';
import { isVersion } from '../registry/versions.ts';
import { readArtifact, verified, type Artifact } from './artifact.ts';
import { operatorOf, repositoryOf, type OciStore } from './store.ts';

/** So long what was made is good: the catalog and the collections that it leads to are asked for together. */
const FRESH_MS = 2000;

/** Only reading; `pushOperator` writes. */
export function ociFiles(store: OciStore): RegistryFiles {
  const asked = new Set<string>();
  const made = new Map<string, { readonly at: number; readonly bytes: Promise<Buffer | null> }>();
  const make = async (key: string): Promise<Buffer | null> => {
    if (key === CATALOG) return catalogOf(store, asked, remembered);
    const { of, rest } = operatorOfKey(key) ?? {};
    if (!of) return null;
    if (rest === 'collection.json') return asked.add(repositoryOf(of)) && collectionOf(store, of);
    const version = /^versions\/([^/]+)\/operator\.json$/.exec(rest!)?.[1];
    const artifact = version === undefined ? null : await artifactOf(store, of, version);
    return artifact && whole(store, of, artifact.config);
  };
  const remembered = (key: string): Promise<Buffer | null> => {
    const known = made.get(key);
    if (known && Date.now() - known.at < FRESH_MS) return known.bytes;
    for (const [old, { at }] of made) if (Date.now() - at >= FRESH_MS) made.delete(old);
    const bytes = make(key);
    made.set(key, { at: Date.now(), bytes });
    bytes.catch(() => made.delete(key));
    return bytes;
  };
  return {
    async read(key, known) {
      const bytes = await remembered(key);
      if (bytes === null) return null;
      const etag = sha256(bytes);
      return etag === known ? 'unchanged' : { info: { key, sizeBytes: bytes.length, etag, modified: new Date(0).toISOString() }, bytes };
    },
    async stream(key) {
      const { of, rest } = operatorOfKey(key) ?? {};
      const version = /^versions\/([^/]+)\//.exec(rest ?? '')?.[1];
      if (!of || version === undefined || !rest!.endsWith(`/${archiveName(of, version)}`)) return null;
      const artifact = await artifactOf(store, of, version);
      return artifact && store.blob(repositoryOf(of), `sha256:${artifact.archive.sha256}`);
    },
  };
}

async function artifactOf(store: OciStore, of: OperatorName, tag: string): Promise<Artifact | null> {
  const bytes = await store.manifest(repositoryOf(of), tag);
  return bytes && readArtifact(bytes, of);
}

async function whole(store: OciStore, of: OperatorName, digest: string): Promise<Buffer | null> {
  const body = await store.blob(repositoryOf(of), digest);
  return body && Buffer.concat(await Array.fromAsync(Readable.from(verified(body, digest))) as Uint8Array[]);
}

/** Registries that don't tell what they hold have what was asked for. */
async function catalogOf(store: OciStore, asked: ReadonlySet<string>, read: (key: string) => Promise<Buffer | null>): Promise<Buffer> {
  const repositories = await store.repositories() ?? [...asked];
  const found = repositories.toSorted().flatMap((repository) => operatorOf(repository) ?? []);
  const links = await Promise.all(found.map(async (of) => ({ of, collection: await read(collectionKey(of)) })));
  return Buffer.from(JSON.stringify({
    links: links.flatMap(({ of, collection }) => (collection ? [{ rel: 'child', href: `./${collectionKey(of).slice(OPERATORS.length)}`, 'lamina:content': sha256(collection) }] : [])),
  }));
}

/** The part of collection.json that clients read; null when there is no operator. */
async function collectionOf(store: OciStore, of: OperatorName): Promise<Buffer | null> {
  const tagged = await Promise.all((await store.tags(repositoryOf(of))).toSorted().map(async (tag) => ({ tag, artifact: await artifactOf(store, of, tag) })));
  const ours = tagged.filter((each): each is { tag: string; artifact: Artifact } => each.artifact !== null);
  if (ours.length === 0) return null;
  const links = ours.filter(({ tag, artifact }) => isVersion(tag) && artifact.version === tag).map(({ artifact: { version, digest, archive, created, signatures } }) => ({
    rel: 'item', href: `./versions/${version}/${ITEM}`, version, created, 'lamina:digest': digest, 'lamina:archive': archive, ...(signatures.length > 0 ? { 'lamina:signatures': signatures } : {}),
  }));
  const tags = Object.fromEntries(ours.filter(({ tag }) => !isVersion(tag)).map(({ tag, artifact }) => [tag, artifact.version]));
  return Buffer.from(JSON.stringify({ id: qualifiedName(of), 'lamina:tags': tags, links }));
}
