/** docs/runtimes-matrix.md has a row for all that operators can run in, and each row names tests that there are. .ci/run compares what it claims with their outcomes. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { baseRuntimes, batchSystems } from '../../src/operators/reference.ts';
import { lineOf, matrix, verdictOf, type MatrixRow, type TestOutcome, type Verdict } from './matrix.ts';

const page = readFileSync('docs/runtimes-matrix.md', 'utf8').split('\n');

describe('the page', () => {
  it('has the rows of the table, in their order, each with what its tests can show', () => {
    const rows = page.filter((line) => /^\| (?!target|---)/.test(line) && !line.startsWith('|---'));
    expect(rows).toHaveLength(matrix.length);
    for (const [i, row] of matrix.entries()) {
      const possible: Verdict[] = row.evidence.length === 0 ? ['not tested'] : [row.against === 'itself' ? 'tested for real' : 'tested against a double', 'not tested'];
      expect(possible.map((verdict) => lineOf(row, verdict))).toContain(rows[i]);
    }
  });

  it('claims nothing of what only stand-ins were tried with, and nothing that fails', () => {
    for (const word of ['LSF', 'PBS', 'Apptainer', 'Kubernetes', 'OpenShift', 'udocker']) for (const line of page.filter((each) => each.startsWith(`| ${word}`))) expect(line).not.toContain('for real');
    expect(page.join('\n')).not.toContain('**fails**');
  });

  it('leaves no runtime, batch system or export out', () => {
    const all = matrix.map(({ how }) => how).join(' ');
    for (const name of baseRuntimes) expect(all).toContain(`\`${name}\``);
    for (const system of batchSystems) expect(all).toContain(`\`${system}+`);
    const exports = /write `lamina operator export|targets: Readonly<Record<string, \(target: ExportTarget\) => string>> = \{ (.+?) \}/.exec(readFileSync('src/commands/operator-export.ts', 'utf8'))![1]!;
    for (const [, name] of exports.matchAll(/(\w+):/g)) expect(all).toContain(`--to ${name}`);
  });

  it('names tests that there are', () => {
    for (const { file, begins } of matrix.flatMap(({ evidence }) => evidence)) {
      expect(existsSync(file), file).toBe(true);
      const text = readFileSync(file, 'utf8');
      // Groups of one test per runtime have its name in a list.
      for (const word of begins.trim().split(' ').filter((each) => each.length > 2)) expect(text, `${file}: ${begins}`).toContain(word);
    }
  });
});

describe('what tests say of a row', () => {
  const row: MatrixRow = { target: 'X', how: 'x', against: 'itself', evidence: [{ file: 'a.test.ts', begins: 'x ' }] };
  const outcome = (name: string, status: TestOutcome['status'], file = 'a.test.ts'): TestOutcome => ({ file, name, status });

  it.each<[string, TestOutcome[], Verdict]>([
    ['one that passed', [outcome('x works', 'passed'), outcome('x is fast', 'skipped')], 'tested for real'],
    ['only skipped ones', [outcome('x works', 'skipped')], 'not tested'],
    ['one that failed', [outcome('x works', 'passed'), outcome('x is fast', 'failed')], 'fails'],
    ['others only', [outcome('y works', 'passed'), outcome('x works', 'passed', 'b.test.ts')], 'not tested'],
  ])('%s', (_, outcomes, verdict) => expect(verdictOf(row, outcomes)).toBe(verdict));

  it('is never more than the double allows', () => {
    const double = { ...row, against: { double: 'a stand-in' } };
    expect(lineOf(double, verdictOf(double, [outcome('x works', 'passed')]))).toBe('| X | x | tested against a double: a stand-in | [a](../a.test.ts) |');
  });
});
