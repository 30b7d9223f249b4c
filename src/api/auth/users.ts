/** Who may log in: the users of the configuration, or else those of the database. */
import { randomBytes } from 'node:crypto';
import type { Database } from '../../database/connection.ts';
import { equalTexts, hashPassword, verifyPassword } from './passwords.ts';

export interface UserDirectory {
  /** True when there is such a user with such a password. */
  verify(name: string, password: string): Promise<boolean>;
  /**
   * What the password of a user is known by: it changes with the password, and tokens end with it. null for a
   * user who was taken away. It never leaves the service.
   */
  credential(name: string): Promise<string | null>;
}

export interface NamedPassword {
  readonly name: string;
  readonly password: string;
}

/** Users whose passwords the configuration gives. */
export function configuredUsers(users: readonly NamedPassword[]): UserDirectory {
  const passwords = new Map(users.map(({ name, password }) => [name, password]));
  return {
    // An unknown name is compared too, so that names can't be told by the time an answer takes.
    verify: async (name, password) => equalTexts(password, passwords.get(name) ?? '') && passwords.has(name),
    credential: async (name) => passwords.get(name) ?? null,
  };
}

/** Stands in for the hash of an unknown user, for the same reason. */
const nobody = hashPassword(randomBytes(16).toString('hex'));

/** Users in the database. */
export function storedUsers(database: Database): UserDirectory {
  const hashOf = async (name: string) => (name.includes('\0') ? undefined : (await database.query<{ password: string }>('select password from users where id = $1', [name]))[0]?.password);
  return {
    async verify(name, password) {
      const hash = await hashOf(name);
      return await verifyPassword(password, hash ?? await nobody) && hash !== undefined;
    },
    credential: async (name) => await hashOf(name) ?? null,
  };
}

/**
 * Makes the user 'dev' with a random password when the database has no user yet.
 *
 * @returns the user to show to whoever started the service; null when there are users already
 */
export async function ensureDevelopmentUser(database: Database): Promise<NamedPassword | null> {
  const user = { name: 'dev', password: randomBytes(9).toString('base64url') };
  const hash = await hashPassword(user.password);
  const made = await database.query('insert into users (id, password) select $1, $2 where not exists (select 1 from users) on conflict do nothing returning id', [user.name, hash]);
  return made.length > 0 ? user : null;
}
