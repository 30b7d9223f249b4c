/** A registry as a release sees it: what is published, the version before on this machine, and publishing. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readOperator } from '../operators/manifest.ts';
import type { Operator } from '../operators/operator.ts';
import { unpackOperator } from '../operators/package/unpack.ts';
import { qualifiedName } from '../operators/reference.ts';
import { archiveKey, type OperatorName } from '../operators/registry/layout.ts';
import { RegistryRefusal } from '../operators/registry/refusal.ts';
import { Registry } from '../operators/registry/registry.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { ReleaseRegistry } from './context.ts';

/** `scratch` holds what is unpacked; published versions stay there, by their digest. */
export function releaseRegistry(objects: ObjectStore, scratch: string, warn?: (message: string) => void): ReleaseRegistry {
  const registry = new Registry(objects, { scratch, ...(warn ? { warn } : {}) });
  return {
    latest: (of) => registry.latest(of),
    versions: (of) => registry.versions(of),
    publish: (archive, options) => registry.publish(archive, options),
    tag: (of, tag, version, options) => registry.tag(of, tag, version, options),
    open: async (of, version) => openVersion(objects, of, version, (await registry.find(of, version)).digest, scratch),
  };
}

/** Unpacked once; what lies there is checked again, and fetched again when it is not what it was. */
async function openVersion(objects: ObjectStore, of: OperatorName, version: string, digest: string, scratch: string): Promise<Operator> {
  const folder = join(scratch, digest.replace(':', '-'));
  const known = await readOperator(folder).catch(() => null);
  if (known?.digest === digest) return known;
  await rm(folder, { recursive: true, force: true });
  const archive = await objects.stream(archiveKey(of, version));
  if (!archive) throw new RegistryRefusal('Damaged', `${qualifiedName(of)}:${version} of the registry is damaged: its archive is missing.`);
  const operator = await unpackOperator(archive, folder);
  if (operator.digest === digest) return operator;
  await rm(folder, { recursive: true, force: true });
  throw new RegistryRefusal('Damaged', `${qualifiedName(of)}:${version} of the registry is damaged: its archive holds another operator.`);
}
