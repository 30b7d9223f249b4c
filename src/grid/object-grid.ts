/**
 * A grid in an object store: a directory that processes share, or a bucket.
 *
 * Each task has a log, whose entries are objects '@1', '@2', … that can be made only once. An entry is a claim,
 * an end, a failure or a giving-back; the last one is the state of the task, and the number of a claim is its
 * token. Whoever wants to change the state writes the next entry. So the commit of a holder and the claim of one
 * who takes the task over want the same object, and the store lets one of them have it: nothing else is needed
 * of a store than to create an object only when it is absent.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { ObjectInfo, ObjectStore } from '../storage/object-store.ts';
import { checkSamePurpose, shortened, type Claim, type Grid, type GridOptions, type Purpose, type TaskDetails, type TaskResult, type TaskState } from './grid.ts';
import { StoreClock } from './store-clock.ts';
import { beatKey, doneKey, entryKey, keyOfTask, parseKey, taskOfKey, taskPrefix } from './task-keys.ts';

/** One object of the log of a task. */
interface Entry {
  readonly kind: 'claim' | 'done' | 'failed' | 'open';
  readonly worker: string;
  readonly attempts: number;
  /** Of a claim: tells it from every other, also of the same process. */
  readonly nonce?: string;
  /** Of a claim: how long it holds without a beat. */
  readonly lease_ms?: number;
  readonly reason?: string;
  readonly result?: TaskResult;
}

/** The log of a task as a listing shows it. */
interface Log {
  readonly folder: string;
  /** Number of the last entry. */
  last: number;
  /** When the last entry or its last beat was written, by the clock of the store. */
  changed: number;
  isDone: boolean;
}

/** Times of some stores are whole seconds, cut off. */
const CLOCK_GRAIN_MS = 1000;
const ROOT = 'tasks';
const MAX_CONFLICTS = 6;
const CONFLICT_PAUSE_MS = 100;

/**
 * A grid below `prefix` of a store, which must honour `ifAbsent`; `openGrid` tries that first.
 *
 * @param prefix keys begin with it; '' or with a slash at its end
 * @param closeStore called when the grid is closed
 */
export function createObjectGrid(store: ObjectStore, prefix: string, options: GridOptions, closeStore: () => void = () => {}): Grid {
  return new ObjectGrid(store, prefix, options, closeStore);
}

class ObjectGrid implements Grid {
  readonly #store: ObjectStore;
  readonly #prefix: string;
  readonly #options: GridOptions;
  readonly #clock: StoreClock;
  readonly #closeStore: () => void;
  /** Entries never change: those that may be asked for again are kept, by key. */
  readonly #entries = new Map<string, Entry>();
  /** Keys of the beats that this process has written: most tasks are done before the first. */
  readonly #beats = new Set<string>();

  constructor(store: ObjectStore, prefix: string, options: GridOptions, closeStore: () => void) {
    this.#store = store;
    this.#prefix = prefix;
    this.#options = options;
    this.#closeStore = closeStore;
    this.#clock = new StoreClock(store, `${prefix}clocks/${keyOfTask(options.worker)}`);
  }

