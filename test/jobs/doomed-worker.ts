/** A worker in a process of its own, for tests that kill it: takes one task, says so, and never ends it. */
import { openDatabase } from '../../src/database/connection.ts';
import { openTaskQueues } from '../../src/jobs/bullmq-queues.ts';

const [kind, url, name, lockMs] = process.argv.slice(2) as [string, string, string, string];
const connection = kind === 'redis' ? { redisUrl: url } : { database: openDatabase(url, { searchPath: 'bullmq', maxConnections: 16 }) };
const queues = await openTaskQueues({ connection, name, lockMs: Number(lockMs) });
await queues.work('embed', 1, async (_, { taskId }) => {
  process.stdout.write(`took ${taskId}\n`);
  await new Promise(() => {});
});
process.stdout.write('ready\n');
