/** Arrays in lanes: their elements are expressions, so that joining, picking and running results need no memory. */
import type { Label } from '../cube/dimension.ts';
import { mentionsParameter } from '../graph/graph.ts';
import type { Expression } from '../graph/lanes/expression.ts';
import { rangeOfDType } from '../graph/lanes/facts.ts';
import { laneScalar, type LaneArray, type LaneCode, type LaneEmitter, type LaneOperand, type LaneOperands, type LaneScalar } from '../graph/lanes/lane-code.ts';
import { arithmeticOf, selectionOf } from '../graph/result-dtype.ts';
import { ignoresLanes } from './reducer-lanes.ts';

/** Longer arrays are too much code. */
const MAX_ELEMENTS = 1024;

/** The elements of arrays one after the other. */
export function chainLanes(parts: readonly LaneArray[], labels: readonly Label[] | null, code: LaneCode): LaneArray {
  const elements = parts.flatMap((part) => part.elements);
  const [first] = elements;
  if (!first || elements.length > MAX_ELEMENTS || elements.some((e) => e.type !== first.type)) return code.giveUp('the array is empty, too long or of mixed types');
  const filled = parts.filter((part) => part.elements.length > 0);
  // Arrays of known elements keep literals, which adapt; others count with their own type.
  const typed = filled.flatMap((part): readonly { dtype: LaneScalar['dtype'] }[] => (part.elements.some((e) => e.literal !== undefined) ? part.elements : [part]));
  return { kind: 'array', type: first.type, dtype: first.type === 'boolean' ? 'bool' : selectionOf(typed), labels, elements };
}

/** Runs a callback for every element, as eachInline in array-callbacks.ts does. */
export function eachLane(operands: LaneOperands, name: string, code: LaneCode): { readonly x: LaneScalar; readonly result: LaneOperand }[] {
  const data = code.array(operands, 'data');
  const callback = operands[name];
  if (callback?.kind !== 'callback' || data.elements.length > MAX_ELEMENTS) return code.giveUp('the callback is not part of the graph, or the array is too long');
  const isLabeled = data.labels !== null && mentionsParameter(callback.graph, 'label');
  const context = operands['context'] ?? { kind: 'constant', value: null };
  return data.elements.map((x, k) => {
    const index: LaneOperand = isLabeled ? { kind: 'constant', value: k } : laneScalar('float32', code.make.number(k), null);
    return { x, result: code.inline(callback, { x, index, label: { kind: 'constant', value: isLabeled ? data.labels![k]! : null }, context }) };
  });
}

export const applyLanes: LaneEmitter = (operands, code) => {
  const { labels } = code.array(operands, 'data');
  const elements = eachLane(operands, 'process', code).map(({ result }) => code.single(result));
  const [first] = elements;
  if (!first || elements.some((e) => e.type !== first.type || e.literal !== undefined)) return code.giveUp('results are of mixed types');
  return { kind: 'array', type: first.type, dtype: first.dtype, labels, elements };
};

/** Where a condition holds; no-data counts as false. */
export function holdsLanes(operand: LaneOperand, code: LaneCode): Expression {
  const { value, isNull } = code.boolean({ operand }, 'operand');
  return isNull === null ? value : code.make.and(code.make.not(isNull), value);
}

/** Where the elements equal the value. */
function matches(operands: LaneOperands, code: LaneCode): readonly Expression[] {
  const { make } = code;
  const data = code.array(operands, 'data');
  const value = code.single(operands['value']);
  if (value.type !== data.type || value.literal === null) return code.giveUp('the value is of another type than the elements');
  return data.elements.map((x) => {
    const same = x.type === 'boolean' ? make.not(make.xor(x.value, value.value)) : make.compare('eq', x.value, value.value);
    return [x.isNull, value.isNull].reduce((is: Expression, flag) => (flag === null ? is : make.and(is, make.not(flag))), same);
  });
}

export const containsLanes: LaneEmitter = (operands, code) => laneScalar('bool', code.make.any(matches(operands, code)) ?? code.make.boolean(false), null);

