/** Which execution providers of ONNX Runtime work on this machine: that a setting names one says nothing of drivers and devices. */
import { Worker } from 'node:worker_threads';
import type { Log } from '../../log.ts';

/** What runs on the processor, and needs no trial. */
const PROCESSOR = 'cpu';
/** Loading a driver takes seconds at its first use. */
const TRIAL_MS = 60_000;

/**
 * Those of `wanted`, in their order, that really make a session here; the processor is behind them if nothing else is left. Each
 * that does not work is a warning: a worker that computes slower than meant is better than one whose every block fails.
 */
export async function workingProviders(wanted: readonly string[], log: Log): Promise<readonly string[]> {
  const working: string[] = [];
  for (const provider of wanted) {
    const problem = provider === PROCESSOR ? null : await whyNot(provider);
    if (problem === null) working.push(provider);
    else log.warning(`The execution provider '${provider}' does not work here: operators run without it.`, { data: { reason: problem } });
  }
  return working.length > 0 ? working : [PROCESSOR];
}

/** In a thread of its own, which is gone afterwards with all that the driver has opened. */
async function whyNot(provider: string): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const worker = new Worker(new URL('./try-provider.ts', import.meta.url), { workerData: provider });
  const timer = setTimeout(() => resolve(`it did not answer within ${TRIAL_MS / 1000} s`), TRIAL_MS);
  worker.once('message', resolve);
  worker.once('error', (error: unknown) => resolve(error instanceof Error ? error.message : String(error)));
  worker.once('exit', (code) => resolve(`its thread ended with code ${code}`));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}
