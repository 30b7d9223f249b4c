/**
 * Conditional writes on servers that don't know them. Some S3 servers take `If-Match` and `If-None-Match` and write all the same. There
 * each write is looked at again after a while: what somebody else wrote over it meanwhile has lost. That is as good as it gets there, and said.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { ObjectStore } from '../../storage/object-store.ts';
import { OPERATORS } from './layout.ts';

export interface CarefulOptions {
  /** Told once, when the server does not know conditional writes. */
  readonly warn?: (message: string) => void;
  /** How long a write that somebody else has begun may take until it is seen. */
  readonly settleMs?: number;
}

/** Longer than a server takes for a small object. */
const SETTLE_MS = 2000;

/** The store with conditional writes that are checked where its server ignores the conditions; which it is, is tried before the first of them. */
export function carefulStore(objects: ObjectStore, { warn, settleMs = SETTLE_MS }: CarefulOptions = {}): ObjectStore {
  let exclusive: Promise<boolean> | null = null;
  const isExclusive = () => {
    exclusive ??= tried(objects, warn).catch((error: unknown) => {
      exclusive = null;
      throw error;
    });
    return exclusive;
  };
  return {
    ...forwarded(objects),
    async put(key, body, options = {}) {
      if (options.ifMatch === undefined && !options.ifAbsent) return objects.put(key, body, options);
      const isChecked = !await isExclusive();
      const written = await objects.put(key, body, options);
      if (!isChecked || written === null) return written;
      await delay(settleMs);
      return (await objects.head(key))?.etag === written.etag ? written : null;
    },
  };
}

async function tried(objects: ObjectStore, warn: CarefulOptions['warn']): Promise<boolean> {
  const found = await objects.excludes?.(`${OPERATORS}probe-${randomUUID()}`) ?? true;
  if (!found) warn?.('The S3 server ignores If-Match and If-None-Match, so nothing keeps two who change the registry at the same moment apart. Every change is read again after a while; let one publish at a time, or use a server that has conditional writes.');
  return found;
}

/** Methods of classes are bound to their objects. */
function forwarded(objects: ObjectStore): ObjectStore {
  return {
    put: (...args) => objects.put(...args),
    head: (key) => objects.head(key),
    get: (...args) => objects.get(...args),
    read: (...args) => objects.read(...args),
    stream: (...args) => objects.stream(...args),
    list: (prefix) => objects.list(prefix),
    delete: (key) => objects.delete(key),
  };
}