export const findLanes: LaneEmitter = (operands, code) => {
  const { make } = code;
  const found = matches(operands, code);
  const isReversed = code.known(operands, 'reverse') === true;
  const ordered = found.map((is, k) => [is, make.number(k)] as const);
  const index = (isReversed ? ordered : ordered.toReversed()).reduce((at, [is, k]) => make.choose(is, k, at), make.number(0));
  return laneScalar('float32', index, make.not(make.any(found) ?? make.boolean(false)));
};

/** cumsum and its like; see cumulative.ts. */
export function cumulativeLanes(initial: number, step: (code: LaneCode, total: Expression, x: Expression) => Expression, selects: boolean): LaneEmitter {
  return (operands, code) => {
    const { make } = code;
    const data = code.array(operands, 'data');
    if (data.elements.length === 0 || data.elements.length > MAX_ELEMENTS || data.type !== 'number') return code.giveUp('there are no numbers, or too many');
    const ignore = ignoresLanes(operands, code);
    const dtype = selects ? data.dtype : arithmeticOf([data]);
    const range = selects ? rangeOfDType(data.dtype) : undefined;
    let total = make.number(range ? range[initial < 0 ? 0 : 1] : initial);
    let broken: Expression | null = null;
    const elements = data.elements.map(({ value, isNull }) => {
      const next = step(code, total, value);
      total = isNull === null ? next : make.choose(isNull, total, next);
      if (!ignore) broken = make.any([broken, isNull]);
      return laneScalar(dtype, total, make.any([isNull, broken]));
    });
    return { kind: 'array', type: 'number', dtype, labels: data.labels, elements };
  };
}

/** The nearest valid element on one side of a gap. */
interface Neighbour {
  readonly value: Expression;
  readonly position: Expression;
  readonly exists: Expression;
}

/** Gaps between two numbers filled with the line between them; `axis` are the positions of the elements. */
export function interpolateLanes(data: LaneArray, axis: readonly number[], code: LaneCode): LaneArray {
  const { make } = code;
  if (data.elements.length === 0 || data.elements.length > MAX_ELEMENTS || data.type !== 'number') return code.giveUp('there are no numbers, or too many');
  const gaps = data.elements.map(({ value, isNull }) => make.any([isNull, make.isNaN(value)])!);
  const walk = (order: readonly number[]): Neighbour[] => {
    const found: Neighbour[] = [];
    let last: Neighbour = { value: make.number(0), position: make.number(0), exists: make.boolean(false) };
    for (const k of order) {
      found[k] = last;
      const [is, x, at] = [gaps[k]!, data.elements[k]!.value, make.number(axis[k]!)];
      last = { value: make.choose(is, last.value, x), position: make.choose(is, last.position, at), exists: make.or(last.exists, make.not(is)) };
    }
    return found;
  };
  const order = data.elements.map((_, k) => k);
  const [before, after] = [walk(order), walk(order.toReversed())];
  const dtype = arithmeticOf([data]);
  const elements = data.elements.map((x, k) => {
    const [a, b] = [before[k]!, after[k]!];
    const isFilled = make.and(gaps[k]!, make.and(a.exists, b.exists));
    const part = make.div(make.sub(make.number(axis[k]!), a.position), make.sub(b.position, a.position));
    return laneScalar(dtype, make.choose(isFilled, onLineLanes(code, a.value, b.value, part), x.value), x.isNull && make.and(x.isNull, make.not(isFilled)));
  });
  return { kind: 'array', type: 'number', dtype, labels: data.labels, elements };
}

/** The same steps as onLine in ranking.ts. */
function onLineLanes({ make }: LaneCode, low: Expression, high: Expression, part: Expression): Expression {
  const distance = make.sub(high, low);
  const rest = make.sub(make.number(1), part);
  const near = make.choose(make.compare('lt', part, make.number(0.5)), make.add(low, make.mul(distance, part)), make.sub(high, make.mul(distance, rest)));
  const far = make.choose(make.compare('eq', low, high), low, make.add(make.mul(low, rest), make.mul(high, part)));
  return make.choose(make.isFinite(distance), near, far);
}
