/**
 * Stands in for onnx-thread.ts: the first input sample tells it what to do. −1 kills the thread, −2 kills
 * it unless the file named by the model's input exists (it makes it, so the second try lives), −3 waits for
 * cancellation. Otherwise every output is the first sample.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import type { Message } from '../../../src/operators/runtime/messages.ts';

parentPort!.on('message', (message: Message) => {
  if (message === 'close') return parentPort!.close();
  const { slot, model, input, output, cancelled } = message;
  const command = input[0]!;
  if (command === -1) throw new Error('struck by lightning');
  if (command === -2 && !existsSync(model.path)) {
    writeFileSync(model.path, '');
    process.exit(7);
  }
  while (command === -3 && Atomics.load(cancelled, 0) === 0) Atomics.wait(cancelled, 0, 0, 10);
  output.fill(command);
  parentPort!.postMessage({ slot, outcome: Atomics.load(cancelled, 0) === 1 ? 'skipped' : 'done' });
  return undefined;
});
