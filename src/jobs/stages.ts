/** What a run is at, told by what really happened: when a stage began, when it was heard of last, and how much it has done. */
import type { Stage } from '../errors.ts';

/** Times are RFC 3339, UTC. */
export interface StageRecord {
  readonly began: string;
  /** When something of it was heard of last. */
  readonly last: string;
  /** Of what `unit` says. */
  readonly count: number;
  readonly unit: string;
  /** Of what was begun, how much was there already; only of blocks. */
  readonly cached?: number;
  /** Seconds that workers spent on it, all of them together; absent where nobody measures it. */
  readonly seconds?: number;
  readonly isOver?: boolean;
  readonly isFailed?: boolean;
}

export type Stages = Readonly<Partial<Record<Stage, StageRecord>>>;

const units: Readonly<Record<Stage, string>> = { resolve: 'operators', download: 'operators', read: 'samples', infer: 'blocks', write: 'files' };

/** The record of one run. */
export class StageBook {
  readonly #records = new Map<Stage, { -readonly [K in keyof StageRecord]: StageRecord[K] }>();

  begin(stage: Stage): void {
    this.#of(stage);
  }

  /** Something was done; `seconds` of it if somebody has measured it. */
  add(stage: Stage, count: number, seconds?: number): void {
    // Whoever tells of it for the first time does so when it is done.
    const record = this.#of(stage, seconds);
    record.count += count;
    record.last = new Date().toISOString();
    if (seconds !== undefined) record.seconds = (record.seconds ?? 0) + seconds;
  }

  /** So many blocks were there already. */
  cached(count: number): void {
    this.#of('infer').cached = count;
  }

  end(stage: Stage): void {
    const record = this.#records.get(stage);
    if (!record || record.isOver) return;
    record.isOver = true;
    record.last = new Date().toISOString();
  }

  fail(stage: Stage): void {
    this.#of(stage).isFailed = true;
  }

  /** Where a run is when nobody says where it failed: still at finding things, or at writing. */
  get current(): Stage {
    return this.#records.get('resolve')?.isOver ? 'write' : 'resolve';
  }

  snapshot(): Stages {
    return Object.fromEntries([...this.#records].map(([stage, { seconds, ...record }]) => [stage, { ...record, ...(seconds === undefined ? {} : { seconds: Math.round(seconds * 1000) / 1000 }) }]));
  }

  #of(stage: Stage, seconds = 0) {
    const now = new Date().toISOString();
    const record = this.#records.get(stage) ?? { began: new Date(Date.now() - seconds * 1000).toISOString(), last: now, count: 0, unit: units[stage] };
    this.#records.set(stage, record);
    return record;
  }
}
