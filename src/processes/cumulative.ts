/** Category math > cumulative. */
import type { BinaryOp } from '../graph/lanes/expression.ts';
import type { Implementation } from '../graph/process.ts';
import { arithmeticOf } from '../graph/result-dtype.ts';
import { arrayOf, isSet, labelsOf, numbersOf } from './arguments.ts';
import { cumulativeLanes } from './array-lanes.ts';
import { ignoresNodata } from './reducers.ts';

/** Running results: each element is combined with all before it; no-data stays where it is. */
function cumulative(combine: (a: number, b: number) => number, initial: number, code: (a: string, b: string) => string, selects: boolean, op: BinaryOp): Implementation {
  return {
    run: (args, call) => {
      let total = initial;
      let isBroken = false;
      const values = numbersOf(args, 'data', call).map((x) => {
        if (x === null) isBroken ||= !isSet(args, 'ignore_nodata');
        else total = combine(total, x);
        return x === null || isBroken ? null : total;
      });
      return arrayOf(values, labelsOf(args, 'data'));
    },
    emit: (operands, target) => {
      const data = target.numbers(operands, 'data');
      const ignore = ignoresNodata(operands, target);
      const dtype = selects ? data.dtype : arithmeticOf([data]);
      const [total, broken] = [target.variable(String(initial)), target.variable('0')];
      const shape = { type: 'number', dtype, length: data.length, isFull: data.count === null, labels: data.labels } as const;
      return target.collect(shape, (append) => target.each(data, (x) => {
        const step = () => target.line(`${total} = ${code(total, x.value)};`);
        if (x.isNull === null) step();
        else target.branch(`(${x.isNull}) === 0`, step, ignore ? undefined : () => target.line(`${broken} = 1;`));
        const isNull = x.isNull === null ? (ignore ? null : broken) : `${x.isNull} | ${broken}`;
        append(target.scalar('number', dtype, total, isNull));
      }));
    },
    lanes: cumulativeLanes(initial, ({ make }, total, x) => make.binary(op, total, x), selects),
  };
}

export const cumulatives: Record<string, Implementation> = {
  cummax: cumulative((a, b) => Math.max(a, b), -Infinity, (a, b) => `Math.max(${a}, ${b})`, true, 'max'),
  cummin: cumulative((a, b) => Math.min(a, b), Infinity, (a, b) => `Math.min(${a}, ${b})`, true, 'min'),
  cumproduct: cumulative((a, b) => a * b, 1, (a, b) => `${a} * ${b}`, false, 'mul'),
  cumsum: cumulative((a, b) => a + b, 0, (a, b) => `${a} + ${b}`, false, 'add'),
};
