/** Files of jobs in the object store. */
import type { ObjectStore } from '../storage/object-store.ts';

/** Deletes every object below a prefix, except those that `keep` names. */
export async function deleteObjects(objects: ObjectStore, prefix: string, keep: (key: string) => boolean = () => false): Promise<void> {
  const keys: string[] = [];
  for await (const { key } of objects.list(prefix)) {
    if (!keep(key)) keys.push(key);
  }
  for (const key of keys) await objects.delete(key);
}
