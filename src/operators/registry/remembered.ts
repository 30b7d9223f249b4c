/**
 * What a registry said, kept on this machine: unchanged answers are not sent again, those that never change are not asked for
 * again, and while the registry can't be reached the last answers are used, with a warning.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../../log.ts';
import { sha256 } from './version-record.ts';
import type { Place } from './place.ts';

interface Answer {
  readonly etag: string;
  /** When it was given. */
  readonly at: string;
  readonly text: string;
}

/** So often it is said that a registry can't be reached. */
const WARN_EVERY_MS = 60_000;
/** A registry that failed is left in peace for so long, where there is an old answer: nobody should wait for it again and again. */
const PEACE_MS = 20_000;

export class RememberedPlace {
  readonly place: Place;
  readonly #directory: string;
  readonly #log: Log;
  #warned = 0;
  #failedAt = Number.NEGATIVE_INFINITY;
  /** Time of the answers that are used while the registry can't be reached; null while it can. */
  #outdated: string | null = null;

  /** @param directory for the answers of all places */
  constructor(place: Place, directory: string, log: Log) {
    this.place = place;
    this.#directory = join(directory, nameOf(place.shown));
    this.#log = log;
  }

  /** When the registry gave the answers that are used, because it can't be reached now; null: it answers. */
  get silentSince(): string | null {
    return this.#outdated;
  }

  /** A text that may have changed: one request, conditional where the answer is known. null when there is none. Throws when the registry can't be reached and never gave it. */
  async current(key: string): Promise<string | null> {
    const known = await this.recall(key);
    if (known && Date.now() - this.#failedAt < PEACE_MS) return known.text;
    try {
      const found = await this.place.files.read(key, known?.etag || undefined);
      this.#outdated = null;
      if (found === 'unchanged') return known!.text;
      if (found === null) {
        if (known) await rm(this.#path(key), { force: true });
        return null;
      }
      return (await this.#keep(key, found.info.etag, Buffer.from(found.bytes).toString())).text;
    } catch (error) {
      this.#failedAt = Date.now();
      if (!known) throw error;
      this.#outdated = known.at;
      this.#warn(known, error);
      return known.text;
    }
  }

  /** A text that never changes once it is there: asked for once. */
  async once(key: string): Promise<string | null> {
    return (await this.recall(key))?.text ?? this.current(key);
  }

  /** What the registry said last; asks nobody. */
  async recall(key: string): Promise<Answer | null> {
    try {
      return JSON.parse(await readFile(this.#path(key), 'utf8')) as Answer;
    } catch {
      return null;
    }
  }

  /** For what is not as it should be: it is asked for again. */
  async forget(key: string): Promise<void> {
    await rm(this.#path(key), { force: true });
  }

  async #keep(key: string, etag: string, text: string): Promise<Answer> {
    const answer = { etag, at: new Date().toISOString(), text };
    const draft = join(this.#directory, `.${randomUUID()}`);
    await mkdir(this.#directory, { recursive: true });
    try {
      await writeFile(draft, JSON.stringify(answer));
      await rename(draft, this.#path(key));
    } finally {
      await rm(draft, { force: true });
    }
    return answer;
  }

  #warn({ at }: Answer, error: unknown): void {
    if (Date.now() - this.#warned < WARN_EVERY_MS) return;
    this.#warned = Date.now();
    this.#log.warning(`The registry of operators ${this.place.shown} can't be reached; what it said at ${at} is used.`, { data: { reason: (error as Error).message } });
  }

  #path(key: string): string {
    return join(this.#directory, `${nameOf(key)}.json`);
  }
}

const nameOf = (text: string): string => sha256(Buffer.from(text)).slice(0, 32);
