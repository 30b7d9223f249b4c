/** Several blocks in one run of a model, as a GPU gets them, whatever the runtime of the service would do. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Operator } from '../../operators/operator.ts';
import type { Message, Reply, RunMessage } from '../../operators/runtime/messages.ts';
import { modelOf } from '../../operators/runtime/model.ts';
import type { Pixels } from '../gate/subject.ts';

const THREAD = new URL('../../operators/runtime/onnx-thread.ts', import.meta.url);

/** Vectors of blocks of one shape, computed in one run; null when the model can't. */
export async function embedTogether(operator: Operator, blocks: readonly Pixels[]): Promise<readonly Float32Array[] | null> {
  const worker = new Worker(THREAD, { workerData: { maxSessions: 1, providers: ['cpu'] } });
  try {
    const message = await messageOf(operator, blocks);
    worker.postMessage(message satisfies Message);
    const [reply] = await once(worker, 'message') as [Reply];
    if (reply.outcome !== 'done') return null;
    const length = message.output.length / blocks.length;
    return blocks.map((_, i) => message.output.slice(i * length, (i + 1) * length));
  } finally {
    worker.postMessage('close' satisfies Message);
    await once(worker, 'exit');
  }
}

async function messageOf(operator: Operator, blocks: readonly Pixels[]): Promise<RunMessage> {
  const { patch, halo, input, output: { dimensions } } = operator.manifest;
  const { rows, columns } = blocks[0]!;
  const [down, across] = [(rows - 2 * halo) / patch, (columns - 2 * halo) / patch];
  return {
    slot: 0, model: await modelOf(operator), inputs: blocks.map(({ samples }) => samples), inputShape: [1, input.bands.length, rows, columns],
    output: new Float32Array(new SharedArrayBuffer(4 * blocks.length * dimensions * down * across)), outputShape: [1, dimensions, down, across],
    cancelled: blocks.map(() => new Int32Array(new SharedArrayBuffer(4))), verify: false,
  };
}
