/** The upstream test vectors of all scalar and array processes, run as process graphs. */
import { describe, expect, it } from 'vitest';
import { isOpenEOError } from '../../src/errors.ts';
import { evaluate } from '../../src/graph/evaluate.ts';
import { scalarProcesses } from '../../src/processes/index.ts';
import { expectReturned } from '../conformance/vector-compare.ts';
import { absent, specFolder, toProcess, vectors, type Vector } from '../conformance/vectors.ts';
import { emptyScope, registry } from './registry.ts';

/** The standard has no case for fit_curve; cubes/curves.test.ts has ours. */
const ids = Object.keys(scalarProcesses).filter((id) => id !== 'fit_curve').sort();

async function expectCase(vector: Vector): Promise<void> {
  const { process, parameters } = toProcess(vector);
  let returned;
  try {
    returned = await evaluate(process, registry, emptyScope(), parameters);
  } catch (error) {
    expect(isOpenEOError(error), String(error)).toBe(true);
    expect(vector.throws, `threw ${String(error)}`).toBeDefined();
    return;
  }
  expect('returns' in vector, `returned ${JSON.stringify(returned)} instead of throwing ${String(vector.throws)}`).toBe(true);
  await expectReturned(returned, vector.returns, vector.delta);
}

describe.each(ids)('%s', (id) => {
  const cases = vectors(id);
  if (!specFolder) it.skip(absent);
  else it('has vectors', () => expect(cases.length).toBeGreaterThan(0));
  for (const vector of cases) {
    if (vector.skip !== undefined) it.skip(`${vector.index}: ${vector.skip}`);
    else it(`passes case ${vector.index}`, () => expectCase(vector));
  }
});
