/** What a column of JSON values needs in Parquet, found by looking at all of them once. */

/**
 * 'none': only nulls were seen. 'json': values that fit no one type, which are kept as JSON texts. Whole numbers are
 * 'integer' until one with a fraction comes.
 */
export type Shape =
  | { readonly kind: 'none' | 'boolean' | 'integer' | 'number' | 'string' | 'json' }
  | { readonly kind: 'list'; readonly of: Shape }
  | { readonly kind: 'struct'; readonly fields: ReadonlyMap<string, Shape> };

export const NONE: Shape = { kind: 'none' };
const JSON_TEXT: Shape = { kind: 'json' };
/** An object with more members is rather a map than a record. */
const MOST_FIELDS = 300;

/** The shape that fits what was seen so far and one more value. A shape that already fits comes back as it is. */
export function widen(shape: Shape, value: unknown): Shape {
  if (value === null || value === undefined || shape.kind === 'json') return shape;
  if (Array.isArray(value)) return widenList(shape, value);
  if (typeof value === 'object') return widenStruct(shape, value as Readonly<Record<string, unknown>>);
  const kind = scalarKind(value);
  if (shape.kind === kind || (shape.kind === 'number' && kind === 'integer')) return shape;
  if (shape.kind === 'none' || (shape.kind === 'integer' && kind === 'number')) return { kind };
  return JSON_TEXT;
}

/** Leaves of a shape: each is a column of its own in the file. */
export function leafCount(shape: Shape): number {
  if (shape.kind === 'list') return leafCount(shape.of);
  if (shape.kind === 'struct') return [...shape.fields.values()].reduce((sum, field) => sum + leafCount(field), 0);
  return 1;
}

function scalarKind(value: unknown): 'boolean' | 'integer' | 'number' | 'string' | 'json' {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'integer' : 'number';
  return typeof value === 'boolean' || typeof value === 'string' ? (typeof value as 'boolean' | 'string') : 'json';
}

function widenList(shape: Shape, values: readonly unknown[]): Shape {
  if (shape.kind !== 'list' && shape.kind !== 'none') return JSON_TEXT;
  const before = shape.kind === 'list' ? shape.of : NONE;
  const after = values.reduce(widen, before);
  return shape.kind === 'list' && after === before ? shape : { kind: 'list', of: after };
}

function widenStruct(shape: Shape, value: Readonly<Record<string, unknown>>): Shape {
  if (shape.kind !== 'struct' && shape.kind !== 'none') return JSON_TEXT;
  const fields = shape.kind === 'struct' ? shape.fields : new Map<string, Shape>();
  let changed: Map<string, Shape> | null = null;
  for (const [name, member] of Object.entries(value)) {
    const before = fields.get(name);
    const after = widen(before ?? NONE, member);
    if (after !== before) (changed ??= new Map(fields)).set(name, after);
  }
  if ((changed ?? fields).size > MOST_FIELDS) return JSON_TEXT;
  return changed ? { kind: 'struct', fields: changed } : shape.kind === 'struct' ? shape : { kind: 'struct', fields };
}
