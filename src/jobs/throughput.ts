/**
 * How fast a deployment works: its workers measure, the database keeps the sums, estimates divide them. What was
 * measured long ago counts less and less, so that a new machine or model is soon seen.
 */
import type { Database } from '../database/connection.ts';

/** Work done, in its own unit, and the seconds that were spent on it. */
interface Sum {
  amount: number;
  seconds: number;
}

/** Seconds of work (for formats: samples) after which older measurements count half. */
const HALF_LIFE = { seconds: 600, samples: 1e8 };

/** Name of the work of computing blocks with an operator (pinned reference); null: cells of a cube as they are. Counted in blocks. */
export function operatorWork(operator: string | null): string {
  return `operator:${operator ?? 'none'}`;
}

/** Name of the work of reading, calculating and writing samples; counted in samples read and written. */
export const SAMPLE_WORK = 'samples';

/** Name of the processor seconds that a second of a run costs. */
export const CPU_WORK = 'cpu';

/** Name of what a format needs for samples of a type: bytes, per sample instead of per second. */
export function formatWork(format: string, dtype: string): string {
  return `format:${format.toLowerCase()}:${dtype}`;
}

/** The sums in the database. */
export class ThroughputStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Adds what was measured. */
  async add(work: string, { amount, seconds }: Readonly<Sum>): Promise<void> {
    if (!(seconds > 0)) return;
    await this.#database.query(
      `insert into throughput as t (work, amount, per) values ($1, $2, $3)
       on conflict (work) do update set amount = t.amount * power(0.5, least(excluded.per / $4, 50)) + excluded.amount,
         per = t.per * power(0.5, least(excluded.per / $4, 50)) + excluded.per, updated = now()`,
      [work, amount, seconds, work.startsWith('format:') ? HALF_LIFE.samples : HALF_LIFE.seconds],
    );
  }

  /** Amount per second (for formats: bytes per sample) of the named works; those never measured are missing. */
  async rates(works: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#database.query<{ work: string; rate: number }>('select work, amount / per as rate from throughput where work = any($1) and per > 0 and amount > 0', [works]);
    return new Map(rows.map(({ work, rate }) => [work, rate]));
  }
}

/** Something to measure with: several tasks of one kind at the same time count the seconds once. */
interface Clock {
  running: number;
  since: number;
}

const FLUSH_MS = 5000;

/** Measures the works of one process, and writes the sums every few seconds. */
export class Throughput {
  readonly #store: Pick<ThroughputStore, 'add'>;
  readonly #now: () => number;
  readonly #clocks = new Map<string, Clock>();
  #sums = new Map<string, Sum>();
  readonly #timer: NodeJS.Timeout;

  /** @param now milliseconds */
  constructor(store: Pick<ThroughputStore, 'add'>, { now = () => performance.now(), flushMs = FLUSH_MS }: { readonly now?: () => number; readonly flushMs?: number } = {}) {
    this.#store = store;
    this.#now = now;
    this.#timer = setInterval(() => void this.flush(), flushMs).unref();
  }

  /** Begins a piece of work; call the returned function at its end with the amount that was done. */
  begin(work: string): (amount: number) => void {
    const clock = this.#clocks.get(work) ?? { running: 0, since: 0 };
    this.#clocks.set(work, clock);
    if (clock.running++ === 0) clock.since = this.#now();
    return (amount) => {
      const now = this.#now();
      const seconds = (now - clock.since) / 1000;
      clock.since = now;
      clock.running--;
      // Time for nothing (a block that was there already, an error) would make the work look slow.
      if (amount > 0) this.note(work, { amount, seconds });
    };
  }

  /** Notes work whose time is known. */
  note(work: string, { amount, seconds }: Readonly<Sum>): void {
    const sum = this.#sums.get(work) ?? { amount: 0, seconds: 0 };
    this.#sums.set(work, { amount: sum.amount + amount, seconds: sum.seconds + seconds });
  }

  /** Writes what was measured. Never throws: a measurement that is lost is made again. */
  async flush(): Promise<void> {
    const sums = this.#sums;
    this.#sums = new Map();
    for (const [work, sum] of sums) await this.#store.add(work, sum).catch(() => {});
  }

  /** Writes the last ones and stops. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }
}
