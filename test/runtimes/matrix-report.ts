/**
 * Writes docs/runtimes-matrix.md from a run of the tests that it names, or compares it with one:
 *
 *   npm run runtimes:matrix                    runs them and writes the page
 *   npm run runtimes:matrix -- --check         runs them and fails when the page says something else
 *   … [--check] results.json …                 takes reports of vitest instead
 *
 * What a machine can't test is no reason to change the page or to fail: it is named.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { lineOf, matrix, verdictOf, type TestOutcome } from './matrix.ts';

export const PAGE = 'docs/runtimes-matrix.md';

interface Report {
  readonly testResults: readonly { readonly name: string; readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[] }[];
}

function outcomesIn(path: string): TestOutcome[] {
  const { testResults } = JSON.parse(readFileSync(path, 'utf8')) as Report;
  return testResults.flatMap(({ name: file, assertionResults }) => assertionResults.map(({ fullName, status }): TestOutcome => ({
    file: relative(process.cwd(), file), name: fullName, status: status === 'passed' || status === 'failed' ? status : 'skipped',
  })));
}

/** Runs the tests that the matrix names. */
function outcomesOfRun(): TestOutcome[] {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-matrix-'));
  const files = [...new Set(matrix.flatMap(({ evidence }) => evidence.map(({ file }) => file)))];
  try {
    spawnSync('npx', ['vitest', 'run', ...files, '--reporter=default', '--reporter=json', `--outputFile.json=${folder}/report.json`], { stdio: ['ignore', process.stderr.fd, process.stderr.fd] });
    return outcomesIn(`${folder}/report.json`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the tools of this machine say of themselves. */
function machine(): string {
  const tools = [['bwrap', '--version'], ['podman', '--version'], ['proot', '--version'], ['slurmd', '-V'], ['docker', '--version'], ['cwltool', '--version']] as const;
  const versions = tools.flatMap(([tool, flag]) => {
    const { stdout, stderr, status } = spawnSync(tool, [flag], { encoding: 'utf8' });
    const version = status === null ? undefined : /\d+\.\d+[\w.]*/.exec(stdout + stderr)?.[0];
    return version === undefined ? [] : [`${tool} ${version}`];
  });
  const system = /PRETTY_NAME="(.+)"/.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? process.platform;
  return `Run on ${system} (${process.arch}), Node ${process.versions.node}, ${versions.join(', ')}; ${execFileSync('git', ['log', '-1', '--format=%cs'], { encoding: 'utf8' }).trim()}.`;
}

function pageOf(lines: readonly string[]): string {
  return `# Where operators run, and how that is known
Made by \`npm run runtimes:matrix\` from a run of the tests in the last column; .ci/run compares it with each run. Don't write in it.
**Tested for real**: the thing itself ran, started by the test. **Tested against a double**: something stood in its place, which is named; the thing itself may differ. **Not tested**: nobody has tried.

${machine()}

| target | how | state | shown by |
|---|---|---|---|
${lines.join('\n')}
`;
}

function check(outcomes: readonly TestOutcome[]): boolean {
  const page = readFileSync(PAGE, 'utf8').split('\n');
  const wrong = matrix.filter((row) => {
    const verdict = verdictOf(row, outcomes);
    const isUntried = verdict === 'not tested' && row.evidence.length > 0;
    if (isUntried) process.stdout.write(`not tested on this machine: ${row.target}, ${row.how}\n`);
    return !isUntried && !page.includes(lineOf(row, verdict));
  });
  for (const row of wrong) process.stdout.write(`${PAGE} is not what the tests say; they say: ${lineOf(row, verdictOf(row, outcomes))}\n`);
  return wrong.length === 0;
}

const words = process.argv.slice(2);
const reports = words.filter((word) => word !== '--check');
const outcomes = reports.length > 0 ? reports.flatMap(outcomesIn) : outcomesOfRun();
if (words.includes('--check')) process.exitCode = check(outcomes) ? 0 : 1;
else writeFileSync(PAGE, pageOf(matrix.map((row) => lineOf(row, verdictOf(row, outcomes)))));
