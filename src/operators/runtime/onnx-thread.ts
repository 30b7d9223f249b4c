/**
 * A worker thread that runs ONNX models: one message, one inference, one reply, in the order they come.
 * `session.run` blocks the thread it is called on, which is why it happens here.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Message, Model, Reply, RunMessage, ThreadSettings } from './messages.ts';

/** Least recently used first. */
const sessions = new Map<string, InferenceSession>();
const { maxSessions, providers } = workerData as ThreadSettings;

/**
 * One session per operator, one thread each: two sessions on two cores do nearly twice the work of one
 * session with two threads, and a single thread adds in the same order every time.
 */
async function sessionOf(model: Model): Promise<InferenceSession> {
  const known = sessions.get(model.digest);
  sessions.delete(model.digest);
  const session = known ?? await InferenceSession.create(model.path, { executionProviders: [...providers], intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential', graphOptimizationLevel: 'all', logSeverityLevel: 3 });
  sessions.set(model.digest, session);
  if (sessions.size > maxSessions) await releaseOldest();
  return session;
}

async function releaseOldest(): Promise<void> {
  const [digest, session] = sessions.entries().next().value!;
  sessions.delete(digest);
  await session.release();
}

async function run(message: RunMessage): Promise<Reply> {
  const { slot, model } = message;
  if (Atomics.load(message.cancelled, 0) === 1) return { slot, outcome: 'skipped' };
  try {
    const session = await sessionOf(model);
    const feeds = { [model.input]: new Tensor('float32', message.input, message.inputShape) };
    await session.run(feeds, { [model.output]: new Tensor('float32', message.output, message.outputShape) });
    return { slot, outcome: 'done' };
  } catch (error) {
    return { slot, outcome: 'failed', reason: error instanceof Error ? error.message : String(error) };
  }
}

/** With its port closed and nothing to wait for the thread ends by itself. */
async function close(): Promise<void> {
  for (const session of sessions.values()) await session.release();
  parentPort!.close();
}

let last: Promise<void> = Promise.resolve();
parentPort!.on('message', (message: Message) => {
  last = last.then(async () => (message === 'close' ? close() : parentPort!.postMessage(await run(message))));
});
