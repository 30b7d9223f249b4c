/** Category logic: three-valued, with no-data where the outcome depends on an unknown value. */
import { anyNull, type Code, type Operand, type ScalarOperand } from '../graph/emit.ts';
import { laneScalar, type LaneCode, type LaneEmitter, type LaneOperand, type LaneScalar } from '../graph/lanes/lane-code.ts';
import type { Implementation } from '../graph/process.ts';
import { selectionOf } from '../graph/result-dtype.ts';
import { booleanOf } from './arguments.ts';

/** One operand of this value decides and, or, whatever the other is. */
function connective(decisive: boolean): Implementation {
  const is = (x: ScalarOperand) => (decisive ? x.value : `!${x.value}`);
  const surely = (x: ScalarOperand) => (x.isNull === null ? is(x) : `(!(${x.isNull}) && ${is(x)})`);
  return {
    run: (args, call) => {
      const [x, y] = [booleanOf(args, 'x', call), booleanOf(args, 'y', call)];
      if (x === decisive || y === decisive) return decisive;
      return x === null || y === null ? null : !decisive;
    },
    emit: (operands, code) => {
      const [x, y] = [code.boolean(operands, 'x'), code.boolean(operands, 'y')];
      const decided = code.local(`${surely(x)} || ${surely(y)}`);
      const nulls = anyNull(x, y);
      return code.scalar('boolean', 'bool', decisive ? decided : `!${decided}`, nulls === null ? null : `${decided} ? 0 : ${nulls}`);
    },
    lanes: connectiveLanes(decisive),
  };
}

function connectiveLanes(decisive: boolean): LaneEmitter {
  return (operands, code) => {
    const { make } = code;
    const both = [code.boolean(operands, 'x'), code.boolean(operands, 'y')] as const;
    const [x, y] = both.map(({ value, isNull }) => {
      const is = decisive ? value : make.not(value);
      return isNull === null ? is : make.and(make.not(isNull), is);
    });
    const decided = make.or(x!, y!);
    const nulls = make.any(both.map((b) => b.isNull));
    return laneScalar('bool', decisive ? decided : make.not(decided), nulls && make.and(nulls, make.not(decided)));
  };
}

const xor: Implementation = {
  run: (args, call) => {
    const [x, y] = [booleanOf(args, 'x', call), booleanOf(args, 'y', call)];
    return x === null || y === null ? null : x !== y;
  },
  emit: (operands, code) => {
    const [x, y] = [code.boolean(operands, 'x'), code.boolean(operands, 'y')];
    return code.scalar('boolean', 'bool', `${x.value} !== ${y.value}`, anyNull(x, y));
  },
  lanes: (operands, code) => {
    const [x, y] = [code.boolean(operands, 'x'), code.boolean(operands, 'y')];
    return laneScalar('bool', code.make.xor(x.value, y.value), code.make.any([x.isNull, y.isNull]));
  },
};

const not: Implementation = {
  run: (args, call) => {
    const x = booleanOf(args, 'x', call);
    return x === null ? null : !x;
  },
  emit: (operands, code) => {
    const x = code.boolean(operands, 'x');
    return code.scalar('boolean', 'bool', `!${x.value}`, x.isNull);
  },
  lanes: (operands, code) => {
    const x = code.boolean(operands, 'x');
    return laneScalar('bool', code.make.not(x.value), x.isNull);
  },
};

/** `reject` is taken for false and for no-data. */
const conditional: Implementation = {
  run: (args, call) => (booleanOf(args, 'value', call) === true ? args['accept'] : args['reject']) ?? null,
  emit: (operands, code) => {
    const none: Operand = { kind: 'constant', value: null };
    const [accept, reject] = [operands['accept'] ?? none, operands['reject'] ?? none];
    if (operands['value']?.kind === 'constant') return code.boolean(operands, 'value').literal === true ? accept : reject;
    const value = code.boolean(operands, 'value');
    const [a, r] = alike(accept, reject, code);
    const holds = code.local(value.isNull === null ? value.value : `!(${value.isNull}) && ${value.value}`);
    const isNull = a.isNull === null && r.isNull === null ? null : `${holds} ? (${a.isNull ?? '0'}) : (${r.isNull ?? '0'})`;
    const dtype = a.type === 'boolean' ? 'bool' : selectionOf([a, r]);
    return code.scalar(a.type, dtype, `${holds} ? ${a.value} : ${r.value}`, isNull);
  },
  lanes: (operands, code) => {
    const none: LaneOperand = { kind: 'constant', value: null };
    const [accept, reject] = [operands['accept'] ?? none, operands['reject'] ?? none];
    const value = code.boolean(operands, 'value');
    if (operands['value']?.kind === 'constant') return value.literal === true ? accept : reject;
    return chooseLanes(code, value, accept, reject);
  },
};

function chooseLanes(code: LaneCode, { value, isNull: unknown }: LaneScalar, accept: LaneOperand, reject: LaneOperand): LaneScalar {
  const { make } = code;
  const type = [code.single(accept), code.single(reject)].find((s) => s.literal !== null)?.type ?? code.giveUp('both are no-data');
  const of = (operand: LaneOperand) => (type === 'number' ? code.number({ operand }, 'operand') : code.boolean({ operand }, 'operand'));
  const [a, r] = [of(accept), of(reject)];
  const holds = unknown === null ? value : make.and(make.not(unknown), value);
  const isNull = a.isNull === null && r.isNull === null ? null : make.choose(holds, a.isNull ?? make.boolean(false), r.isNull ?? make.boolean(false));
  return laneScalar(type === 'boolean' ? 'bool' : selectionOf([a, r]), make.choose(holds, a.value, r.value), isNull);
}

/** Both operands as single values of one type; no-data goes with any. */
function alike(accept: Operand, reject: Operand, code: Code): [ScalarOperand, ScalarOperand] {
  const typeOf = (o: Operand) => (o.kind === 'scalar' ? o.type : o.kind === 'constant' && o.value !== null ? typeof o.value : 'null');
  const types = new Set([typeOf(accept), typeOf(reject)].filter((t) => t !== 'null'));
  const [type] = types;
  const isSingle = [accept, reject].every((o) => o.kind === 'scalar' || o.kind === 'constant');
  if (!isSingle || types.size !== 1 || (type !== 'number' && type !== 'boolean')) return code.giveUp('if must choose between two numbers or two booleans');
  const operands = { accept, reject };
  return type === 'number' ? [code.number(operands, 'accept'), code.number(operands, 'reject')] : [code.boolean(operands, 'accept'), code.boolean(operands, 'reject')];
}

export const logic: Record<string, Implementation> = { and: connective(false), if: conditional, not, or: connective(true), xor };
