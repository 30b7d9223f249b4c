/** Runs an operator's program once, as a process of its own that a test starts under another account: run-once.ts RUNTIME FOLDER SCRATCH; tells what came of it as JSON. */
import { openRuntime, toolEnvironmentOf } from '../../../src/runtimes/runtimes.ts';
import { OperatorFailed } from '../../../src/runtimes/process-runtime.ts';
import type { RuntimeName } from '../../../src/operators/reference.ts';
import { asOperator, pixelManifest, twoBlocks } from '../operators.ts';

const [name, folder, scratch] = process.argv.slice(2) as [RuntimeName, string, string];
const manifest = { ...pixelManifest('program'), kind: 'exec' as const, command: ['./program.sh'], files: {}, resources: { seconds: 10, memory_mib: 256 } };
const runtime = openRuntime(name, { scratch, toolEnvironment: toolEnvironmentOf(process.env) });
try {
  const { vectors, output } = await runtime.run(asOperator(manifest, {}, folder), twoBlocks, new AbortController().signal);
  process.stdout.write(JSON.stringify({ vectors: vectors.map((each) => [...each]), output }));
} catch (error) {
  process.stdout.write(JSON.stringify(error instanceof OperatorFailed ? { reason: error.ended.reason, output: error.ended.output, message: error.message } : { message: (error as Error).message }));
}
