/** An object store that is opened when it is first used: who needs nothing of it does not wait for it, and works without it. */
import type { ObjectStore } from './object-store.ts';

/** @param open asked again after it failed */
export function storeLater<S extends ObjectStore>(open: () => Promise<S>): ObjectStore & { opened(): Promise<S> | null } {
  let opening: Promise<S> | null = null;
  const store = () => {
    opening ??= open().catch((error: unknown) => {
      opening = null;
      throw error;
    });
    return opening;
  };
  return {
    opened: () => opening,
    put: async (...args) => (await store()).put(...args),
    head: async (...args) => (await store()).head(...args),
    get: async (...args) => (await store()).get(...args),
    read: async (...args) => (await store()).read(...args),
    stream: async (...args) => (await store()).stream(...args),
    async* list(prefix) {
      yield* (await store()).list(prefix);
    },
    excludes: async (key) => (await store()).excludes?.(key) ?? true,
    delete: async (...args) => (await store()).delete(...args),
  };
}
