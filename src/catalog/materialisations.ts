/** The list of materialisations: what is to be written to files, how far it is, and which files are done. */
import { randomUUID } from 'node:crypto';
import type { Quantization } from '../cube/cube.ts';
import type { Database } from '../database/connection.ts';

/** Names of result formats that a layer can be written in. */
export const materialFormats = ['GTiff', 'Zarr', 'Parquet'] as const;
export type MaterialFormat = (typeof materialFormats)[number];

export interface MaterialisationRequest {
  readonly layer: string;
  /** Id of the collection of its files. */
  readonly files: string;
  /** West, south, east, north in degrees; null: all that the layer has. */
  readonly bbox: readonly [number, number, number, number] | null;
  /** Left-closed; null: all times. */
  readonly interval: readonly [string | null, string | null] | null;
  /** None: blocks are computed and cached, nothing is written. */
  readonly formats: readonly MaterialFormat[];
  readonly view: Quantization;
}

export type MaterialisationStatus = 'queued' | 'running' | 'finished' | 'canceled' | 'error';

export interface Materialisation extends MaterialisationRequest {
  readonly id: string;
  /** null: the operator of the service. */
  readonly user: string | null;
  readonly status: MaterialisationStatus;
  /** 0 to 1. */
  readonly progress: number;
  readonly message: string | null;
  readonly created: Date;
  readonly updated: Date;
}

export interface MaterialisedFile {
  readonly name: string;
  readonly objectKey: string;
  readonly bytes: number;
  /** Id of the STAC item that lists it; null while it is not listed. */
  readonly item: string | null;
}

interface Row {
  readonly definition: Omit<MaterialisationRequest, 'layer'>;
  readonly layer: string;
}

const COLUMNS = 'id, layer, user_id as user, definition, status, progress, message, created, updated';

export class Materialisations {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async create({ layer, ...definition }: MaterialisationRequest, user: string | null): Promise<Materialisation> {
    const rows = await this.#database.query<Row>(
      `insert into materialisations (id, layer, user_id, definition, status) values ($1, $2, $3, $4, 'queued') returning ${COLUMNS}`,
      [`m-${randomUUID()}`, layer, user, JSON.stringify(definition)],
    );
    return flat(rows[0]!);
  }

  async find(id: string): Promise<Materialisation | null> {
    const [row] = await this.#database.query<Row>(`select ${COLUMNS} from materialisations where id = $1`, [id]);
    return row ? flat(row) : null;
  }

  /** Newest first. */
  async list(layer: string): Promise<Materialisation[]> {
    return (await this.#database.query<Row>(`select ${COLUMNS} from materialisations where layer = $1 order by created desc, id`, [layer])).map(flat);
  }

  /** Ids of those whose files are in a collection. */
  async idsOf(files: string): Promise<string[]> {
    return (await this.#database.query<{ id: string }>(`select id from materialisations where definition->>'files' = $1`, [files])).map(({ id }) => id);
  }

  /** How many of a user have not ended. */
  async countOpen(user: string | null): Promise<number> {
    const [row] = await this.#database.query<{ open: number }>(`select count(*)::int as open from materialisations where status in ('queued', 'running') and user_id is not distinct from $1`, [user]);
    return row!.open;
  }

  /** Those whose task may be lost: queued or running without a sign for so long. */
  async silent(seconds: number): Promise<Materialisation[]> {
    return (await this.#database.query<Row>(
      `select ${COLUMNS} from materialisations where status in ('queued', 'running') and updated < now() - make_interval(secs => $1)`, [seconds],
    )).map(flat);
  }

  /** Notes that a worker has it; null when nobody wants it any more. */
  async begin(id: string): Promise<Materialisation | null> {
    const [row] = await this.#database.query<Row>(
      `update materialisations set status = 'running', updated = now() where id = $1 and status in ('queued', 'running') returning ${COLUMNS}`, [id],
    );
    return row ? flat(row) : null;
  }

  /** False when it was canceled or deleted meanwhile. Progress never falls. */
  async report(id: string, progress: number): Promise<boolean> {
    const rows = await this.#database.query(
      `update materialisations set progress = greatest(progress, $2), updated = now() where id = $1 and status = 'running' returning 1`, [id, progress],
    );
    return rows.length > 0;
  }

  async finish(id: string): Promise<void> {
    await this.#database.query(`update materialisations set status = 'finished', progress = 1, updated = now() where id = $1 and status = 'running'`, [id]);
  }

  async fail(id: string, message: string): Promise<void> {
    await this.#database.query(`update materialisations set status = 'error', message = $2, updated = now() where id = $1 and status in ('queued', 'running')`, [id, message]);
  }

  /** False when it has ended already. What is done stays. */
  async cancel(id: string): Promise<boolean> {
    const rows = await this.#database.query(
      `update materialisations set status = 'canceled', updated = now() where id = $1 and status in ('queued', 'running') returning 1`, [id],
    );
    return rows.length > 0;
  }

  /** Forgets it and its list of files; their objects are the caller's to delete. */
  async delete(id: string): Promise<void> {
    await this.#database.query('delete from materialisations where id = $1', [id]);
  }

  async files(id: string): Promise<MaterialisedFile[]> {
    return this.#database.query<MaterialisedFile & Record<string, unknown>>(
      'select name, object_key as "objectKey", bytes, item from materialised_files where materialisation = $1 order by name', [id],
    );
  }

  /** Notes a file that is whole. Nothing happens when the materialisation is gone. */
  async addFile(id: string, { name, objectKey, bytes, item }: MaterialisedFile): Promise<void> {
    await this.#database.query(
      `insert into materialised_files (materialisation, name, object_key, bytes, item)
       select $1, $2, $3, $4, $5 where exists (select 1 from materialisations where id = $1)
       on conflict (materialisation, name) do update set object_key = excluded.object_key, bytes = excluded.bytes, item = excluded.item`,
      [id, name, objectKey, bytes, item],
    );
  }
}

function flat({ definition, ...row }: Row): Materialisation {
  return { ...row, ...definition } as Materialisation;
}
