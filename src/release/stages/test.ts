/** Stage 4: the gate, on what was unpacked from the archive, beside the version that 'latest' means now. */
import { runGate } from '../gate/gate.ts';
import { StageFailed, type StageContext, type StageOutcome } from '../context.ts';
import type { Operator } from '../../operators/operator.ts';
import type { TestFacts } from '../report.ts';
import { unpacked } from './build.ts';

export async function test(context: StageContext): Promise<StageOutcome> {
  const { settings, found } = context;
  const [operator, remove] = await unpacked(context);
  try {
    const { previous, warnings } = await previousOf(context);
    const result = await runGate({
      operator, previous, files: found.source!.files.map(({ path }) => path), runtimes: settings.runtimes, sets: settings.sets,
      ...(settings.allowRegression === undefined ? {} : { allowRegression: settings.allowRegression }),
      ...(settings.signal ? { signal: settings.signal } : {}),
      onCheck: (check) => settings.onProgress?.({ kind: 'check', check }),
    });
    const facts: TestFacts = { previous: previous ? { version: previous.manifest.version, digest: previous.digest } : null, likeness: result.likeness, checks: result.checks, sets: result.sets };
    const failed = result.checks.filter(({ status }) => status === 'failed');
    if (!result.passed) throw new StageFailed(`${failed.length} of ${result.checks.length} checks failed. ${failed.map(({ check, detail }) => `${check}: ${detail}`).join(' ')}`, { test: facts });
    const allowed = result.checks.filter(({ status }) => status === 'allowed').map(({ check, detail }) => `${check}: ${detail}`);
    const left = result.checks.filter(({ status }) => status === 'skipped').map(({ check, detail }) => `${check} was left out: ${detail}`);
    return { detail: `${result.checks.length} checks${previous ? `, compared with ${previous.manifest.version}` : ', nothing to compare with'}`, found: { test: facts }, warnings: [...warnings, ...allowed, ...left] };
  } finally {
    await remove();
  }
}

/** What is to be compared with: what people get today. A registry that is not there is no reason to let a regression pass, so its errors pass through. */
async function previousOf({ settings: { registry }, operator: { manifest, digest } }: StageContext): Promise<{ previous: Operator | null; warnings: string[] }> {
  if (registry === null) return { previous: null, warnings: ['No registry was named, so nothing was compared with the version before.'] };
  const latest = await registry.latest(manifest);
  if (latest === null) return { previous: null, warnings: [] };
  const previous = await registry.open(manifest, latest.version);
  // The release that is just taken up again has nothing to be compared with but itself.
  return { previous: previous.digest === digest ? null : previous, warnings: [] };
}
