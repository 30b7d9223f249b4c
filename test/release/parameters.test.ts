import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { Operator } from '../../src/operators/operator.ts';
import { readOperator } from '../../src/operators/manifest.ts';
import { goldenInput } from '../../src/operators/package/golden.ts';
import { callable, checkGolden } from '../../src/release/gate/golden.ts';
import type { Subject } from '../../src/release/gate/subject.ts';
import { operatorsDirectory } from '../operators/golden.ts';

const work = mkdtempSync(join(tmpdir(), 'lamina-gate-params-'));
afterAll(() => rmSync(work, { recursive: true }));

/** Gives `gain` times the first band, one pixel per patch. */
const subjectOf = (operator: Operator): Subject => ({
  operator,
  embed: async (blocks) => blocks.map(({ samples, rows, columns }) => samples.slice(0, rows * columns).map((v) => v * (operator.params['gain'] as number))),
});

async function withCases(gains: readonly number[]): Promise<Operator> {
  const folder = mkdtempSync(join(work, 'op-'));
  cpSync(join(operatorsDirectory, 'pca'), folder, { recursive: true });
  const input = { seed: 1, low: 0, high: 1000 };
  const samples = goldenInput(9 * 4, input);
  writeFileSync(join(folder, 'golden.json'), JSON.stringify({ tolerance: 1e-3, cases: gains.map((gain) => ({ ...input, rows: 2, columns: 2, params: { gain }, shape: [1, 2, 2], expected: Array.from(samples.slice(0, 4), (v) => v * gain) })) }));
  const operator = await readOperator(folder);
  return { ...operator, manifest: { ...operator.manifest, patch: 1, halo: 0, output: { dimensions: 1, prefix_truncatable: false }, params: [{ name: 'gain', description: 'Factor.', type: 'number' }] } as Operator['manifest'] };
}

it('an operator with required parameters is judged with those of its first golden case', async () => {
  const operator = await withCases([2, 3]);
  const called = await callable(operator);
  expect(called.params).toEqual({ gain: 2 });
  expect(called.digest).not.toBe(operator.digest);
  expect(await callable({ ...operator, params: { gain: 7 } })).toMatchObject({ params: { gain: 7 } });
});

it('each golden case is run with its own parameters', async () => {
  const called = await callable(await withCases([2, 3]));
  expect(await checkGolden(subjectOf(called), undefined, subjectOf)).toMatchObject({ status: 'passed' });
  // With those of the first for all, the second case is wrong: the test can tell.
  expect(await checkGolden(subjectOf(called))).toMatchObject({ status: 'failed' });
});
