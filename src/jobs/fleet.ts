/** The workers of a deployment: each says what it has, again and again, and everybody else reads what there is. */
import { randomUUID } from 'node:crypto';
import type { Database } from '../database/connection.ts';
import type { Log } from '../log.ts';

/** Things that a worker has or has not. */
export type Equipment = Readonly<Record<string, boolean>>;

/** How often a worker gives a sign of life, and when one without any counts as gone. */
const BEAT_MS = 20_000;
const GONE_SECONDS = 70;
/** How old what is known of the others may be. */
const LOOK_MS = 5000;

export class WorkerFleet {
  readonly #database: Database;
  readonly #log: Log;
  readonly #id = randomUUID();
  #known: Equipment | null = null;
  #timers: NodeJS.Timeout[] = [];
  #isAnnounced = false;

  constructor(database: Database, log: Log) {
    this.#database = database;
    this.#log = log;
  }

  /** What at least one of the workers has, as far as it is known; null while there is no worker at all. */
  get equipment(): Equipment | null {
    return this.#known;
  }

  /** Looks now, and every few seconds until `close`. */
  async watch(): Promise<void> {
    await this.look();
    this.#every(LOOK_MS, () => this.look());
  }

  /** Says that this worker is there and what it has, until `close`. */
  async announce(equipment: Equipment): Promise<void> {
    this.#isAnnounced = true;
    await this.#beat(equipment);
    this.#every(BEAT_MS, () => this.#beat(equipment));
    await this.look();
  }

  async look(): Promise<void> {
    const rows = await this.#database.query<{ equipment: Equipment }>(`select equipment from worker where seen > clock_timestamp() - make_interval(secs => $1)`, [GONE_SECONDS]);
    this.#known = rows.length === 0 ? null : union(rows.map(({ equipment }) => equipment));
  }

  async close(): Promise<void> {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    if (this.#isAnnounced) await this.#database.query('delete from worker where id = $1', [this.#id]).catch(() => {});
  }

  async #beat(equipment: Equipment): Promise<void> {
    await this.#database.query(
      `insert into worker (id, equipment, seen) values ($1, $2, clock_timestamp())
       on conflict (id) do update set equipment = excluded.equipment, seen = excluded.seen`, [this.#id, JSON.stringify(equipment)]);
    await this.#database.query(`delete from worker where seen < clock_timestamp() - interval '1 hour'`);
  }

  #every(ms: number, work: () => Promise<void>): void {
    // The database may be away for a moment: what was known stays known.
    const tick = () => void work().catch((error: unknown) => this.#log.warning(`What the workers have could not be exchanged: ${String(error)}`));
    this.#timers.push(setInterval(tick, ms).unref());
  }
}

function union(all: readonly Equipment[]): Equipment {
  const names = new Set(all.flatMap((each) => Object.keys(each)));
  return Object.fromEntries([...names].map((name) => [name, all.some((each) => each[name] === true)]));
}
