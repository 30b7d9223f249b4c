/** Reads a list of places as `lamina run --grid` does, and says how many tasks it has and the most memory that took (KiB). */
import { openInputs } from '../../src/grid/task-inputs.ts';
import { tasksOfPlaces } from '../../src/commands/grid-tasks.ts';
import { silentLog } from '../../src/log.ts';

const path = process.argv[2]!;
const inputs = await openInputs(path, { s3: null, databaseUrl: null, log: silentLog }, (await tasksOfPlaces(path))!);
process.stdout.write(JSON.stringify({ tasks: inputs.tasks.length, kibibytes: process.resourceUsage().maxRSS }));
