/** The secret of the service, and the keys that are derived from it. */
import { createHash, hkdfSync, randomBytes } from 'node:crypto';
import type { Database } from '../../database/connection.ts';

/** The configured secret, or one that the first process makes and all processes of the deployment share. */
export async function loadSecret(database: Database, configured: string | null): Promise<string> {
  if (configured !== null) return configured;
  await database.query(`insert into secrets (name, value) values ('service', $1) on conflict do nothing`, [randomBytes(32).toString('base64url')]);
  const [row] = await database.query<{ value: string }>(`select value from secrets where name = 'service'`);
  return row!.value;
}

/** A key for one purpose only, so that a signature made for one is none for another. */
export function deriveKey(secret: string, purpose: 'tokens' | 'links'): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, 'lamina', purpose, 32));
}

/** Names a key without telling it. */
export function keyId(key: Uint8Array): string {
  return createHash('sha256').update('key id').update(key).digest('hex').slice(0, 8);
}
