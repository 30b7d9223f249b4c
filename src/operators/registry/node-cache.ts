/**
 * Packages of operators on this machine, by content: `sha256/<digest of the manifest>/package/`. All processes of the machine share the
 * folder. A package is there whole and checked, or not at all, and is never changed; what somebody damages is fetched again.
 */
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OpenEOError } from '../../errors.ts';
import { diskFailure } from '../../storage/failures.ts';
import type { Log } from '../../log.ts';
import { MANIFEST_FILE } from '../manifest.ts';
import { fileDigest } from '../../storage/file-digest.ts';
import { findFiles } from '../package/package-files.ts';
import { takeTurns } from './turns.ts';

/** Puts a package into a folder that does not exist yet, checked against the digest that it is fetched for. */
export type FetchPackage = (folder: string) => Promise<void>;

export interface NodeCacheOptions {
  /** What was not used for longest goes first; packages used within the last hour stay. */
  readonly maxBytes: number;
  readonly log: Log;
}

/** files.json of an entry: what was unpacked. */
type Inventory = Readonly<Record<string, { readonly sha256: string; readonly size: number }>>;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A package is looked at again (sizes and times of its files) when this has passed. */
const LOOK_MS = 1000;
const INVENTORY = 'files.json';

interface Checked {
  readonly stamp: string;
  readonly at: number;
}

export class NodeCache {
  readonly #directory: string;
  readonly #options: NodeCacheOptions;
  /** Packages whose bytes this process has read and compared. */
  readonly #checked = new Map<string, Checked>();
  readonly #underWay = new Map<string, Promise<string>>();

  constructor(directory: string, options: NodeCacheOptions) {
    this.#directory = directory;
    this.#options = options;
  }

  /**
   * The folder of a package. Fetched when it is not there, by one process of the machine while the others wait; fetched again when a file
   * is not what it was. `digest` is that of the manifest. Throws what `fetch` throws.
   */
  folder(digest: string, fetch: FetchPackage): Promise<string> {
    const known = this.#underWay.get(digest);
    if (known) return known;
    const work = this.#folder(digest, fetch).finally(() => this.#underWay.delete(digest));
    this.#underWay.set(digest, work);
    return work;
  }

