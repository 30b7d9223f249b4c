/** Whether a runtime works on this machine: found out by running a small program in it, because a tool that is installed need not work. */
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Operator, OperatorManifest } from '../operators/operator.ts';
import { OperatorFailed, type ProcessRuntime } from './process-runtime.ts';

export interface Probe {
  readonly name: string;
  readonly works: boolean;
  /** Why it does not. */
  readonly reason?: string;
  /** What its tool says of itself. */
  readonly version?: string;
  /** Of the whole run. */
  readonly milliseconds?: number;
  /** What the program reached that is none of its business. */
  readonly reached?: readonly ('files' | 'network')[];
}

/** Characters that a shell would do something with. */
const AWKWARD = 'a  "b" \'c\' $(exit 9) `exit 9` -1 *';
const WITHIN_MS = 30_000;

/** Copies its input, after it has seen that its parameter arrived; says what it reached besides. */
const PROGRAM = `#!/bin/sh
[ "$probe" = '${AWKWARD.replaceAll("'", "'\\''")}' ] || { echo "the parameter arrived as $probe"; exit 4; }
cat "$outside" > /dev/null 2>&1 && echo reached:files
[ "$(grep -c : /proc/net/dev 2> /dev/null)" -gt 1 ] && echo reached:network
cp "$INPUT_PATH" "$OUTPUT_PATH"
`;

/** Runs the program in the runtime. Never rejects: what goes wrong is the finding. */
export async function probe(runtime: ProcessRuntime, scratch: string): Promise<Probe> {
  const { name, isolation: { tool } } = runtime;
  const version = tool === null ? undefined : await versionOf(tool);
  if (version === null) return { name, works: false, reason: `${tool} is not installed` };
  // No image comes along with Lamina: what runs nothing else is asked whether it would.
  if (tool !== null && runtime.isolation.refuses('exec') !== null) return { name, ...await answerOf(tool), ...(version === undefined ? {} : { version }) };
  await mkdir(scratch, { recursive: true });
  const folder = await mkdtemp(join(scratch, 'lamina-probe-'));
  const started = performance.now();
  try {
    const operator = await probeOperator(folder);
    const input = Float32Array.of(1.5, -2, 0, 1e30);
    const { vectors, output } = await runtime.run(operator, { inputs: [input], rows: 2, columns: 2 }, AbortSignal.timeout(WITHIN_MS));
    if (String(vectors[0]) !== String(input)) return { name, works: false, reason: 'it gave other numbers than the program wrote' };
    const reached = (['files', 'network'] as const).filter((what) => output.includes(`reached:${what}`));
    return { name, works: true, milliseconds: Math.round(performance.now() - started), reached, ...(version === undefined ? {} : { version }) };
  } catch (error) {
    return { name, works: false, reason: reasonOf(error), ...(version === undefined ? {} : { version }) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof OperatorFailed) return error.ended.output.split('\n').at(-1) || error.message;
  return (error as Error).name === 'TimeoutError' ? `nothing came back within ${WITHIN_MS / 1000} s` : (error as Error).message;
}

async function probeOperator(folder: string): Promise<Operator> {
  const program = join(folder, 'package');
  await mkdir(program);
  await writeFile(join(folder, 'outside.txt'), 'not for operators');
  await writeFile(join(program, 'probe.sh'), PROGRAM);
  for (const path of [folder, program, join(program, 'probe.sh')]) await chmod(path, 0o755);
  return {
    manifest: PROBE_MANIFEST, digest: `sha256:${'0'.repeat(64)}`, reference: 'probe', runtime: 'containerless',
    params: { probe: AWKWARD, outside: join(folder, 'outside.txt') }, folder: async () => program,
  };
}

/** One band in, the same numbers out. */
const PROBE_MANIFEST: OperatorManifest = {
  name: 'probe', version: '1.0.0', title: 'Probe', description: 'Gives what it was given.', license: 'Apache-2.0',
  kind: 'exec', command: ['./probe.sh'], files: {},
  input: { bands: [{ name: 'B01' }], fill: 0, gsd: 10, gsd_range: [1, 100] },
  patch: 1, halo: 0, output: { dimensions: 1, prefix_truncatable: false }, min_valid: 0,
  quantization: { int8: { scale: [1], offset: [0] } },
  rgb: { mean: [0], components: [[1], [1], [1]], low: [0, 0, 0], high: [1, 1, 1] },
  golden: 'golden.json',
  resources: { memory_mib: 256, seconds: 20 },
};

/** Whether a container engine answers. */
function answerOf(tool: string): Promise<Pick<Probe, 'works' | 'reason' | 'milliseconds'>> {
  const { promise, resolve } = Promise.withResolvers<Pick<Probe, 'works' | 'reason' | 'milliseconds'>>();
  const started = performance.now();
  execFile(tool, ['info'], { timeout: 10_000 }, (error, _, stderr) => {
    const reason = stderr.trim().split('\n')[0] || error?.message;
    resolve(error ? { works: false, reason: reason ?? 'it does not answer' } : { works: true, milliseconds: Math.round(performance.now() - started) });
  });
  return promise;
}

/** The first line of what a tool says; null when it is not installed. */
function versionOf(tool: string): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  execFile(tool, ['--version'], { timeout: 10_000 }, (error, stdout, stderr) => {
    if ((error as NodeJS.ErrnoException | null)?.code === 'ENOENT') return resolve(null);
    resolve(/\d+\.\d+[\w.-]*/.exec(stdout + stderr)?.[0] ?? '');
  });
  return promise;
}
