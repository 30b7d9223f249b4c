/** Category sorting. Numbers sort by value (NaN last), dates by the instant they mean. */
import type { Implementation } from '../graph/process.ts';
import type { Arguments, Value } from '../graph/value.ts';
import type { Call } from '../graph/process.ts';
import { describeValue } from '../graph/schema-words.ts';
import { booleanOf, elementsOf, invalid } from './arguments.ts';

/** Positions of the elements in sorted order; no-data is removed (nodata = null), at the end (true) or at the start (false). */
function orderOf(data: readonly Value[], args: Arguments, call: Call): number[] {
  const nodata = booleanOf(args, 'nodata', call);
  const direction = booleanOf(args, 'asc', call) === false ? -1 : 1;
  const keys = data.map((x) => (x === null ? null : keyOf(x, call)));
  const valid = data.flatMap((x, i) => (x === null ? [] : [i]));
  const missing = data.flatMap((x, i) => (x === null ? [i] : []));
  valid.sort((a, b) => compare(keys[a]!, keys[b]!, direction) || a - b);
  if (nodata === null) return valid;
  return nodata ? [...valid, ...missing] : [...missing, ...valid];
}

function keyOf(value: Value, call: Call): number {
  const key = typeof value === 'number' ? value : typeof value === 'string' ? Date.parse(value) : undefined;
  if (key === undefined || (typeof value === 'string' && Number.isNaN(key))) {
    throw invalid(call, 'data', `only numbers and dates can be sorted, not ${describeValue(value)}`);
  }
  return key;
}

/** NaN comes last in either direction. */
function compare(a: number, b: number, direction: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a === b ? 0 : (a < b ? -1 : 1) * direction;
}

const sort: Implementation = {
  run: (args, call) => {
    const data = elementsOf(args, 'data', call);
    return orderOf(data, args, call).map((i) => data[i]!);
  },
};

const order: Implementation = {
  run: (args, call) => orderOf(elementsOf(args, 'data', call), args, call),
};

const rearrange: Implementation = {
  run: (args, call) => {
    const data = elementsOf(args, 'data', call);
    return elementsOf(args, 'order', call).map((position) => {
      if (typeof position !== 'number' || !Number.isInteger(position) || position < 0 || position >= data.length) {
        throw invalid(call, 'order', `it must hold positions from 0 to ${data.length - 1}, not ${describeValue(position)}`);
      }
      return data[position]!;
    });
  },
};

export const sorting: Record<string, Implementation> = { order, rearrange, sort };
