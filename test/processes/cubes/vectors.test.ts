/** The upstream test vectors of the cube processes, run through the evaluator with real callbacks. */
import { describe, expect, it } from 'vitest';
import { isOpenEOError } from '../../../src/errors.ts';
import { evaluate } from '../../../src/graph/evaluate.ts';
import { cubeProcesses } from '../../../src/processes/cubes/index.ts';
import { expectReturned } from '../../conformance/vector-compare.ts';
import { absent, specFolder, toProcess, vectors, type Vector } from '../../conformance/vectors.ts';
import { recordingScope, registry } from './harness.ts';

async function check(vector: Vector): Promise<void> {
  const { process, parameters } = toProcess(vector);
  if (vector.throws !== undefined && vector.returns === undefined) {
    const error = await evaluate(process, registry, recordingScope().scope, parameters).then(() => null, (e: unknown) => e);
    expect(isOpenEOError(error) && error.code, String(error)).toBe(vector.throws);
    return;
  }
  await expectReturned(await evaluate(process, registry, recordingScope().scope, parameters), vector.returns, vector.delta);
}

describe.each(Object.keys(cubeProcesses))('%s', (id) => {
  const cases = vectors(id);
  if (specFolder === null) it.skip(absent, () => {});
  else if (cases.length === 0) it('has no upstream vectors', () => expect(cases).toEqual([]));
  for (const vector of cases) {
    const name = `vector ${vector.index}`;
    if (vector.skip !== undefined) it.skip(`${name}: ${vector.skip}`, () => {});
    else it(name, () => check(vector));
  }
});
