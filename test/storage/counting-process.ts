/** A process that counts in an object by compare and swap: `counting-process.ts <directory> <key> <times>`. */
import { createLocalStore } from '../../src/storage/local.ts';
import type { StoredObject } from '../../src/storage/object-store.ts';

const [directory, key, times] = process.argv.slice(2) as [string, string, string];
const store = createLocalStore(directory);
for (let done = 0; done < Number(times);) {
  const { info, bytes } = await store.read(key) as StoredObject;
  const next = Buffer.from(String(Number(Buffer.from(bytes).toString()) + 1));
  if (await store.put(key, next, { ifMatch: info.etag }) !== null) done++;
}
process.disconnect();
