/** Operands made of constants, and the types of operands. */
import { invalidArgument } from '../errors.ts';
import type { Label } from '../cube/dimension.ts';
import { NotCompilable, type ArrayOperand, type Operand, type ScalarOperand, type ScalarType } from './emit.ts';
import { dtypeOfNumber, selectionOf } from './result-dtype.ts';
import { describeValue } from './schema-words.ts';
import { LabeledArray, type Value } from './value.ts';

/** A number, boolean or null as an operand; null takes the wanted type. */
export function literalOperand(value: number | boolean | null, type: ScalarType = 'number'): ScalarOperand {
  if (value === null) return { kind: 'scalar', type, dtype: type === 'boolean' ? 'bool' : 'uint8', value: type === 'boolean' ? 'false' : '0', isNull: '1', literal: null };
  if (typeof value === 'boolean') return { kind: 'scalar', type: 'boolean', dtype: 'bool', value: String(value), isNull: null, literal: value };
  return { kind: 'scalar', type: 'number', dtype: dtypeOfNumber(value), value: numberLiteral(value), isNull: null, literal: value };
}

/** A number as code: NaN and Infinity are names, negative numbers need brackets. */
function numberLiteral(value: number): string {
  if (Object.is(value, -0)) return '(-0)';
  return value < 0 ? `(${value})` : String(value);
}

/** What an operand is, in the words of error messages. */
export function describeOperand(operand: Operand): string {
  if (operand.kind === 'constant') return describeValue(operand.value);
  if (operand.kind === 'scalar') return `a ${operand.type}`;
  return operand.kind === 'array' ? 'an array' : 'a process graph';
}

/** The operand as a single value of a type. Throws ProcessParameterInvalid, naming process and parameter. */
export function scalarOf(operand: Operand | undefined, type: ScalarType, process: string, parameter: string): ScalarOperand {
  const given: Operand = operand ?? { kind: 'constant', value: null };
  if (given.kind === 'scalar' && given.type === type) return given;
  if (given.kind === 'scalar' && given.literal === null) return literalOperand(null, type);
  if (given.kind === 'constant' && (given.value === null || typeof given.value === type)) return literalOperand(given.value as number | boolean | null, type);
  throw invalidArgument(process, parameter, `it must be a ${type}, not ${describeOperand(given)}`);
}

/** The elements of a constant array as operands; `type` is for arrays of nothing but no-data. */
export function constantElements(value: Value, type: ScalarType): { elements: ScalarOperand[]; labels: readonly Label[] | null } | null {
  const values = value instanceof LabeledArray ? value.values : Array.isArray(value) ? value as readonly Value[] : null;
  if (values === null) return null;
  const known = values.find((v) => v !== null);
  const elementType = known === undefined ? type : typeof known;
  if (elementType !== 'number' && elementType !== 'boolean') throw new NotCompilable('an array of other things than numbers and booleans');
  if (values.some((v) => v !== null && typeof v !== elementType)) throw new NotCompilable('an array of mixed types');
  return { elements: values.map((v) => literalOperand(v as number | boolean | null, elementType)), labels: value instanceof LabeledArray ? value.labels : null };
}

/** An array of operands that are known one by one. */
export function tupleOf(elements: readonly ScalarOperand[], labels: readonly Label[] | null): ArrayOperand {
  const type = elements.find((e) => e.literal !== null)?.type ?? elements[0]?.type ?? 'number';
  const alike = elements.map((e) => (e.literal === null ? literalOperand(null, type) : e));
  if (alike.some((e) => e.type !== type)) throw new NotCompilable('an array of mixed types');
  const dtype = type === 'boolean' ? 'bool' : selectionOf(alike);
  return {
    kind: 'array', type, dtype, length: alike.length, count: null, labels, elements: alike, isNullable: alike.some((e) => e.isNull !== null),
    at: (index) => (/^\d+$/.test(String(index)) ? alike[Number(index)]! : pick(alike, type, dtype, String(index))),
  };
}

/** The element at an index that is only known in the loop. */
function pick(elements: readonly ScalarOperand[], type: ScalarType, dtype: ScalarOperand['dtype'], index: string): ScalarOperand {
  if (elements.length > 64) throw new NotCompilable('too many elements to choose from');
  const choose = (parts: readonly string[], last: string) => `(${parts.map((part, i) => `${index} === ${i} ? ${part} : `).join('')}${last})`;
  const isNullable = elements.some((e) => e.isNull !== null);
  return {
    kind: 'scalar', type, dtype,
    value: choose(elements.map((e) => e.value), type === 'boolean' ? 'false' : '0'),
    isNull: isNullable ? choose(elements.map((e) => `(${e.isNull ?? '0'})`), '1') : null,
  };
}
