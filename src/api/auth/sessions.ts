/** Tokens of this service that users end before they expire. All processes of the deployment ask the same table. */
import type { Database } from '../../database/connection.ts';

/** What a token says of itself. */
export interface Session {
  readonly userId: string;
  readonly tokenId: string;
  /** All tokens of a user can be ended at once: by beginning the next generation. */
  readonly generation: number;
}

export class Sessions {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The generation of tokens that are made for a user now. */
  async generation(userId: string): Promise<number> {
    const [row] = await this.#database.query<{ generation: number }>('select generation from token_generations where user_id = $1', [userId]);
    return row?.generation ?? 0;
  }

  /** False when the token, or all of its user, were ended. */
  async holds({ userId, tokenId, generation }: Session): Promise<boolean> {
    const [row] = await this.#database.query<{ generation: number | null; ended: boolean }>(
      'select (select generation from token_generations where user_id = $1) as generation, exists(select 1 from ended_tokens where id = $2) as ended',
      [userId, tokenId],
    );
    return !row!.ended && (row!.generation ?? 0) === generation;
  }

  /** @param expires when the token ends by itself: from then on it need not be remembered */
  async end(tokenId: string, expires: Date): Promise<void> {
    await this.#database.query('delete from ended_tokens where expires < now()');
    await this.#database.query('insert into ended_tokens (id, expires) values ($1, $2) on conflict do nothing', [tokenId, expires]);
  }

  /** Ends all tokens of a user. */
  async endAll(userId: string): Promise<void> {
    await this.#database.query('insert into token_generations (user_id, generation) values ($1, 1) on conflict (user_id) do update set generation = token_generations.generation + 1', [userId]);
  }
}
