/** PostgreSQL has no text with a NUL character or half of a surrogate pair; no stored id has one either, so any other sign will do. */
export function storable(text: string): string {
  return text.replaceAll('\0', '\uFFFD').toWellFormed();
}

/** The same for every text and every name in a JSON value. */
export function storableJson(value: unknown): unknown {
  if (typeof value === 'string') return storable(value);
  if (Array.isArray(value)) return value.map(storableJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [storable(name), storableJson(member)]));
}

/** Where in a JSON value a text or a name stands that `storable` would change, as `a.b[0]`; null where none does. */
export function unstorablePath(value: unknown): string | null {
  // JSON has both only as escapes; most values have none, and need not be walked.
  return /\\u(?:0000|d[89a-f])/.test(JSON.stringify(value)) ? pathOf(value, '') : null;
}

function pathOf(value: unknown, at: string): string | null {
  if (typeof value === 'string') return value === storable(value) ? null : at;
  if (typeof value !== 'object' || value === null) return null;
  for (const [name, member] of Object.entries(value)) {
    const below = Array.isArray(value) ? `${at}[${name}]` : `${at}${at === '' ? '' : '.'}${storable(name)}`;
    const found = name === storable(name) ? pathOf(member, below) : below;
    if (found !== null) return found;
  }
  return null;
}
