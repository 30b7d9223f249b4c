/** Category math > constants, and `constant`. Without arguments that change, the compiler folds them into the loop. */
import type { Implementation } from '../graph/process.ts';

export const constants: Record<string, Implementation> = {
  constant: { run: (args) => args['x'] ?? null, emit: (operands) => operands['x'] ?? { kind: 'constant', value: null } },
  e: { run: () => Math.E },
  nan: { run: () => NaN },
  pi: { run: () => Math.PI },
};
