/** A folder in OCI's image layout (1.1): oci-layout, index.json and blobs. For machines without network, and for USB sticks. */
import { randomUUID } from 'node:crypto';
import { createReadStream, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { copyFile, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { exclusively } from '../../storage/exclusive.ts';
import { blobDigest, INDEX_TYPE, MANIFEST_TYPE, type Descriptor } from './artifact.ts';
import type { OciStore } from './store.ts';

const REF = 'org.opencontainers.image.ref.name';

interface Index {
  readonly schemaVersion: 2;
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
}

/** One that is not there is begun by the first write. References are 'namespace/name:tag'. */
export function layoutFolder(folder: string): OciStore {
  const blobPath = (digest: string) => join(folder, 'blobs', 'sha256', /^sha256:([0-9a-f]{64})$/.exec(digest)![1]!);
  const entries = async () => (await indexOf(folder)).manifests.flatMap((entry) => {
    const [, repository, tag] = /^(.+):([^:]+)$/.exec(entry.annotations?.[REF] ?? '') ?? [];
    return repository === undefined ? [] : [{ repository, tag: tag!, digest: entry.digest }];
  });
  const putBlob: OciStore['putBlob'] = async (_, digest, body) => {
    const path = blobPath(digest);
    if (await stat(path).then(() => true, () => false)) return;
    await mkdir(dirname(path), { recursive: true });
    const draft = `${path}.${randomUUID()}`;
    try {
      await (body instanceof Uint8Array ? writeFile(draft, body) : copyFile(body.path, draft));
      await rename(draft, path);
    } finally {
      await rm(draft, { force: true });
    }
  };
  return {
    repositories: async () => [...new Set((await entries()).map(({ repository }) => repository))],
    tags: async (repository) => (await entries()).filter((entry) => entry.repository === repository).map(({ tag }) => tag),
    async manifest(repository, tag) {
      const found = (await entries()).find((entry) => entry.repository === repository && entry.tag === tag);
      if (!found) return null;
      const bytes = await readFile(blobPath(found.digest));
      if (blobDigest(bytes) !== found.digest) throw new Error(`the manifest of ${repository}:${tag} is damaged`);
      return bytes;
    },
    blob: async (_, digest) => (await stat(blobPath(digest)).then(() => true, () => false) ? createReadStream(blobPath(digest)) : null),
    putBlob,
    async putManifest(repository, tag, bytes) {
      const digest = blobDigest(bytes);
      await putBlob(repository, digest, bytes);
      await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
      await addToIndex(folder, { mediaType: MANIFEST_TYPE, digest, size: bytes.length, annotations: { [REF]: `${repository}:${tag}` } });
    },
  };
}

async function indexOf(folder: string): Promise<Index> {
  const text = await readFile(join(folder, 'index.json'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  return text === null ? emptyIndex : JSON.parse(text) as Index;
}

const emptyIndex: Index = { schemaVersion: 2, mediaType: INDEX_TYPE, manifests: [] };

/** Others may push at the same time. */
async function addToIndex(folder: string, entry: Descriptor): Promise<void> {
  const path = join(folder, 'index.json');
  await exclusively(path, () => {
    let index = emptyIndex;
    try {
      index = JSON.parse(readFileSync(path, 'utf8')) as Index;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    const others = index.manifests.filter(({ annotations }) => annotations?.[REF] !== entry.annotations![REF]);
    const draft = `${path}.${randomUUID()}`;
    writeFileSync(draft, `${JSON.stringify({ ...index, manifests: [...others, entry] }, null, 2)}\n`);
    renameSync(draft, path);
  });
}
