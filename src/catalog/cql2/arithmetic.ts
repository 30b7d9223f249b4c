/** Sums and the like on doubles, without the values that a database refuses: those are unknown (null). */
import type { Arithmetic } from './operations.ts';

/** null where there is no finite result, and where a result that is not zero is too small to be told from it. */
export function calculate(op: Arithmetic, a: number, b: number): number | null {
  const result = raw(op, a, b);
  if (!Number.isFinite(result)) return null;
  return isVanished(op, a, b, result) ? null : result;
}

function raw(op: Arithmetic, a: number, b: number): number {
  switch (op) {
    case '+': return a + b;
    case '-': return a - b;
    case '*': return a * b;
    case '/': return a / b;
    case '^': return a ** b;
    case 'div': return Math.trunc(quotient(a, b));
    case '%': return a - b * Math.trunc(quotient(a, b));
  }
}

/** A quotient that is too small counts as no number, as in the database. */
const quotient = (a: number, b: number) => (a / b === 0 && a !== 0 ? NaN : a / b);

function isVanished(op: Arithmetic, a: number, b: number, result: number): boolean {
  if (result !== 0 || a === 0) return false;
  return op === '/' || op === '^' || (op === '*' && b !== 0);
}
