/**
 * Stands in for onnx-thread.ts: the first sample of a block tells it what to do. −1 kills the thread, −2 kills
 * it unless the file named by the model's input exists (it makes it, so the second try lives), −3 waits for
 * cancellation, −4 makes the run fail. Otherwise every output is the first sample. The first sample of a batch is
 * put into the second output of each of its blocks, to show what was computed together; −5 makes a batch differ.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import type { Message, Reply } from '../../../src/operators/runtime/messages.ts';

parentPort!.on('message', (message: Message) => {
  if (message === 'close') return parentPort!.close();
  const { slot, model, inputs, output, cancelled, verify } = message;
  const commands = inputs.map((input) => input[0]!);
  const isWaited = (i: number) => Atomics.load(cancelled[i]!, 0) === 0;
  if (commands.includes(-1)) throw new Error('struck by lightning');
  if (commands.includes(-2) && !existsSync(model.path)) {
    writeFileSync(model.path, '');
    process.exit(7);
  }
  if (commands.includes(-4)) return parentPort!.postMessage({ slot, outcome: 'failed', reason: 'it does not like it' } satisfies Reply);
  const length = output.length / inputs.length;
  for (const [i, command] of commands.entries()) {
    while (command === -3 && isWaited(i)) Atomics.wait(cancelled[i]!, 0, 0, 10);
    output.fill(command, i * length, (i + 1) * length);
    output[i * length + 1] = verify ? command : commands[0]!;
  }
  const isSkipped = !commands.some((_, i) => isWaited(i));
  const reply: Reply = isSkipped ? { slot, outcome: 'skipped' } : { slot, outcome: 'done', runs: verify ? inputs.length : 1, ...(verify ? { isEqual: !commands.includes(-5) } : {}) };
  return parentPort!.postMessage(reply);
});
