import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { silentLog } from '../../../src/log.ts';
import { readOperator } from '../../../src/operators/manifest.ts';
import { checkGolden, goldenInput, largestDifference, readGolden, type Golden } from '../../../src/operators/package/golden.ts';
import { createOnnxRuntime } from '../../../src/operators/runtime/onnx.ts';
import { noise, operatorsDirectory } from '../golden.ts';

const work = mkdtempSync(join(tmpdir(), 'lamina-golden-'));
const runtime = createOnnxRuntime({ threads: 1, log: silentLog });
afterAll(async () => {
  await runtime.close();
  rmSync(work, { recursive: true });
});

const pca = await readOperator(join(operatorsDirectory, 'pca'));
const golden = JSON.parse(readFileSync(join(operatorsDirectory, 'pca/golden.json'), 'utf8')) as Golden;
let count = 0;
async function withGolden(content: unknown) {
  const folder = join(work, `pca${count++}`);
  cpSync(join(operatorsDirectory, 'pca'), folder, { recursive: true });
  writeFileSync(join(folder, 'golden.json'), typeof content === 'string' ? content : JSON.stringify(content));
  return readOperator(folder);
}

it('makes the inputs that the file describes', () => {
  expect(goldenInput(50, golden.cases[0]!)).toEqual(noise(50, golden.cases[0]!));
});

it('passes the shipped operator and gives how near it came', async () => {
  const results = await checkGolden(pca, runtime);
  expect(results).toHaveLength(golden.cases.length);
  for (const result of results) expect(result).toMatchObject({ isWithin: true, largestDifference: expect.toSatisfy((d: number) => d > 0 && d < 1e-5) });
});

it('fails another vector, and one that is NaN', async () => {
  const [first, ...others] = golden.cases;
  const other = await withGolden({ ...golden, cases: [{ ...first!, expected: first!.expected.with(3, first!.expected[3]! + 1e-3) }, ...others] });
  expect((await checkGolden(other, runtime)).map((r) => r.isWithin)).toEqual([false, ...others.map(() => true)]);
  const nan = { run: async (...args: Parameters<typeof runtime.run>) => (await runtime.run(...args)).fill(NaN, 0, 1) };
  expect((await checkGolden(pca, nan))[0]).toMatchObject({ isWithin: false, largestDifference: Infinity });
  expect([largestDifference([1], [1, 2]), largestDifference([1, NaN, 2], [1, 2, 2]), largestDifference([1, 2], [1, 4])]).toEqual([Infinity, Infinity, 2]);
});

it.each<[string, unknown, string]>([
  ['no JSON', '{', 'is not JSON'],
  ['no object', 'null', 'tolerance must be a number'],
  ['no cases', { tolerance: 1, cases: [] }, 'with a case at least'],
  ['a case that is none', { tolerance: 1, cases: [null] }, 'cases[0] must have rows, columns, seed, low and high'],
  ['pixels that make no patches', { tolerance: 1, cases: [{ ...golden.cases[0]!, rows: 9 }] }, 'n · 8 + 2 · 0 rows'],
  ['a case for giants', { tolerance: 1, cases: [{ ...golden.cases[0]!, rows: 8e6, columns: 8e6 }] }, 'samples at most'],
  ['another shape', { tolerance: 1, cases: [{ ...golden.cases[0]!, shape: [1] }] }, 'must have the shape [32, 1, 1]'],
  ['too few numbers', { tolerance: 1, cases: [{ ...golden.cases[0]!, expected: [1] }] }, 'for every place of its shape'],
])('refuses a golden file with %s', async (_, content, message) => {
  await expect(readGolden(await withGolden(content))).rejects.toThrow(expect.objectContaining({ name: 'OperatorPackageInvalid', message: expect.stringContaining(message) }));
});

it('runs each case with its parameters, and asks for those that are required', async () => {
  const manifest = { ...pca.manifest, params: [{ name: 'gain', description: 'Factor.', type: 'number' as const }] };
  const withParams = (params?: unknown) => withGolden({ tolerance: 1e-4, cases: golden.cases.map((one) => ({ ...one, ...(params !== undefined && { params }) })) }).then((operator) => ({ ...operator, manifest }));
  const seen: unknown[] = [];
  const watching = { run: (...[operator, ...rest]: Parameters<typeof runtime.run>) => {
    seen.push([operator.params, operator.digest]);
    return runtime.run(operator, ...rest);
  } };
  expect((await checkGolden(await withParams({ gain: 2 }), watching)).every((result) => result.isWithin)).toBe(true);
  expect(seen[0]).toEqual([{ gain: 2 }, expect.not.stringMatching(pca.digest)]);
  await expect(checkGolden(await withParams(), watching)).rejects.toThrow(/cases\[0\] must have params that fit: .*'gain'.*requires it/);
  await expect(checkGolden(await withParams({ gain: 'x' }), watching)).rejects.toThrow(/'gain'.*must be a number/);
  await expect(checkGolden(await withParams([]), watching)).rejects.toThrow(/they must be an object/);
});
