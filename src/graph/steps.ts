/** How much one callback may compute: loops inside of loops multiply, and nothing can stop code that does not wait. */
import { OpenEOError } from '../errors.ts';

/** Counts down the nodes that the interpreter runs. */
export interface Steps {
  left: number;
}

/** For one node of the outermost graph, e.g. an array_apply. */
export const STEPS_PER_NODE = 1_000_000;
/** For one cell of a cube, where a callback can't be compiled. */
export const STEPS_PER_CELL = 100_000;

/** Throws ProcessGraphInvalid when nothing is left. */
export function takeStep(steps: Steps): void {
  if (--steps.left < 0) throw tooManySteps();
}

export function tooManySteps(): OpenEOError {
  return new OpenEOError('ProcessGraphInvalid', {}, { detail: 'A callback takes too many steps for a single value: it has loops over arrays inside of each other. Use fewer of them, or shorter arrays.' });
}
