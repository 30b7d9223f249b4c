/** A syntax tree as CQL2 JSON and as CQL2 text: what the parsers read, they read again to the same tree. */
import { toWkt } from '../../geo/wkt.ts';
import { isArithmetic, isComparison } from './operations.ts';
import { Cql2Error, type Call, type Expression, type Interval, type OpenEnd, type Place } from './tree.ts';

/** CQL2 JSON in the form of the final standard. */
export function writeJson(node: Expression): unknown {
  switch (node.kind) {
    case 'literal': return node.value;
    case 'date': return { date: node.text };
    case 'timestamp': return { timestamp: node.text };
    case 'property': return { property: node.name };
    case 'geometry': return node.geometry;
    case 'bbox': return { bbox: node.bbox };
    case 'array': return node.items.map(writeJson);
    case 'interval': return { interval: [node.start, node.end].map((end) => endOf(end, writeJson)) };
    case 'call': return { op: node.op, args: node.args.map(writeJson) };
  }
}

const endOf = <T>(end: Expression | OpenEnd, write: (node: Expression) => T): T | string =>
  end.kind === 'open' ? '..' : end.kind === 'date' || end.kind === 'timestamp' ? end.text : write(end);

/** CQL2 text. Throws Cql2Error for what text can't say: a backslash before a quote. */
export function writeText(node: Expression): string {
  switch (node.kind) {
    case 'literal': return typeof node.value === 'string' ? quoted(node.value, node.at) : typeof node.value === 'number' ? numberText(node.value) : String(node.value).toUpperCase();
    case 'date': return `DATE('${node.text}')`;
    case 'timestamp': return `TIMESTAMP('${node.text}')`;
    case 'property': return `"${node.name.replaceAll('"', '""')}"`;
    case 'geometry': return toWkt(node.geometry);
    case 'bbox': return `BBOX(${node.bbox.join(',')})`;
    case 'array': return `(${node.items.map(elementText).join(',')})`;
    case 'interval': return intervalText(node);
    case 'call': return callText(node);
  }
}

/** Throws Cql2Error: `\'` is a quote and not the end of a text. */
function quoted(value: string, at: Place): string {
  if (/\\('|$)/.test(value)) throw new Cql2Error(at, 'CQL2 text has no way to write a backslash before a quote');
  return `'${value.replaceAll('\'', '\'\'')}'`;
}

const numberText = (value: number) => (Object.is(value, -0) ? '0' : String(value));

function intervalText({ start, end }: Interval): string {
  const ends = [start, end].map((one) => (one.kind === 'open' || one.kind === 'date' || one.kind === 'timestamp' ? `'${endOf(one, writeText)}'` : writeText(one)));
  return `INTERVAL(${ends.join(',')})`;
}

/** Parentheses around all of an element would make an array of it. */
function elementText(node: Expression): string {
  const text = writeText(node);
  return node.kind === 'call' && text.startsWith('(') ? text.slice(1, -1) : text;
}

function callText({ op, args }: Call): string {
  const parts = args.map(writeText);
  if (op === 'and' || op === 'or') return `(${parts.join(` ${op.toUpperCase()} `)})`;
  if (op === 'not') return `(NOT ${parts[0]!})`;
  if (op === 'isNull') return `(${parts[0]!} IS NULL)`;
  if (op === 'between') return `(${parts[0]!} BETWEEN ${parts[1]!} AND ${parts[2]!})`;
  if (op === 'in') return `(${parts[0]!} IN (${parts[1]!.slice(1, -1)}))`;
  if (op === 'like' || op === 'div' || isComparison(op) || isArithmetic(op)) return `(${parts[0]!} ${op.toUpperCase()} ${parts[1]!})`;
  return `${op.toUpperCase()}(${parts.join(',')})`;
}
