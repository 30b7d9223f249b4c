/** Which runtime an operator gets on a machine where nobody has said: the first that works, the safest first. */
import { checkRuntime } from '../operators/called-operator.ts';
import type { Operator } from '../operators/operator.ts';
import type { BaseRuntime, RuntimeName } from '../operators/reference.ts';
import { probe, type Probe } from './probe.ts';
import { RuntimeUnavailable } from './program.ts';
import type { ProcessRuntime } from './process-runtime.ts';

/** What shuts programs in, what only keeps them from depending on the machine, what does neither. */
export const PROBE_ORDER: readonly Exclude<BaseRuntime, 'onnx'>[] = ['bubblewrap', 'podman', 'apptainer', 'docker', 'proot', 'containerless'];

/** What was found. */
export interface Found {
  readonly name: RuntimeName;
  /** Those before it, and why they do not work. */
  readonly skipped: readonly Probe[];
}

/**
 * Tries them in that order, by running a small program in each. Those that can't take the kind of the operator, or that it may not
 * run in because nobody vouches for it, are left out. Throws RuntimeUnavailable, which lists the reasons, when none works.
 */
export async function firstThatWorks(operator: Operator, open: (name: RuntimeName) => ProcessRuntime, scratch: string): Promise<Found> {
  const skipped: Probe[] = [];
  for (const name of PROBE_ORDER.filter((each) => mayRun(operator, each, open(each)))) {
    const finding = await probe(open(name), scratch);
    if (finding.works) return { name, skipped };
    skipped.push(finding);
  }
  throw new RuntimeUnavailable(`no runtime works here that '${operator.manifest.name}' can run in: ${skipped.map(({ name, reason }) => `${name}: ${reason}`).join('; ')}`);
}

function mayRun(operator: Operator, name: RuntimeName, { isolation }: ProcessRuntime): boolean {
  try {
    checkRuntime({ ...operator, runtime: name }, PROBE_ORDER);
  } catch {
    return false;
  }
  return isolation.refuses(operator.manifest.kind) === null;
}
