/**
 * A process of a grid, started by tests: `node worker-process.ts '<json>'`. It answers each order of its parent (a
 * list of tasks in a grid) with what it began, what it committed and how it ended.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { openGrid } from '../../src/grid/open-grid.ts';
import { workThrough } from '../../src/grid/work-through.ts';
import { silentLog } from '../../src/log.ts';
import { taskNames, type Answer, type Order, type Setup } from './orders.ts';

async function obey({ worker, access, leaseMs }: Setup, { address, tasks, taskMs, slow = {} }: Order): Promise<Answer> {
  const grid = await openGrid(address, { ...access, log: silentLog }, { worker, leaseMs, maxAttempts: 3 });
  const begun: string[] = [];
  const done: string[] = [];
  const work = {
    run: async ({ task }: { task: string }) => {
      begun.push(task);
      process.send!({ begins: task });
      await delay(slow[task] ?? taskMs);
      return { by: worker };
    },
    publish: async ({ task }: { task: string }) => void done.push(task),
  };
  const { refused, failed } = await workThrough(grid, taskNames(tasks), work, { leaseMs, pollMs: 200, log: silentLog });
  await grid.close();
  return { begun, done, refused, failed };
}

const setup = JSON.parse(process.argv[2]!) as Setup;
if (setup.skewMs !== undefined) {
  const right = Date.now;
  Date.now = () => right() + setup.skewMs!;
}
process.on('message', (order: Order) => void obey(setup, order).then(
  (answer) => process.send!({ answer }),
  (error: unknown) => process.send!({ error: (error as Error).stack }),
));
process.send!({ ready: true });
