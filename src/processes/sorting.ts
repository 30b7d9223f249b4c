/** Category sorting. Numbers sort by value (NaN last), dates by the instant they mean. */
import type { Call, Implementation } from '../graph/process.ts';
import type { Arguments, Value } from '../graph/value.ts';
import { describeValue } from '../graph/schema-words.ts';
import { booleanOf, elementsOf, invalid } from './arguments.ts';
import { parseInstant } from './dates.ts';

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
  const key = typeof value === 'number' ? value : typeof value === 'string' ? parseInstant(value) : undefined;
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
  emit: (operands, code) => {
    const data = code.numbers(operands, 'data');
    const nodata = code.known(operands, 'nodata') ?? null;
    const numbers = code.scratch(data.length);
    const [count, missing] = [code.variable('0'), code.variable('0')];
    code.each(data, (x) => {
      const keep = () => code.line(`${numbers}[${count}] = ${x.value}; ${count} += 1;`);
      if (x.isNull === null) keep();
      else code.branch(`(${x.isNull}) === 0`, keep, () => code.line(`${missing} += 1;`));
    });
    code.line(`${code.constant(code.known(operands, 'asc') === false ? sortDescending : sortAscending)}(${numbers}, ${count});`);
    const shape = { type: 'number', dtype: data.dtype, length: data.length, isFull: data.count === null && (!data.isNullable || nodata !== null) } as const;
    return code.collect(shape, (append) => {
      const fill = () => code.loop(missing, () => append({ kind: 'scalar', type: 'number', dtype: data.dtype, value: '0', isNull: '1' }));
      if (nodata === false) fill();
      code.loop(count, (i) => append(code.scalar('number', data.dtype, `${numbers}[${i}]`, null)));
      if (nodata === true) fill();
    });
  },
};

/** Like `compare`: NaN last in either direction. Array.prototype.sort of typed arrays puts NaN last, too. */
function sortAscending(numbers: Float64Array, count: number): void {
  numbers.subarray(0, count).sort();
}

function sortDescending(numbers: Float64Array, count: number): void {
  const part = numbers.subarray(0, count).sort();
  const valid = part.findLastIndex((x) => !Number.isNaN(x)) + 1;
  part.subarray(0, valid).reverse();
}

const order: Implementation = {
  run: (args, call) => orderOf(elementsOf(args, 'data', call), args, call),
  emit: (operands, code) => {
    const data = code.numbers(operands, 'data');
    const nodata = code.known(operands, 'nodata') ?? null;
    const [numbers, positions] = [code.scratch(data.length), code.constant(new Int32Array(data.length))];
    const gaps = code.constant(new Int32Array(data.length));
    const [count, missing, position] = [code.variable('0'), code.variable('0'), code.variable('0')];
    code.each(data, (x) => {
      code.line(`${numbers}[${position}] = ${x.value};`);
      const keep = () => code.line(`${positions}[${count}] = ${position}; ${count} += 1;`);
      if (x.isNull === null) keep();
      else code.branch(`(${x.isNull}) === 0`, keep, () => code.line(`${gaps}[${missing}] = ${position}; ${missing} += 1;`));
      code.line(`${position} += 1;`);
    });
    code.line(`${code.constant(code.known(operands, 'asc') === false ? orderDescending : orderAscending)}(${numbers}, ${positions}, ${count});`);
    const shape = { type: 'number', dtype: 'float32', length: data.length, isFull: data.count === null && (!data.isNullable || nodata !== null) } as const;
    return code.collect(shape, (append) => {
      const from = (list: string, length: string) => code.loop(length, (i) => append(code.scalar('number', 'float32', `${list}[${i}]`, null)));
      if (nodata === false) from(gaps, missing);
      from(positions, count);
      if (nodata === true) from(gaps, missing);
    });
  },
};

const orderAscending = (numbers: Float64Array, positions: Int32Array, count: number) => orderBy(numbers, positions, count, 1);
const orderDescending = (numbers: Float64Array, positions: Int32Array, count: number) => orderBy(numbers, positions, count, -1);

/** Sorts positions by the numbers they stand for; equal numbers keep their order. */
function orderBy(numbers: Float64Array, positions: Int32Array, count: number, direction: number): void {
  if (count > 64) {
    positions.subarray(0, count).sort((a, b) => compare(numbers[a]!, numbers[b]!, direction) || a - b);
    return;
  }
  for (let i = 1; i < count; i++) {
    const position = positions[i]!;
    let k = i - 1;
    while (k >= 0 && compare(numbers[positions[k]!]!, numbers[position]!, direction) > 0) {
      positions[k + 1] = positions[k]!;
      k--;
    }
    positions[k + 1] = position;
  }
}

function checkedPosition(position: Value, length: number, call: Pick<Call, 'path'>): number {
  if (typeof position === 'number' && Number.isInteger(position) && position >= 0 && position < length) return position;
  throw invalid(call, 'order', `it must hold positions from 0 to ${length - 1}, not ${describeValue(position)}`);
}

const rearrange: Implementation = {
  run: (args, call) => {
    const data = elementsOf(args, 'data', call);
    return elementsOf(args, 'order', call).map((position) => data[checkedPosition(position, data.length, call)]!);
  },
  emit: (operands, code) => {
    const [data, places] = [code.array(operands, 'data'), code.numbers(operands, 'order')];
    // Kernels are kept: of the call only the path may stay with them.
    const call: Pick<Call, 'path'> = { path: code.call.path };
    const wanted = code.constant((position: number, isNull: number, length: number) => checkedPosition(isNull === 1 ? null : position, length, call));
    const shape = { type: data.type, dtype: data.dtype, length: places.length, isFull: places.count === null } as const;
    return code.collect(shape, (append) => code.each(places, (place) => {
      append(data.at(code.local(`${wanted}(${place.value}, ${place.isNull ?? '0'}, ${data.count ?? data.length})`)));
    }));
  },
};

export const sorting: Record<string, Implementation> = { order, rearrange, sort };
