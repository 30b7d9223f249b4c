/** Category logic: three-valued, with no-data where the outcome depends on an unknown value. */
import { anyNull, type Code, type Operand, type ScalarOperand } from '../graph/emit.ts';
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
};

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
