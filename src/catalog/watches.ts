/** Which objects of which buckets become items of which collection when an event tells of them. */
import type { Database } from '../database/connection.ts';

export interface Watch {
  readonly bucket: string;
  /** Of the keys; '' for the whole bucket. */
  readonly prefix: string;
  readonly collection: string;
  /** URL behind which the keys of the bucket are read; null for the bucket of the service itself. */
  readonly url: string | null;
  /** Band names for files that have none of their own. */
  readonly bands: readonly string[] | null;
  /** For files with no date in name or tags. */
  readonly datetime: string | null;
}

const COLUMNS = 'bucket, prefix, collection, url, bands, datetime';

export class Watches {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Creates or replaces the watch of a prefix. */
  async put({ bucket, prefix, collection, url, bands, datetime }: Watch): Promise<void> {
    await this.#database.query(
      `insert into watches (bucket, prefix, collection, url, bands, datetime) values ($1, $2, $3, $4, $5, $6)
       on conflict (bucket, prefix) do update set collection = excluded.collection, url = excluded.url, bands = excluded.bands, datetime = excluded.datetime`,
      [bucket, prefix, collection, url, bands === null ? null : JSON.stringify(bands), datetime],
    );
  }

  /** The watch with the longest prefix of a key; null when nobody watches it. */
  async find(bucket: string, key: string): Promise<Watch | null> {
    const [row] = await this.#database.query<Watch & Record<string, unknown>>(
      `select ${COLUMNS} from watches where bucket = $1 and starts_with($2, prefix) order by length(prefix) desc limit 1`,
      [bucket, key],
    );
    return row ?? null;
  }

  /** Watches of a collection, by prefix. */
  of(collection: string): Promise<Watch[]> {
    return this.#database.query<Watch & Record<string, unknown>>(`select ${COLUMNS} from watches where collection = $1 order by bucket, prefix`, [collection]);
  }

  /** Runs `work` while no other process runs one under the same name. */
  exclusively<T>(name: string, work: () => Promise<T>): Promise<T> {
    return this.#database.transaction(async (transaction) => {
      await transaction.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [name]);
      return work();
    });
  }
}

/** How an object of a watched prefix is named in an item. */
export function hrefOf({ url }: Watch, key: string): string {
  return url === null ? `object:${key}` : `${url.replace(/\/+$/, '')}/${key.split('/').map(encodeURIComponent).join('/')}`;
}
