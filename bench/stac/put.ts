/** Puts the items of files into our catalog, the files at once: `node put.ts <database> <file>…`. A process of its own, so that its processor time can be told. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { CatalogStore } from '../../src/catalog/store.ts';
import type { StacItem } from '../../src/catalog/types.ts';
import { openDatabase } from '../../src/database/connection.ts';

const PORTION = 2000;

async function putFile(store: CatalogStore, path: string): Promise<void> {
  let items: StacItem[] = [];
  const flush = async () => {
    if (items.length > 0) await store.putItems(items[0]!.collection, items);
    items = [];
  };
  for await (const line of createInterface({ input: createReadStream(path) })) {
    if (items.push(JSON.parse(line) as StacItem) === PORTION) await flush();
  }
  await flush();
}

const [url, ...paths] = process.argv.slice(2);
const database = openDatabase(url!);
const store = new CatalogStore(database);
await Promise.all(paths.map((path) => putFile(store, path)));
await database.close();
