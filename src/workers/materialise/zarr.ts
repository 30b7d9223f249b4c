/** All dates as one Zarr store, shard by shard: a shard that is there is not made again. */
import { ZarrStore, type PlannedShard } from '../../formats/zarr/store.ts';
import type { ZarrObject } from '../../formats/zarr/metadata.ts';
import type { Area } from './area.ts';
import type { Output } from './output.ts';

export const ZARR_NAME = 'embeddings.zarr';
export const ZARR_MEDIA_TYPE = 'application/vnd.zarr; version=3';

/** Where a shard without data is remembered as done: it has no object of its own. */
const DONE_PREFIX = 'progress/';

/** `report` is told the share of shards done. */
export async function writeZarr(area: Area, output: Output, report: (share: number) => Promise<void>): Promise<void> {
  if (output.has(ZARR_NAME)) return;
  const store = new ZarrStore(area.cube);
  for (let i = 0; i < store.shardCount; i++) {
    const shard = store.shard(i);
    if (!(await isDone(output, shard))) await writeShard(area, output, store, i, shard);
    await report((i + 1) / store.shardCount);
  }
  // The documents come last: a store that can be opened is whole.
  for (const object of store.metadata()) await put(output, object);
  let bytes = 0;
  for await (const { sizeBytes } of output.objects.list(output.objectKey(`${ZARR_NAME}/`))) bytes += sizeBytes;
  for await (const { key } of output.objects.list(output.objectKey(DONE_PREFIX))) await output.objects.delete(key);
  await output.finish({ name: ZARR_NAME, objectKey: output.objectKey(ZARR_NAME), bytes, item: null });
}

async function isDone(output: Output, { key }: PlannedShard): Promise<boolean> {
  return (await output.objects.head(output.objectKey(DONE_PREFIX + key))) !== null;
}

async function writeShard({ cube }: Area, output: Output, store: ZarrStore, index: number, { key, window }: PlannedShard): Promise<void> {
  const block = await cube.read(window, output.signal);
  const { objects } = await store.encode(index, block, output.signal);
  for (const object of objects) await put(output, object);
  await output.objects.put(output.objectKey(DONE_PREFIX + key), new Uint8Array());
}

async function put(output: Output, { key, bytes }: ZarrObject): Promise<void> {
  const contentType = key.endsWith('.json') ? 'application/json' : 'application/octet-stream';
  await output.objects.put(output.objectKey(`${ZARR_NAME}/${key}`), bytes, { contentType });
}
