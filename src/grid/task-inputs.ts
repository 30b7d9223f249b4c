/** Where the inputs of a grid come from: a folder, a bucket, a list of files, or a list of places that somebody has read already. */
import { createWriteStream } from 'node:fs';
import { dirname, extname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { withoutLogin } from '../storage/without-login.ts';
import { openPlace, type GridAccess, type Place } from './open-grid.ts';
import { isWorkList, readWorkList, tasksBelow, type ListedTask } from './work-list.ts';

export interface Inputs {
  readonly tasks: readonly string[];
  /** Path of a local file with the content; `scratch` is free for it. */
  fetch(task: string, scratch: string): Promise<string>;
  close(): void;
}

/** The tasks of an address, or those of `listed`. Throws an Error when there are none. */
export async function openInputs(input: string, access: GridAccess, listed?: AsyncIterable<ListedTask>): Promise<Inputs> {
  if (listed) return filled(input, await listedInputs(listed, access));
  if (await isWorkList(input)) {
    const base = dirname(resolve(input));
    const from = addresses(access);
    const hrefOf = (task: string) => (/^(https?|s3|file):\/\//i.test(task) ? task : pathToFileURL(resolve(base, task)).href);
    return filled(input, { tasks: await readWorkList(input), fetch: (task, scratch) => from.fetch(hrefOf(task), scratch), close: () => from.close() });
  }
  const place = await openPlace(input, access);
  const tasks = await tasksBelow(place);
  const isLocal = !input.startsWith('s3://');
  return filled(input, { tasks, fetch: (task, scratch) => (isLocal ? Promise.resolve(resolve(input.replace(/^file:\/\//, ''), task)) : download(place, task, scratch)), close: () => place.close() });
}

function filled(input: string, inputs: Inputs): Inputs {
  if (inputs.tasks.length > 0) return inputs;
  inputs.close();
  throw new Error(`${input} has no GeoTIFF files: --input is a folder or s3://bucket/prefix with some, or a list of files (.txt, .csv, .json, .ndjson, .parquet).`);
}

async function listedInputs(listed: AsyncIterable<ListedTask>, access: GridAccess): Promise<Inputs> {
  const hrefs = new Map<string, string>();
  for await (const { task, href } of listed) {
    const known = hrefs.get(task);
    if (known !== undefined && known !== href) throw new Error(`The list has '${task}' twice, with different files: ${shown(known)} and ${shown(href)}.`);
    hrefs.set(task, href);
  }
  const from = addresses(access);
  return { tasks: [...hrefs.keys()], fetch: (task, scratch) => from.fetch(hrefs.get(task)!, scratch), close: () => from.close() };
}

/** Files behind any address; buckets are opened once. */
function addresses(access: GridAccess): { fetch(href: string, scratch: string): Promise<string>; close(): void } {
  const buckets = new Map<string, Promise<Place>>();
  const open = (bucket: string) => {
    const place = buckets.get(bucket) ?? openPlace(`s3://${bucket}`, access);
    buckets.set(bucket, place);
    return place;
  };
  return {
    fetch: (href, scratch) => fetchFrom(href, scratch, open),
    close: () => {
      for (const place of buckets.values()) place.then((open) => open.close(), () => {});
    },
  };
}

async function fetchFrom(href: string, scratch: string, bucketOf: (bucket: string) => Promise<Place>): Promise<string> {
  const url = new URL(href);
  if (url.protocol === 'file:') return fileURLToPath(url);
  if (url.protocol === 's3:') return download(await bucketOf(url.hostname), decodeURIComponent(url.pathname.slice(1)), scratch);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error(`${shown(href)} is neither a file nor an address of http(s) or s3.`);
  const response = await fetch(url);
  if (!response.ok || !response.body) throw new Error(`${shown(href)} can't be had: its server answers ${response.status}.`);
  return written(Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]), url.pathname, scratch);
}

async function download({ store, prefix }: Place, task: string, scratch: string): Promise<string> {
  const bytes = await store.stream(prefix + task);
  if (bytes === null) throw new Error(`${task} is not there any more.`);
  return written(bytes, task, scratch);
}

async function written(bytes: Readable, name: string, scratch: string): Promise<string> {
  const path = join(scratch, `input${extname(name)}`);
  await pipeline(bytes, createWriteStream(path));
  return path;
}

/** Without what may be a signature or a password. */
function shown(href: string): string {
  return withoutLogin(href.replace(/[?#].*$/, ''));
}
