/** The services of all users, in PostgreSQL. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Database } from '../database/connection.ts';
import { OpenEOError } from '../errors.ts';
import type { Service, ServiceDefinition, ServiceType, ServiceUsage, ShownRange } from './service.ts';

interface Row {
  readonly id: string;
  readonly user_id: string;
  readonly type: ServiceType;
  readonly definition: ServiceDefinition;
  readonly enabled: boolean;
  readonly revision: number;
  readonly range: ShownRange | null;
  readonly key: string;
  readonly created: Date;
  readonly updated: Date;
  readonly tiles: number;
  readonly seconds: number;
  readonly samples: number;
  readonly blocks: number;
  readonly [column: string]: unknown;
}

export interface ServicePage {
  readonly services: readonly Service[];
  /** Id to continue after; null on the last page. */
  readonly next: string | null;
}

/** What becomes of a service that is changed. */
export interface ServiceChange {
  readonly definition: ServiceDefinition;
  readonly enabled: boolean;
  /** Tiles show something else from now on. */
  readonly isRedrawn: boolean;
  readonly range: ShownRange | null;
  /** The key in its URL is replaced: nobody who had it sees the map any more. */
  readonly hasNewKey: boolean;
}

/** Any number that nothing else locks. */
const CREATION_LOCK = 4_711_045;

/** 144 bits: nobody guesses it. */
const newKey = () => randomBytes(18).toString('base64url');

const isId = (id: string) => /^[\w.~-]{1,100}$/.test(id);

export class ServiceStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Stores a new service. Throws StorageQuotaExceeded for one more than `limit`, which a user may have. */
  create(userId: string, { type, definition, enabled, range }: Pick<Service, 'type' | 'definition' | 'enabled' | 'range'>, limit: number): Promise<Service> {
    return this.#database.transaction(async (transaction) => {
      await transaction.query('select pg_advisory_xact_lock($1, hashtext($2))', [CREATION_LOCK, userId]);
      const [own] = await transaction.query<{ count: number }>('select count(*)::int as count from services where user_id = $1', [userId]);
      if (own!.count >= limit) throw new OpenEOError('StorageQuotaExceeded', {}, { detail: `A user may have ${limit} web services; delete some first.` });
      const [row] = await transaction.query<Row>(
        'insert into services (id, user_id, type, definition, enabled, key, range) values ($1, $2, $3, $4, $5, $6, $7) returning *',
        [randomUUID(), userId, type, JSON.stringify(definition), enabled, newKey(), JSON.stringify(range)],
      );
      return serviceOf(row!);
    });
  }

  /** The service whoever owns it; null when there is none. */
  async find(id: string): Promise<Service | null> {
    if (!isId(id)) return null;
    const [row] = await this.#database.query<Row>('select * from services where id = $1', [id]);
    return row ? serviceOf(row) : null;
  }

  /** Throws ServiceNotFound when there is none or it is another user's. */
  async get(userId: string, id: string): Promise<Service> {
    const service = await this.find(id);
    if (service?.userId !== userId) throw serviceNotFound(id);
    return service;
  }

  /** Services of a user, newest first. Without `limit` all of them. */
  async list(userId: string, page: { readonly limit?: number; readonly after?: string } = {}): Promise<ServicePage> {
    const limit = page.limit ?? null;
    const after = page.after !== undefined && isId(page.after) ? page.after : null;
    const rows = await this.#database.query<Row>(
      `select * from services where user_id = $1
         and ($2::text is null or (created, id) < (select created, id from services where id = $2))
       order by created desc, id desc limit $3`,
      [userId, after, limit === null ? null : limit + 1],
    );
    const services = rows.slice(0, limit ?? rows.length).map(serviceOf);
    return { services, next: services.length < rows.length ? services.at(-1)!.id : null };
  }

  /** Changes a service as it is at that moment. Throws ServiceNotFound. */
  async update(userId: string, id: string, change: (service: Service) => ServiceChange): Promise<Service> {
    if (!isId(id)) throw serviceNotFound(id);
    return this.#database.transaction(async (transaction) => {
      const [before] = await transaction.query<Row>('select * from services where id = $1 and user_id = $2 for update', [id, userId]);
      if (!before) throw serviceNotFound(id);
      const { definition, enabled, isRedrawn, range, hasNewKey } = change(serviceOf(before));
      const [row] = await transaction.query<Row>(
        'update services set definition = $2, enabled = $3, revision = revision + $4, key = $5, range = $6, updated = now() where id = $1 returning *',
        [id, JSON.stringify(definition), enabled, isRedrawn ? 1 : 0, hasNewKey ? newKey() : before.key, JSON.stringify(range)],
      );
      return serviceOf(row!);
    });
  }

  /** Deletes a service with its log. Throws ServiceNotFound. */
  async delete(userId: string, id: string): Promise<void> {
    const gone = isId(id) ? await this.#database.query('delete from services where id = $1 and user_id = $2 returning id', [id, userId]) : [];
    if (gone.length === 0) throw serviceNotFound(id);
  }

  /** Adds to the usage of a service. One that is gone has none. */
  async use(id: string, { tiles, seconds, samples, blocks }: ServiceUsage): Promise<void> {
    await this.#database.query('update services set tiles = tiles + $2, seconds = seconds + $3, samples = samples + $4, blocks = blocks + $5 where id = $1', [id, tiles, seconds, samples, blocks]);
  }
}

/** Says the same of a service that there is not and of one that is not for whoever asks. */
export function serviceNotFound(id: string, detail?: string): OpenEOError<'ServiceNotFound'> {
  return new OpenEOError('ServiceNotFound', { identifier: id.slice(0, 100) }, detail === undefined ? {} : { detail });
}

function serviceOf({ id, user_id: userId, type, definition, enabled, revision, range, key, created, updated, tiles, seconds, samples, blocks }: Row): Service {
  return { id, userId, type, definition, enabled, revision, range, key, created: created.toISOString(), updated: updated.toISOString(), usage: { tiles, seconds, samples, blocks } };
}
