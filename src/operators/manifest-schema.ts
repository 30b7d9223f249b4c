/** The JSON Schema of operator.json, for editors and for other programs. */
import { readFileSync } from 'node:fs';

/** Of the schema; it is part of the address, and changes with what a manifest may be. */
export const MANIFEST_SCHEMA_PATH = '/operators/schemas/v1.0.0/operator.schema.json';

const file = new URL('../../docs/schemas/operator.schema.json', import.meta.url);
let content: object | null = null;

/** docs/schemas/operator.schema.json as it is served at `url`, which is its `$id`. */
export function manifestSchema(url: string): object {
  content ??= JSON.parse(readFileSync(file, 'utf8')) as object;
  return { $id: url, ...content };
}
