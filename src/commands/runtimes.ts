/** `lamina runtimes`: what can run operators on this machine, found out by running one in each. */
import { parseArgs } from 'node:util';
import { packageFolder } from '../deployment.ts';
import { createStreamLog } from '../log.ts';
import { openRegistry } from '../operators/registry/installed.ts';
import { createOnnxRuntime } from '../operators/runtime/onnx.ts';
import { probe, type Probe } from '../runtimes/probe.ts';
import { PROBE_ORDER } from '../runtimes/probe-order.ts';
import { openRuntime, processRuntimes, toolEnvironmentOf, userScratch } from '../runtimes/runtimes.ts';

/** Prints a line per runtime, or JSON with --json. `lamina runtimes bubblewrap slurm+podman` looks at those only. */
export async function runtimesCommand(args: string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const { values, positionals } = parseArgs({ args, options: { json: { type: 'boolean' }, scratch: { type: 'string' } }, allowPositionals: true });
  const unknown = positionals.find((name) => ![...processRuntimes, 'onnx'].includes(name as never));
  if (unknown !== undefined) throw new Error(`there is no runtime '${unknown}'; there are onnx, ${processRuntimes.join(', ')}`);
  const wanted = (name: string) => positionals.length === 0 || positionals.includes(name);
  const scratch = values.scratch ?? userScratch();
  const found: Probe[] = [];
  const tell = (each: Probe) => {
    found.push(each);
    if (!values.json) process.stdout.write(lineOf(each));
  };
  if (wanted('onnx')) tell(await probeOnnx());
  // One after the other: they would disturb each other's times.
  for (const name of processRuntimes.filter(wanted)) tell(await probe(openRuntime(name, { scratch, toolEnvironment: toolEnvironmentOf(environment) }), scratch));
  const first = PROBE_ORDER.find((name) => found.some((each) => each.name === name && each.works));
  if (!values.json && positionals.length === 0) process.stdout.write(`\nWithout a prefix, models run in onnx, and programs in ${first ?? 'nothing'}: the first that works of ${PROBE_ORDER.join(', ')}.\n`);
  if (values.json) process.stdout.write(`${JSON.stringify(found, null, 2)}\n`);
}

function lineOf({ name, works, reason, version, milliseconds, reached = [] }: Probe): string {
  const tool = version === undefined || version === '' ? '' : ` (${version})`;
  const seen = reached.length === 0 ? 'sealed' : `sees ${reached.join(' and ')} of the machine`;
  const finding = works ? `works${tool}, ${milliseconds} ms${name === 'onnx' ? '' : `, ${seen}`}` : `does not work${tool}: ${reason}`;
  return `${name.padEnd(22)} ${finding}\n`;
}

/** One patch of zeros through the first shipped model. */
async function probeOnnx(): Promise<Probe> {
  const started = performance.now();
  const runtime = createOnnxRuntime({ threads: 1, log: createStreamLog(process.stderr, 'error') });
  try {
    const operator = (await openRegistry(packageFolder('operators'))).list().find(({ manifest }) => manifest.kind === 'onnx')!;
    const { patch, halo, input } = operator.manifest;
    const edge = patch + 2 * halo;
    await runtime.run(operator, new Float32Array(input.bands.length * edge * edge), edge, edge);
    return { name: 'onnx', works: true, milliseconds: Math.round(performance.now() - started) };
  } catch (error) {
    return { name: 'onnx', works: false, reason: (error as Error).message };
  } finally {
    await runtime.close();
  }
}