  /** True when the package is on this machine. */
  async has(digest: string): Promise<boolean> {
    return stat(join(this.#place(digest), INVENTORY)).then(() => true, () => false);
  }

  /** operator.json of a package that is on this machine; null when it is not. */
  async manifest(digest: string): Promise<string | null> {
    return readFile(join(this.#place(digest), 'package', MANIFEST_FILE), 'utf8').catch(() => null);
  }

  async #folder(digest: string, fetch: FetchPackage): Promise<string> {
    const place = this.#place(digest);
    const folder = join(place, 'package');
    if (await this.#isWhole(digest)) return folder;
    await takeTurns(join(this.#directory, 'turns', hexOf(digest)), async () => {
      // Whoever had the turn before may have fetched it.
      if (await this.#isWhole(digest)) return;
      if (await readInventory(place)) this.#options.log.warning('A cached operator is damaged; it is fetched again.', { data: { operator: digest } });
      await rm(place, { recursive: true, force: true });
      await this.#fetch(place, fetch);
    });
    if (!await this.#isWhole(digest)) throw new OpenEOError('OperatorUnavailable', { operator: digest }, { detail: 'Its files changed while they were fetched; try again.' });
    await this.#makeRoom(digest);
    await this.#sweep();
    return folder;
  }

  async #fetch(place: string, fetch: FetchPackage): Promise<void> {
    const draft = join(this.#directory, 'drafts', randomUUID());
    try {
      await mkdir(draft, { recursive: true });
      await fetch(join(draft, 'package'));
      const inventory = await inventoryOf(join(draft, 'package'));
      await writeFile(join(draft, INVENTORY), JSON.stringify(inventory));
      await mkdir(join(place, '..'), { recursive: true });
      await rename(draft, place).catch((error: NodeJS.ErrnoException) => {
        // Somebody who did not wait for his turn was faster; the content is the same.
        if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
      });
    } catch (error) {
      throw diskFailure(error);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  }

  /** Reads all bytes once per process, and again when a file looks as if it had changed. */
  async #isWhole(digest: string): Promise<boolean> {
    const place = this.#place(digest);
    const known = this.#checked.get(digest);
    if (known && Date.now() - known.at < LOOK_MS) return true;
    const inventory = await readInventory(place);
    if (inventory === null) return false;
    const stamp = await stampOf(join(place, 'package'), inventory);
    if (stamp === null || (known?.stamp !== stamp && !await isUnchanged(join(place, 'package'), inventory))) {
      this.#checked.delete(digest);
      return false;
    }
    this.#checked.set(digest, { stamp, at: Date.now() });
    const now = new Date();
    await utimes(join(place, INVENTORY), now, now).catch(() => {});
    return true;
  }

  /** What processes left that were killed while they fetched. */
  async #sweep(): Promise<void> {
    const drafts = join(this.#directory, 'drafts');
    for (const name of await readdir(drafts).catch(() => [])) {
      const found = await stat(join(drafts, name)).catch(() => null);
      if (found && Date.now() - found.mtimeMs > DAY_MS) await rm(join(drafts, name), { recursive: true, force: true });
    }
  }

  async #makeRoom(keep: string): Promise<void> {
    const entries = await Promise.all((await readdir(join(this.#directory, 'sha256')).catch(() => [])).map(async (name) => {
      const place = join(this.#directory, 'sha256', name);
      const [inventory, found] = await Promise.all([readInventory(place), stat(join(place, INVENTORY)).catch(() => null)]);
      return { place, name, used: found?.mtimeMs ?? 0, bytes: Object.values(inventory ?? {}).reduce((sum, { size }) => sum + size, 0) };
    }));
    let total = entries.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { place, name, used, bytes } of entries.toSorted((a, b) => a.used - b.used)) {
      if (total <= this.#options.maxBytes) return;
      if (name === hexOf(keep) || Date.now() - used < HOUR_MS) continue;
      await rm(place, { recursive: true, force: true });
      total -= bytes;
    }
  }

  #place(digest: string): string {
    return join(this.#directory, 'sha256', hexOf(digest));
  }
}

function hexOf(digest: string): string {
  const [, hex] = /^sha256:([0-9a-f]{64})$/.exec(digest) ?? [];
  if (hex === undefined) throw new TypeError(`'${digest}' is no digest.`);
  return hex;
}

/** Files are made read-only: whoever overwrites one by mistake hears of it. */
async function inventoryOf(folder: string): Promise<Inventory> {
  const inventory: Record<string, { sha256: string; size: number }> = {};
  const files = [...await findFiles(folder), { path: MANIFEST_FILE, size: (await stat(join(folder, MANIFEST_FILE))).size, isExecutable: false }];
  for (const { path, size, isExecutable } of files) {
    inventory[path] = { sha256: await fileDigest(join(folder, path)), size };
    await chmod(join(folder, path), isExecutable ? 0o555 : 0o444);
  }
  return inventory;
}

async function readInventory(place: string): Promise<Inventory | null> {
  try {
    return JSON.parse(await readFile(join(place, INVENTORY), 'utf8')) as Inventory;
  } catch {
    return null;
  }
}

/** Sizes and times of all files; null when one is missing or has another size. */
async function stampOf(folder: string, inventory: Inventory): Promise<string | null> {
  const facts = await Promise.all(Object.entries(inventory).map(async ([path, { size }]) => {
    const found = await stat(join(folder, path)).catch(() => null);
    return found?.size === size ? `${path} ${found.ino} ${found.mtimeMs} ${found.ctimeMs}` : null;
  }));
  return facts.includes(null) ? null : facts.join('\n');
}

async function isUnchanged(folder: string, inventory: Inventory): Promise<boolean> {
  for (const [path, { sha256 }] of Object.entries(inventory)) {
    if (await fileDigest(join(folder, path)).catch(() => '') !== sha256) return false;
  }
  return true;
}
