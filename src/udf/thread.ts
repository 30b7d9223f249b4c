/** The thread that a sandbox runs in: one question, one answer, until somebody ends the thread. */
import { workerData } from 'node:worker_threads';
import type { Reply, Request, ThreadSettings } from './messages.ts';
import { createSandbox, UdfFailure, type Sandbox } from './sandbox.ts';

const { code, context, limits, signal, port } = workerData as ThreadSettings;
let ready: Promise<Sandbox> | undefined;

async function open(): Promise<Sandbox> {
  const sandbox = await createSandbox(limits);
  sandbox.load(code);
  return sandbox;
}

async function answer({ id, call }: Request): Promise<Reply> {
  let sandbox: Sandbox | undefined;
  try {
    sandbox = await (ready ??= open());
    const found = sandbox.call(call, context);
    return { id, logs: sandbox.takeLogs(), answer: found };
  } catch (error) {
    // What is no mistake of the user is told without details.
    const failure = error instanceof UdfFailure ? error.message : 'its runtime broke, perhaps because it used too much stack or memory';
    return { id, logs: sandbox?.takeLogs() ?? [], failure };
  }
}

function post(reply: Reply): void {
  port.postMessage(reply);
  Atomics.add(signal, 0, 1);
  Atomics.notify(signal, 0);
}

port.on('message', (request: Request) => void answer(request).then(post));
