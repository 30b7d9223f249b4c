/** Registries by the text that names them: '/directory', 's3://bucket/prefix', 'https://host/path', 'oci://host/prefix', 'oci-layout:/directory', or 'store', the object store of the service. */
import { isAbsolute } from 'node:path';
import { createLocalStore } from '../../storage/local.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { openS3Store, type S3Settings } from '../../storage/s3.ts';
import { distribution, parseRegistryAddress } from '../oci/distribution.ts';
import { ociFiles } from '../oci/files.ts';
import { layoutFolder } from '../oci/layout-folder.ts';
import type { OciStore } from '../oci/store.ts';
import { httpFiles } from './http-files.ts';
import { RegistryRefusal } from './refusal.ts';
import { storeBelow } from '../../storage/store-below.ts';
import { storeLater } from '../../storage/store-later.ts';
import { withoutLogin } from '../../storage/without-login.ts';
import type { RegistryFiles } from './version-record.ts';

/** One of LAMINA_OPERATORS. */
export interface Place {
  /** For messages: without user and password. */
  readonly shown: string;
  readonly files: RegistryFiles;
  /** It is the object store of the service itself. */
  readonly isOwn: boolean;
  /** null: it can only be read. */
  readonly objects: ObjectStore | null;
  /** Where others can fetch an object: a URL, or 'object:<key>' in the object store of the service; null: nowhere. */
  hrefOf(key: string): string | null;
  close(): void;
}

export interface PlaceSettings {
  /** What 'store' means. */
  readonly store: () => Promise<ObjectStore>;
  /** The S3 server whose buckets can be named; null: none. */
  readonly s3: Omit<S3Settings, 'bucket'> | null;
}

/** What a text means, without opening it. Throws an Error that says how to write one. */
export function parsePlace(text: string): { readonly kind: 'store' | 'directory' | 's3' | 'http' | 'oci'; readonly bucket?: string; readonly prefix?: string } {
  if (text === 'store') return { kind: 'store' };
  if (isAbsolute(text)) return { kind: 'directory' };
  const [, bucket, prefix = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*?))?\/*$/.exec(text) ?? [];
  if (bucket !== undefined) return { kind: 's3', bucket, prefix };
  if (text.startsWith('oci-layout:/')) return { kind: 'oci' };
  if (/^oci(\+http)?:\/\//.test(text)) {
    parseRegistryAddress(text);
    return { kind: 'oci' };
  }
  if (/^https?:\/\/[^/]/.test(text) && URL.canParse(text)) return { kind: 'http' };
  // Not repeated: it may hold a password.
  throw new Error("must be /directory, s3://bucket/prefix, https://host/path, oci://host/prefix, oci-layout:/directory or 'store', separated by commas");
}

/** A registry, which is opened when it is first asked. Throws an Error for a text that names none. */
export function openPlace(text: string, settings: PlaceSettings): Place {
  const { kind, bucket, prefix } = parsePlace(text);
  if (kind === 'http') {
    const shown = new URL(text).origin + new URL(text).pathname.replace(/\/+$/, '');
    return { shown, files: httpFiles(text), isOwn: false, objects: null, hrefOf: (key) => `${shown}/${key}`, close: () => {} };
  }
  if (kind === 'oci') {
    const shown = withoutLogin(text);
    return { shown, files: ociFiles(openOci(text)), isOwn: false, objects: null, hrefOf: () => null, close: () => {} };
  }
  if (kind === 's3') {
    if (settings.s3 === null) throw new Error(`${text} needs LAMINA_S3_ENDPOINT and its keys`);
    const s3 = { ...settings.s3, bucket: bucket! };
    const store = storeLater(() => openS3Store(s3));
    return writable(text, storeBelow(store, prefix!), () => void store.opened()?.then((opened) => opened.close(), () => {}));
  }
  return kind === 'store' ? { ...writable(text, storeLater(settings.store)), isOwn: true, hrefOf: (key) => `object:${key}` } : writable(text, createLocalStore(text));
}

/** An OCI registry ('oci://host/prefix') or a folder in OCI's image layout ('oci-layout:/directory'), for pushing too. Throws an Error for a text that names none. */
export function openOci(text: string): OciStore {
  const [, folder] = /^oci-layout:(\/.*)$/.exec(text) ?? [];
  return folder === undefined ? distribution(parseRegistryAddress(text)) : layoutFolder(folder);
}

/** The objects of a place. Throws RegistryRefusal ReadOnly. */
export function writableObjects({ objects, shown }: Place): ObjectStore {
  if (objects) return objects;
  const how = shown.startsWith('oci') ? '`lamina operator push` writes to it' : 'name a directory or a bucket with --registry';
  throw new RegistryRefusal('ReadOnly', `The registry ${shown} can only be read; ${how}.`);
}

const writable = (shown: string, objects: ObjectStore, close = () => {}): Place => ({ shown, files: objects, isOwn: false, objects, hrefOf: () => null, close });
