/**
 * Two programs one after the other as one, so that nothing is written between them: the mean over time of an
 * index of bands reads the bands and keeps the index in registers.
 */
import { sampleSize, type DType } from '../../cube/dtype.ts';
import { Expressions, substitute, type Expression } from './expression.ts';
import { Facts, rangeOfDType } from './facts.ts';
import { orNull, type LaneProgram, type LaneResult } from './program.ts';

/** Where element `inner` of the first program's input lies for element `outer` of the second one's. */
export type Placement = (outer: number, inner: number) => number;

/** Together they may read this many samples per cell: longer trees are deeper than the stack. */
const MAX_ELEMENTS = 1024;

/**
 * The program that computes `second` on what `first` gives. Both have one input; `first` gives single values.
 * Null when what lies between them can't be kept as it would be stored.
 */
export function compose(first: LaneProgram, second: LaneProgram, place: Placement): LaneProgram | null {
  const [input, series] = [first.inputs[0]!, second.inputs[0]!];
  const length = input.length * series.length;
  if (first.length !== null || first.inputs.length !== 1 || second.inputs.length !== 1 || length > MAX_ELEMENTS) return null;
  const join = (before: readonly LaneResult[]) => orNull(() => joined(before[0]!, first.dtype, before[0]!.isNull === null ? second.plain : second.guarded, place));
  const [plain, guarded] = [join(first.plain), join(first.guarded)];
  return plain && guarded && { inputs: [{ dtype: input.dtype, length }], dtype: second.dtype, length: second.length, plain, guarded };
}

function joined(before: LaneResult, dtype: DType, after: readonly LaneResult[], place: Placement): readonly LaneResult[] | null {
  if (!isKept(before.value, dtype)) return null;
  const make = new Expressions();
  const never = make.boolean(false);
  const moved = new Map<number, (x: Expression) => Expression>();
  const move = (k: number) => {
    const found = moved.get(k) ?? substitute(make, (leaf) => make.make(leaf.op, [], { ...leaf, element: place(k, leaf.element) }));
    moved.set(k, found);
    return found;
  };
  const rebuild = substitute(make, ({ op, element }) => {
    const to = move(element);
    if (op === 'flag') return before.isNull === null ? never : to(before.isNull);
    const value = to(before.value);
    return dtype === 'float32' ? make.stored(value) : value;
  });
  return after.map(({ value, isNull }) => ({ value: rebuild(value), isNull: isNull && rebuild(isNull) }));
}

/** Whether storing the value and reading it again changes nothing (besides rounding to float32). */
function isKept(value: Expression, dtype: DType): boolean {
  if (dtype === 'bool' || dtype === 'float32' || dtype === 'float64') return true;
  const [range, limits] = [new Facts().rangeOf(value), rangeOfDType(dtype)];
  return range !== null && limits !== undefined && sampleSize(dtype) <= 4 && range[0] >= limits[0] && range[1] <= limits[1];
}