  async agree(purpose: Purpose): Promise<void> {
    const key = `${this.#prefix}grid.json`;
    if (await this.#store.put(key, json(purpose), { ifAbsent: true, contentType: 'application/json' }) !== null) return;
    checkSamePurpose(purpose, JSON.parse(text(await this.#store.get(key))) as Purpose);
  }

  async claim(task: string): Promise<Claim | null> {
    const folder = this.#folder(task);
    // Most tasks have never been claimed: that is tried before anything is read.
    if (!this.#entries.has(entryKey(folder, 1)) && await this.#append(folder, 0, this.#claimEntry(1))) return { task, token: 1, attempt: 1 };
    const log = await this.#log(folder);
    if (log === null || log.isDone) return null;
    const entry = await this.#entry(folder, log.last);
    if (entry.kind === 'done' || entry.kind === 'failed') return null;
    if (entry.kind === 'claim' && !(await this.#isDead(log, entry))) return null;
    return this.#takeOver(task, log, entry);
  }

  async #takeOver(task: string, { folder, last }: Log, { attempts, reason, kind }: Entry): Promise<Claim | null> {
    if (attempts >= this.#options.maxAttempts) {
      await this.#append(folder, last, this.#entryOf('failed', attempts, { reason: reason ?? 'The processes that worked on it gave no more sign of life.' }));
      return null;
    }
    // What the one before had to say about a failure stays until there is something newer.
    const said = kind === 'open' && reason !== undefined ? { reason } : {};
    if (!(await this.#append(folder, last, { ...this.#claimEntry(attempts + 1), ...said }))) return null;
    await this.#store.delete(beatKey(folder, last));
    return { task, token: last + 1, attempt: attempts + 1 };
  }

  async renew({ task, token }: Claim): Promise<boolean> {
    const folder = this.#folder(task);
    if (await this.#store.head(entryKey(folder, token + 1)) !== null) return false;
    const key = beatKey(folder, token);
    this.#beats.add(key);
    await this.#store.put(key, new Uint8Array());
    return true;
  }

  async commit(claim: Claim, result: TaskResult): Promise<boolean> {
    const isMine = await this.#end(claim, this.#entryOf('done', claim.attempt, { result }));
    if (isMine) await this.#store.put(doneKey(this.#folder(claim.task), claim.token), new Uint8Array());
    return isMine;
  }

  fail(claim: Claim, reason: string): Promise<boolean> {
    const kind = claim.attempt < this.#options.maxAttempts ? 'open' : 'failed';
    return this.#end(claim, this.#entryOf(kind, claim.attempt, { reason: shortened(reason) }));
  }

  release(claim: Claim): Promise<boolean> {
    return this.#end(claim, this.#entryOf('open', claim.attempt - 1));
  }

  async reopen(task: string): Promise<boolean> {
    const folder = this.#folder(task);
    const log = await this.#log(folder);
    if (log === null || log.isDone || (await this.#entry(folder, log.last)).kind !== 'failed') return false;
    return this.#append(folder, log.last, this.#entryOf('open', 0));
  }

  async *list(): AsyncIterable<TaskState> {
    for await (const log of logsOf(this.#store.list(`${this.#prefix}${ROOT}/`))) yield* this.#present(log);
  }

  /** Nothing for a log without entries: a beat that came too late has left one. */
  async *#present(log: Log): AsyncIterable<TaskState> {
    if (log.last === 0) return;
    const task = taskOfKey(log.folder.slice(this.#prefix.length + ROOT.length + 1));
    if (log.isDone) yield { task, status: 'done', token: log.last - 1 };
    else yield { task, ...(await this.#stateOf(log, await this.#entry(log.folder, log.last))) };
  }

  async read(task: string): Promise<TaskDetails | null> {
    const log = await this.#log(this.#folder(task));
    if (log === null) return null;
    const entry = await this.#entry(log.folder, log.last);
    const { worker, attempts, reason, result } = entry;
    return { task, ...(await this.#stateOf(log, entry)), worker, attempts, ...(reason === undefined ? {} : { reason }), ...(result === undefined ? {} : { result }) };
  }

  async close(): Promise<void> {
    await this.#clock.forget().finally(this.#closeStore);
  }

  async #stateOf(log: Log, entry: Entry): Promise<Omit<TaskState, 'task'>> {
    if (entry.kind === 'claim') return { status: this.#isOverdue(log, entry, await this.#clock.now()) ? 'expired' : 'held', token: log.last };
    return { status: entry.kind, token: log.last - 1 };
  }

  #isOverdue({ changed }: Log, { lease_ms: leaseMs }: Entry, now: number): boolean {
    return now - changed > leaseMs! + CLOCK_GRAIN_MS;
  }

  /** Looks twice: what is known of a file on another machine may be old until the file has been opened. */
  async #isDead(log: Log, entry: Entry): Promise<boolean> {
    const now = await this.#clock.now();
    if (!this.#isOverdue(log, entry, now)) return false;
    await this.#store.get(beatKey(log.folder, log.last));
    const beat = await this.#store.head(beatKey(log.folder, log.last));
    return beat === null || this.#isOverdue({ ...log, changed: Math.max(log.changed, Date.parse(beat.modified)) }, entry, now);
  }

  async #end({ task, token }: Claim, entry: Entry): Promise<boolean> {
    const folder = this.#folder(task);
    const isMine = await this.#append(folder, token, entry);
    if (this.#beats.delete(beatKey(folder, token))) await this.#store.delete(beatKey(folder, token));
    return isMine;
  }

  /**
   * Writes the entry after number `last`; false when somebody else has. A write whose answer got lost is made
   * again by the client of the store and then finds itself, so what is there is compared.
   */
  async #append(folder: string, last: number, entry: Entry): Promise<boolean> {
    const key = entryKey(folder, last + 1);
    const body = json(entry);
    for (let attempt = 1; ; attempt++) {
      if (await this.#store.put(key, body, { ifAbsent: true, contentType: 'application/json' }) !== null) return true;
      const found = await this.#store.get(key);
      if (found !== null) {
        this.#entries.set(key, JSON.parse(text(found)) as Entry);
        return Buffer.compare(found, body) === 0;
      }
      // S3 may answer so to all of several writers that come at one moment; then nobody has written yet.
      if (attempt === MAX_CONFLICTS) throw new Error('The store of the grid refuses to create an object that it does not have.');
      await delay(Math.random() * CONFLICT_PAUSE_MS * attempt);
    }
  }

  async #log(folder: string): Promise<Log | null> {
    const log = emptyLog(folder);
    for await (const object of this.#store.list(taskPrefix(folder))) note(log, object);
    return log.last === 0 ? null : log;
  }

  async #entry(folder: string, number: number): Promise<Entry> {
    const key = entryKey(folder, number);
    const known = this.#entries.get(key);
    if (known) return known;
    const bytes = await this.#store.get(key);
    if (bytes === null) throw new Error(`Entries of the grid are being deleted (${key}).`);
    const entry = JSON.parse(text(bytes)) as Entry;
    this.#entries.set(key, entry);
    return entry;
  }

  #claimEntry(attempts: number): Entry {
    return this.#entryOf('claim', attempts, { nonce: randomUUID(), lease_ms: this.#options.leaseMs });
  }

  #entryOf(kind: Entry['kind'], attempts: number, more: Partial<Entry> = {}): Entry {
    return { kind, worker: this.#options.worker, attempts, ...more };
  }

  #folder(task: string): string {
    return `${this.#prefix}${ROOT}/${keyOfTask(task)}`;
  }
}

const emptyLog = (folder: string): Log => ({ folder, last: 0, changed: 0, isDone: false });

/** Objects in the order of their keys, put together by task. */
async function* logsOf(objects: AsyncIterable<ObjectInfo>): AsyncIterable<Log> {
  let log = emptyLog('');
  for await (const object of objects) {
    const folder = parseKey(object.key)?.folder;
    if (folder === undefined) continue;
    if (log.folder !== folder) {
      if (log.folder !== '') yield log;
      log = emptyLog(folder);
    }
    note(log, object);
  }
  if (log.folder !== '') yield log;
}

/** Takes an object of a task into what is known of its log. A beat of an earlier hold says nothing. */
function note(log: Log, { key, modified }: ObjectInfo): void {
  const file = parseKey(key)?.file;
  if (file === undefined) return;
  if (file.kind === 'done') {
    log.isDone = true;
    return;
  }
  if (file.number < log.last) return;
  if (file.kind === 'beat' && file.number > log.last) return;
  log.changed = file.number === log.last ? Math.max(log.changed, Date.parse(modified)) : Date.parse(modified);
  log.last = file.number;
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const text = (bytes: Uint8Array | null) => Buffer.from(bytes ?? []).toString();
