/** Columns of Parquet for JSON values of a shape, and the values as the writer wants them. */
import { leafCount, type Shape } from './json-shape.ts';
import type { Column, SchemaElement } from './parquet-file.ts';

export interface JsonColumn extends Column {
  /** A JSON value as it is written. */
  readonly toCell: (value: unknown) => unknown;
}

/** More leaves make files slow to open: the largest parts become JSON texts then. */
const MOST_LEAVES = 1000;

/** A nullable column. An instant goes in as RFC 3339 and is kept to the microsecond. */
export function jsonColumn(name: string, shape: Shape, isInstant = false): JsonColumn {
  if (isInstant) return { name, schema: [instantElement(name)], hasStatistics: true, toCell: microseconds };
  const fitting = leafCount(shape) > MOST_LEAVES ? ({ kind: 'json' } as const) : shape;
  return { name, schema: elements(name, fitting), hasStatistics: isScalar(fitting), toCell: (value) => cell(value, fitting) };
}

const isScalar = ({ kind }: Shape) => kind === 'boolean' || kind === 'integer' || kind === 'number' || kind === 'string';

const instantElement = (name: string): SchemaElement => ({
  name, type: 'INT64', converted_type: 'TIMESTAMP_MICROS', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' }, repetition_type: 'OPTIONAL',
});

/** The element of a name and those below it, in preorder. Lists have the three levels that the standard wants. */
function elements(name: string, shape: Shape): SchemaElement[] {
  const leaf = (type: SchemaElement['type'], converted?: SchemaElement['converted_type']): SchemaElement[] => [{ name, type, repetition_type: 'OPTIONAL', ...(converted && { converted_type: converted }) } as SchemaElement];
  switch (shape.kind) {
    case 'boolean': return leaf('BOOLEAN');
    case 'integer': return leaf('INT64');
    case 'number': return leaf('DOUBLE');
    case 'string': return leaf('BYTE_ARRAY', 'UTF8');
    case 'list': return [
      { name, repetition_type: 'OPTIONAL', converted_type: 'LIST', num_children: 1 },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      ...elements('element', shape.of),
    ];
    case 'struct':
      // A group without members can't be written.
      if (shape.fields.size === 0) return leaf('BYTE_ARRAY', 'JSON');
      return [{ name, repetition_type: 'OPTIONAL', num_children: shape.fields.size }, ...[...shape.fields].flatMap(([field, inner]) => elements(field, inner))];
    case 'none':
    case 'json': return leaf('BYTE_ARRAY', 'JSON');
  }
}

function cell(value: unknown, shape: Shape): unknown {
  if (value === null || value === undefined) return null;
  if (shape.kind === 'integer') return BigInt(value as number);
  if (shape.kind === 'list') return (value as unknown[]).map((entry) => cell(entry, shape.of));
  if (shape.kind !== 'struct' || shape.fields.size === 0) return value;
  return Object.fromEntries([...shape.fields].map(([name, inner]) => [name, cell((value as Readonly<Record<string, unknown>>)[name], inner)]));
}

/** Microseconds since 1970 of an RFC 3339 instant; null where there is none. */
function microseconds(value: unknown): bigint | null {
  if (typeof value !== 'string') return null;
  const millis = Date.parse(value);
  if (Number.isNaN(millis)) return null;
  // Date stops at milliseconds.
  const fraction = /\.(\d+)/.exec(value)?.[1] ?? '';
  return BigInt(millis) * 1000n + BigInt(fraction.slice(3, 6).padEnd(3, '0') || 0);
}
