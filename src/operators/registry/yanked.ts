/** yanked.json: versions that nobody should begin to use, with who said so and why. */
import { RegistryRefusal } from './refusal.ts';

export type YankedVersions = Readonly<Record<string, { readonly at: string; readonly by: string; readonly reason?: string }>>;

export function parseYanked(bytes: Uint8Array): YankedVersions {
  try {
    const content: unknown = JSON.parse(Buffer.from(bytes).toString());
    if (typeof content === 'object' && content !== null && !Array.isArray(content)) return content as YankedVersions;
  } catch {
    // Told below.
  }
  throw new RegistryRefusal('Damaged', 'The list of yanked versions in the registry is no JSON object; repair or delete yanked.json.');
}
