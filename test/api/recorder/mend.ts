/** Where openEO's OpenAPI documents refuse what the standard means they are mended before anything is compared. */

/**
 * Where STAC demands a null (a geometry without a place, a date beside an interval), what users write into
 * processes, and the currency of a service that costs nothing.
 */
const mayBeNull = ['geometry', 'datetime', 'process_argument_value', 'currency'];

/**
 * A copy of a document in which
 * - `nullable` is left out, because openEO's own test suite ignores it and so no answer may need it, but for
 *   the places above;
 * - the kinds of a process parameter's schema are alternatives: the document wants exactly one to fit, and the
 *   first of them, 'Generic', fits always.
 */
export function mended(value: unknown, isKept = false): unknown {
  if (Array.isArray(value)) return value.map((each) => mended(each, isKept));
  if (typeof value !== 'object' || value === null) return value;
  const { nullable, ...rest } = value as Record<string, unknown>;
  // A property may be called so, too.
  const kept = typeof nullable === 'boolean' ? rest : value;
  const schema = Object.fromEntries(Object.entries(kept).map(([key, inner]) => [key === 'oneOf' && isAlwaysMet(inner) ? 'anyOf' : key, mended(inner, isKept || mayBeNull.includes(key))]));
  return nullable === true && isKept ? { anyOf: [{ type: 'null' }, schema] } : schema;
}

function isAlwaysMet(alternatives: unknown): boolean {
  return Array.isArray(alternatives) && (alternatives as { title?: string }[])[0]?.title === 'Generic';
}
