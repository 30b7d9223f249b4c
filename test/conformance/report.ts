/**
 * Runs the test vectors of the openEO processes on both ways of evaluation and prints what came out:
 *
 *   npm run conformance:processes
 *
 * The public way is the one of a request: a process of one node, evaluated. The compiled way is that of
 * callbacks over cubes: a kernel, and where there is one also its form in WebAssembly.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { absent, specFolder, vectors } from './vectors.ts';

interface Assertion {
  readonly title: string;
  readonly fullName: string;
  readonly status: 'passed' | 'failed' | 'pending' | 'skipped';
  readonly failureMessages?: readonly string[];
}

/** Cases are named after their index; other tests of these files are not about a vector. */
const CASE = /(?:case|vector) \d+$|^\d+: |^vector \d+: /;

const ways = {
  'public evaluation': ['test/processes/vectors.test.ts', 'test/processes/cubes/vectors.test.ts'],
  'compiled callbacks': ['test/processes/compiled-vectors.test.ts'],
};

function casesOf(files: readonly string[]): Assertion[] {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-report-'));
  try {
    const report = join(folder, 'report.json');
    spawnSync('vitest', ['run', ...files, '--reporter=json', `--outputFile=${report}`], { stdio: ['ignore', 'ignore', 'inherit'] });
    const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as { testResults: { assertionResults: Assertion[] }[] };
    return testResults.flatMap(({ assertionResults }) => assertionResults).filter(({ title }) => CASE.test(title));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

if (specFolder === null) say(absent);
else {
  const total = readdirSync(`${specFolder}tests`).filter((name) => name.endsWith('.json5')).reduce((sum, name) => sum + vectors(name.replace('.json5', '')).length, 0);
  say(`${total} vectors of openEO processes 2.0.0-rc.2`);
  for (const [way, files] of Object.entries(ways)) {
    const cases = casesOf(files);
    const [passed, failed] = (['passed', 'failed'] as const).map((status) => cases.filter((each) => each.status === status));
    const excluded = cases.filter(({ status }) => status === 'pending' || status === 'skipped');
    say(`\n${way}: ${passed!.length} passed, ${excluded.length} excluded, ${failed!.length} failed`);
    for (const { fullName } of excluded) say(`  excluded ${fullName}`);
    for (const { fullName, failureMessages = [] } of failed!) say(`  failed ${fullName}: ${failureMessages[0]?.split('\n')[0] ?? ''}`);
    if (failed!.length > 0 || cases.length === 0) process.exitCode = 1;
    if (way === 'public evaluation' && cases.length !== total) {
      say(`  ${total - cases.length} vectors were not run`);
      process.exitCode = 1;
    }
  }
}
