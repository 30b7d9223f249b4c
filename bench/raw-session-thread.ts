/** A bare ONNX session in a thread: the message is how often to run, the reply the last vectors. */
import { parentPort, workerData } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';

export interface RawTask {
  readonly path: string;
  readonly input: string;
  readonly output: string;
  readonly data: Float32Array;
  readonly inputShape: readonly number[];
  readonly outputShape: readonly number[];
}

const task = workerData as RawTask;
const session = await InferenceSession.create(task.path, { intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential', logSeverityLevel: 3 });
const feeds = { [task.input]: new Tensor('float32', task.data, task.inputShape) };
const vectors = new Float32Array(task.outputShape.reduce((a, b) => a * b));
const fetches = { [task.output]: new Tensor('float32', vectors, task.outputShape) };

async function run(times: number): Promise<void> {
  for (let i = 0; i < times; i++) await session.run(feeds, fetches);
  parentPort!.postMessage(vectors);
}

parentPort!.on('message', (times: number) => void run(times));
