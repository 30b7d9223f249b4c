/** Items as rows of the database: what of an item is a column, and the statement that puts many of them in. */
import type { Queryable } from '../database/connection.ts';
import { flatBox } from './item-conditions.ts';
import { outlineOf } from './item-outline.ts';
import type { StacItem } from './types.ts';

/** Rows of one statement: enough that the way to the database does not count, few enough to be made while the ones before are stored. */
const BATCH = 400;

const COLUMNS = [['collection', 'text'], ['id', 'text'], ['definition', 'json'], ['properties', 'jsonb'], ['instant', 'timestamptz'], ['starts', 'timestamptz'], ['ends', 'timestamptz'], ['footprint', 'box'], ['shape', 'json'], ['outline', 'polygon']] as const;

type ItemRow = Readonly<Record<(typeof COLUMNS)[number][0], string | null>>;

/** The times of an item as the catalog knows it. Throws an Error when it has none, or belongs to another collection. */
export function timesOf(collection: string, item: StacItem): { readonly instant: string; readonly starts: string; readonly ends: string } {
  if (item.collection !== collection) throw new Error(`Item '${item.id}' says it belongs to collection '${item.collection}', not '${collection}'.`);
  const { datetime, start_datetime: start, end_datetime: end } = item.properties as { datetime: string | null; start_datetime?: string; end_datetime?: string };
  const instant = datetime ?? start;
  if (instant === undefined) throw new Error(`Item '${item.id}' has neither a datetime nor a start_datetime.`);
  return { instant, starts: start ?? instant, ends: end ?? instant };
}

/**
 * Puts items of one collection in or replaces them, and gives how many are new or different. The JSON of some
 * is written while the server stores those before. Throws as `timesOf` does; then the transaction is to be given up.
 */
export async function putRows(transaction: Queryable, collection: string, items: readonly StacItem[]): Promise<number> {
  let changed = 0;
  let stored: Promise<number> = Promise.resolve(0);
  for (let i = 0; i < items.length; i += BATCH) {
    const rows = items.slice(i, i + BATCH).map((item) => rowOf(collection, item));
    changed += await stored;
    stored = putBatch(transaction, rows);
    // Awaited after the next rows are made, when it may have failed already.
    stored.catch(() => undefined);
    // The statement leaves before the next rows keep this process busy.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return changed + (await stored);
}

function rowOf(collection: string, item: StacItem): ItemRow {
  const box = item.geometry === null ? null : flatBox(item.bbox);
  const [properties, shape] = [JSON.stringify(item.properties), item.geometry && JSON.stringify(item.geometry)];
  return {
    collection,
    id: item.id,
    definition: withParts(item, { properties, geometry: shape ?? 'null' }),
    properties,
    ...timesOf(collection, item),
    footprint: box && `(${box[0]},${box[1]}),(${box[2]},${box[3]})`,
    shape,
    outline: outlineOf(item.geometry),
  };
}

/** JSON of an object some members of which have been written already: writing is what putting items in costs here. */
function withParts(value: object, parts: Readonly<Record<string, string>>): string {
  const members = Object.entries(value).flatMap(([name, member]) => {
    const text = Object.hasOwn(parts, name) ? parts[name] : (JSON.stringify(member) as string | undefined);
    return text === undefined ? [] : [`${JSON.stringify(name)}:${text}`];
  });
  return `{${members.join(',')}}`;
}

/** The object ids of types whose values are sent as they are stored; others are sent as text and turned into theirs. */
const OIDS: Readonly<Record<string, number>> = { text: 25, json: 114, jsonb: 3802 };
const names = COLUMNS.map(([column]) => column).join(', ');

/**
 * A column is one parameter. With one for each value of each row the server spent a sixth of its time on the statement
 * itself, and in one large document it would take every item apart twice.
 */
const PUT = `
  with put as (
    insert into items as i (${names})
    select ${COLUMNS.map(([column, type]) => `${column}::${type}`).join(', ')}
    from unnest(${COLUMNS.map(([, type], i) => `$${i + 1}::${sentAs(type)}[]`).join(', ')}) as r (${names})
    on conflict (collection, id) do update set definition = excluded.definition, properties = excluded.properties,
      instant = excluded.instant, starts = excluded.starts, ends = excluded.ends, footprint = excluded.footprint, shape = excluded.shape, outline = excluded.outline, updated = now()
    where i.definition::text is distinct from excluded.definition::text
    returning 1)
  select count(*)::int as count from put`;

function sentAs(type: string): string {
  return type in OIDS ? type : 'text';
}

async function putBatch(transaction: Queryable, rows: readonly ItemRow[]): Promise<number> {
  const columns = COLUMNS.map(([name, type]) => binaryArray(sentAs(type), rows.map((row) => row[name])));
  const [put] = await transaction.query<{ count: number }>(PUT, columns);
  return put!.count;
}

/**
 * An array of one dimension in the binary format of PostgreSQL (array_recv): as text every quote of the JSON would be
 * escaped. Dimensions, flag for nulls, type, length and lower bound, then the bytes of each value behind their number.
 */
function binaryArray(type: string, values: readonly (string | null)[]): Buffer {
  // The binary form of jsonb is its text behind the number of this form.
  const prefix = type === 'jsonb' ? '\u0001' : '';
  const texts = values.map((value) => value === null ? null : prefix + value);
  const lengths = texts.map((text) => text === null ? -1 : Buffer.byteLength(text));
  const buffer = Buffer.allocUnsafe(20 + lengths.reduce((sum, length) => sum + 4 + Math.max(0, length), 0));
  let at = 0;
  for (const number of [1, values.includes(null) ? 1 : 0, OIDS[type]!, values.length, 1]) at = buffer.writeInt32BE(number, at);
  for (const [i, text] of texts.entries()) {
    at = buffer.writeInt32BE(lengths[i]!, at);
    if (text !== null) at += buffer.write(text, at);
  }
  return buffer;
}
