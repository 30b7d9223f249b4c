/** Category arrays: processes that run a callback for each element. */
import type { Label } from '../cube/dimension.ts';
import type { Callback } from '../graph/callback.ts';
import type { ArrayOperand, CallbackOperand, Code, Operand, Operands, ScalarOperand } from '../graph/emit.ts';
import { mentionsParameter } from '../graph/graph.ts';
import { laneScalar } from '../graph/lanes/lane-code.ts';
import type { Call, Implementation } from '../graph/process.ts';
import { describeValue } from '../graph/schema-words.ts';
import type { Arguments, Value } from '../graph/value.ts';
import { applyLanes, eachLane, holdsLanes } from './array-lanes.ts';
import { arrayOf, callbackOf, elementsOf, invalid, labelsOf } from './arguments.ts';
import { isValid, validLanes } from './comparison.ts';

/** Runs the callback for every element with x, index, label and context. */
function mapElements(args: Arguments, callback: Callback, call: Call): Value[] {
  const labels = labelsOf(args, 'data');
  const context = args['context'] ?? null;
  return elementsOf(args, 'data', call).map((x, index) => callback.interpret({ x, index, label: labels?.[index] ?? null, context }));
}

/** The same as code. Labels are known, but only one by one: then the loop is written out. */
function eachInline(operands: Operands, name: string, code: Code, body: (result: Operand, x: ScalarOperand) => void): ArrayOperand {
  const data = code.array(operands, 'data');
  const callback = operands[name];
  if (callback?.kind !== 'callback') return code.giveUp('the callback is not part of the graph');
  const shared = { context: operands['context'] ?? { kind: 'constant', value: null } } satisfies Record<string, Operand>;
  if (data.labels && mentionsParameter(callback.graph, 'label')) writeOut(data, data.labels, callback, shared, code, body);
  else {
    const position = code.variable('0');
    code.each(data, (x) => {
      const index: ScalarOperand = { kind: 'scalar', type: 'number', dtype: 'float32', value: position, isNull: null };
      body(code.inline(callback, { x, index, label: { kind: 'constant', value: null }, ...shared }), x);
      code.line(`${position} += 1;`);
    });
  }
  return data;
}

function writeOut(
  data: ArrayOperand, labels: readonly Label[], callback: CallbackOperand, shared: Record<string, Operand>, code: Code,
  body: (result: Operand, x: ScalarOperand) => void,
): void {
  if (labels.length > 256 || data.count !== null) code.giveUp('the loop over the labels is too long');
  labels.forEach((label, i) => {
    const x = data.at(i);
    body(code.inline(callback, { x, index: { kind: 'constant', value: i }, label: { kind: 'constant', value: label }, ...shared }), x);
  });
}

const apply: Implementation = {
  run: (args, call) => arrayOf(mapElements(args, callbackOf(args, 'process'), call), labelsOf(args, 'data')),
  emit: (operands, code) => {
    const data = code.array(operands, 'data');
    const { type, dtype } = elementShape(operands, data, code);
    return code.collect({ type, dtype, length: data.length, isFull: data.count === null, labels: data.labels }, (append) => {
      eachInline(operands, 'process', code, (result) => append(code.asScalar(result, type)));
    });
  },
  lanes: applyLanes,
};

/** Type of what the callback gives, found by writing it once for the first element and throwing that away. */
function elementShape(operands: Operands, data: ArrayOperand, code: Code): Pick<ScalarOperand, 'type' | 'dtype'> {
  const callback = operands['process'];
  if (callback?.kind !== 'callback') return code.giveUp('the callback is not part of the graph');
  return code.dryRun(() => {
    const x: ScalarOperand = { kind: 'scalar', type: data.type, dtype: data.dtype, value: data.type === 'boolean' ? 'false' : '0', isNull: data.isNullable ? '0' : null };
    const index: ScalarOperand = { kind: 'scalar', type: 'number', dtype: 'float32', value: '0', isNull: null };
    const label: Operand = { kind: 'constant', value: data.labels?.[0] ?? null };
    return code.asScalar(code.inline(callback, { x, index, label, context: operands['context'] ?? { kind: 'constant', value: null } }));
  });
}

const filter: Implementation = {
  run: (args, call) => {
    const keep = mapElements(args, callbackOf(args, 'condition'), call).map((v) => isTrue(v, call));
    const labels = labelsOf(args, 'data')?.filter((_, i) => keep[i]) ?? null;
    return arrayOf(elementsOf(args, 'data', call).filter((_, i) => keep[i]), labels);
  },
  emit: (operands, code) => {
    const data = code.array(operands, 'data');
    return code.collect({ type: data.type, dtype: data.dtype, length: data.length, isFull: false }, (append) => {
      eachInline(operands, 'condition', code, (result, x) => code.branch(holds(result, code), () => append(x)));
    });
  },
};

/** Conditions give booleans; no-data counts as false. */
function isTrue(value: Value, call: Call): boolean {
  if (value === null || typeof value === 'boolean') return value === true;
  throw invalid(call, 'condition', `it must give a boolean, not ${describeValue(value)}`);
}

function holds(result: Operand, code: Code): string {
  const value = code.boolean({ condition: result }, 'condition');
  return value.isNull === null ? value.value : `!(${value.isNull}) && ${value.value}`;
}

const count: Implementation = {
  run: (args, call) => {
    const data = elementsOf(args, 'data', call);
    const condition = args['condition'] ?? null;
    if (condition === true) return data.length;
    if (condition === null) return data.filter(isValid).length;
    if (condition === false) throw invalid(call, 'condition', '`false` is not allowed; leave it out to count valid elements, or use `true` to count all');
    return mapElements(args, callbackOf(args, 'condition'), call).filter((v) => isTrue(v, call)).length;
  },
  emit: (operands, code) => {
    const data = code.array(operands, 'data');
    const condition = operands['condition'] ?? { kind: 'constant', value: null };
    const total = code.variable('0');
    const add = () => code.line(`${total} += 1;`);
    if (condition.kind === 'callback') eachInline(operands, 'condition', code, (result) => code.branch(holds(result, code), add));
    else if (code.known(operands, 'condition') === true) code.line(`${total} = ${data.count ?? data.length};`);
    else if (code.known(operands, 'condition') === null) code.each(data, (x) => code.branch(validity(x), add));
    else return code.giveUp('the condition is refused');
    return code.scalar('number', 'float32', total, null);
  },
  lanes: (operands, code) => {
    const { make } = code;
    const { elements } = code.array(operands, 'data');
    if (operands['condition']?.kind === 'callback') {
      return laneScalar('float32', make.count(eachLane(operands, 'condition', code).map(({ result }) => holdsLanes(result, code))), null);
    }
    const condition = code.known(operands, 'condition') ?? null;
    if (condition === true) return laneScalar('float32', make.number(elements.length), null);
    return condition === null ? laneScalar('float32', make.count(elements.map((x) => validLanes(make, x))), null) : code.giveUp('the condition is refused');
  },
};

function validity(x: ScalarOperand): string {
  const tests = [...(x.isNull === null ? [] : [`(${x.isNull}) === 0`]), ...(x.type === 'number' ? [`${x.value} - ${x.value} === 0`] : [])];
  return tests.join(' && ') || 'true';
}

export const arrayCallbacks: Record<string, Implementation> = { array_apply: apply, array_filter: filter, count };
