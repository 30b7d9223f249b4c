/**
 * A worker thread that runs ONNX models: one message, one inference (of one block or several), one reply, in the order they come.
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
  const { slot, model, inputs, output, verify } = message;
  if (message.cancelled.every((flag) => Atomics.load(flag, 0) === 1)) return { slot, outcome: 'skipped' };
  try {
    const session = await sessionOf(model);
    if (inputs.length > 1 && !verify) {
      await runTogether(session, message, output);
      return { slot, outcome: 'done', runs: 1 };
    }
    for (const [i, input] of inputs.entries()) await runOne(session, message, input, i);
    return { slot, outcome: 'done', runs: inputs.length, ...(verify ? { isEqual: await isSameTogether(session, message) } : {}) };
  } catch (error) {
    return { slot, outcome: 'failed', reason: error instanceof Error ? error.message : String(error) };
  }
}

async function runOne(session: InferenceSession, { model, inputShape, output, outputShape, inputs }: RunMessage, input: Float32Array, index: number): Promise<void> {
  const length = output.length / inputs.length;
  const target = output.subarray(index * length, (index + 1) * length);
  await session.run({ [model.input]: new Tensor('float32', input, inputShape) }, { [model.output]: new Tensor('float32', target, outputShape) });
}

/** Memory in which blocks are put side by side; used again. */
let batch = new Float32Array(0);

/** One run for all blocks: their first axis is the batch. */
async function runTogether(session: InferenceSession, { model, inputs, inputShape, outputShape }: RunMessage, target: Float32Array): Promise<void> {
  const length = inputs[0]!.length;
  if (batch.length < length * inputs.length) batch = new Float32Array(length * inputs.length);
  for (const [i, input] of inputs.entries()) batch.set(input, i * length);
  const of = (shape: readonly number[]) => [inputs.length, ...shape.slice(1)];
  const feeds = { [model.input]: new Tensor('float32', batch.subarray(0, length * inputs.length), of(inputShape)) };
  await session.run(feeds, { [model.output]: new Tensor('float32', target, of(outputShape)) });
}

/** Whether the blocks give together what they gave one by one, bit for bit. A model that takes one block only does not. */
async function isSameTogether(session: InferenceSession, message: RunMessage): Promise<boolean> {
  const together = new Float32Array(message.output.length);
  try {
    await runTogether(session, message, together);
  } catch {
    return false;
  }
  const { output } = message;
  return Buffer.from(together.buffer).equals(Buffer.from(output.buffer, output.byteOffset, output.byteLength));
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
