/** The closing line of .ci/run: what the reports say, and never green by mistake. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'lamina-ci-'));

function report(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function sum(...outcomes: string[]) {
  const { stdout, status } = spawnSync(process.execPath, ['.ci/sum.mjs', ...outcomes], { encoding: 'utf8' });
  return { stdout, status };
}

const file = (status: string, ...tests: string[]) => ({ status, assertionResults: tests.map((test) => ({ status: test })) });
const vitest = (passed: number, failed: number, ...files: object[]) => JSON.stringify({ numPassedTests: passed, numFailedTests: failed, testResults: files });
const junit = (tests: number, failures: number, errors: number, skipped: number) =>
  `<?xml version="1.0"?><testsuites name="all"><testsuite name="pytest" errors="${errors}" failures="${failures}" skipped="${skipped}" tests="${tests}" time="1.0"></testsuite></testsuites>`;

it('adds up both kinds of report', () => {
  const [a, b] = [report('a.json', vitest(10, 0, file('passed', 'passed'))), report('a.xml', junit(7, 0, 0, 2))];
  expect(sum('passed:-', `passed:${a}`, `passed:${b}`)).toEqual({ stdout: '15 passed, 0 failed\n', status: 0 });
});

it('counts failures and errors', () => {
  const [a, b] = [report('b.json', vitest(10, 1, file('failed', 'failed'))), report('b.xml', junit(7, 1, 1, 0))];
  expect(sum(`failed:${a}`, `failed:${b}`)).toEqual({ stdout: '15 passed, 3 failed\n', status: 1 });
});

it('counts a file that could not be loaded', () => {
  expect(sum(`failed:${report('c.json', vitest(10, 0, file('passed', 'passed'), file('failed')))}`)).toEqual({ stdout: '10 passed, 1 failed\n', status: 1 });
});

it('counts a missing report', () => {
  expect(sum(`passed:${report('d.json', vitest(1, 0))}`, `passed:${join(folder, 'absent.xml')}`)).toEqual({ stdout: '1 passed, 1 failed\n', status: 1 });
});

it('counts a check that broke without a failed test', () => {
  expect(sum('failed:-', `failed:${report('e.json', vitest(1, 0))}`)).toEqual({ stdout: '1 passed, 2 failed\n', status: 1 });
});

it('is not green when nothing ran', () => {
  expect(sum('passed:-', `passed:${report('f.json', vitest(0, 0))}`)).toEqual({ stdout: '0 passed, 0 failed\n', status: 1 });
});
