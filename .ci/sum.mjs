// Adds up the outcomes of the checks, prints "N passed, N failed", and fails unless all is well.
// usage: node .ci/sum.mjs <passed | failed>:<report.json | report.xml | - for none>...
import { readFileSync } from 'node:fs';

let passed = 0;
let failed = 0;

for (const outcome of process.argv.slice(2)) {
  const [, status, report] = /^(passed|failed):(.+)$/.exec(outcome);
  const counts = report === '-' ? { passed: 0, failed: 0 } : read(report);
  passed += counts.passed;
  // A check that failed without a failed test of its own (types, lint, a crash) counts as one failure.
  failed += status === 'failed' ? Math.max(counts.failed, 1) : counts.failed;
}
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
process.stdout.write(`${passed} passed, ${failed} failed\n`);

/** Counts of one report; a missing or unreadable one is a failure. */
function read(path) {
  try {
    const text = readFileSync(path, 'utf8');
    return path.endsWith('.xml') ? junit(text) : vitest(JSON.parse(text));
  } catch (error) {
    process.stderr.write(`no report ${path}: ${error.message}\n`);
    return { passed: 0, failed: 1 };
  }
}

/** A file that could not even be loaded has no tests; it counts as one failure. */
function vitest(report) {
  const unloadable = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed')).length;
  return { passed: report.numPassedTests, failed: report.numFailedTests + unloadable };
}

function junit(xml) {
  const suite = /<testsuite\b[^>]*>/.exec(xml)[0];
  const count = (name) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
  const failures = count('failures') + count('errors');
  return { passed: count('tests') - failures - count('skipped'), failed: failures };
}
