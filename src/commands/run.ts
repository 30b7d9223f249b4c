/** `lamina run`: an operator, a raster file in, a raster file out. Also in CLAIMED's spelling: `claimed --component containerless/name:tag --parameter value`. */
import { readFile } from 'node:fs/promises';
import { readConfig } from '../config.ts';
import { packageFolder } from '../deployment.ts';
import { gridRun } from './grid.ts';
import { createStreamLog } from '../log.ts';
import { openOperators } from '../open-operators.ts';
import { calledOperator } from '../operators/called-operator.ts';
import { readOperator } from '../operators/manifest.ts';
import type { Operator, ParameterValues } from '../operators/operator.ts';
import { parameterText } from '../operators/params.ts';
import { parseReference, type RuntimeName } from '../operators/reference.ts';
import { ProgressBar } from './progress-bar.ts';
import { exitCodeOf, inWorkingRuntime, openFileRunner, runtimeOption, type FilePaths } from './run-file.ts';
import { OperatorFailed } from '../runtimes/process-runtime.ts';
import { PROBE_ORDER } from '../runtimes/probe-order.ts';
import { processRuntimes } from '../runtimes/runtimes.ts';
import { untilTold } from './until-told.ts';

const USAGE = `lamina run [RUNTIME/]NAME[:VERSION] --input FILE.tif --output FILE.tif [--PARAMETER VALUE …]
      --component REFERENCE        the same as the first word
      --runtime NAME               instead of a prefix: ${['onnx', ...processRuntimes.slice(0, 5)].join(', ')}, or slurm+…, pbs+… and lsf+…
      --bands B02,B03,…            names of the file's bands, where it has none
      --quantization NAME          float32 (default), float16, int8, int8_power2, int8_per_vector, binary
      --param NAME=VALUE           a parameter whose name is that of an option
      --params FILE.json           parameters that shall not stand on a command line, which everybody on a machine can read
      --scratch DIRECTORY          for the files of runs; for slurm+…, pbs+… and lsf+… one that all nodes see
      --batch partition=P,account=A,gres=gpu:1
                                   what jobs of batch systems are submitted with
      --threads N                  runs at a time (default 1)
      --grid WHERE                 --input and --output are folders (or s3://bucket/prefix; --input also a list: .txt, .csv, .json,
                                   and STAC items as .json, .ndjson or .parquet),
                                   shared with all processes that name the same grid: a directory, s3://bucket/prefix, database:NAME
      --lease N, --attempts N      seconds without a sign of life until others take a file (60); tries of each (3)
      --retry                      tries again what failed before
      --asset NAME                 which asset of listed STAC items is the input
      --quiet                      no progress bar
  NAME may be a folder that holds an operator.json: ./my-operator. Without a runtime, models run in this process, programs and images in
  the first that works here: ${PROBE_ORDER.join(', ')}
`;

const OPTIONS = ['component', 'input', 'output', 'runtime', 'bands', 'quantization', 'param', 'params', 'scratch', 'batch', 'threads', 'grid', 'lease', 'attempts', 'asset'] as const;
type Option = (typeof OPTIONS)[number] | 'node';

/** A parameter of an operator that has such a name is given with --param. */
export const RUN_OPTIONS: readonly string[] = [...OPTIONS, 'quiet', 'retry'];

export interface RunCall {
  readonly reference: string;
  readonly options: Readonly<Partial<Record<Option, string>>>;
  readonly params: Readonly<Record<string, string>>;
  readonly isQuiet: boolean;
  /** Of a grid: what failed before is tried again. */
  readonly isRetry: boolean;
}

/**
 * Reads the words after `lamina run`. Every option and every parameter has a value, which is the next word as it is, whatever it
 * begins with: '-1', '', '$(x)'. `known` are the options; what has another name is a parameter. Throws an Error with one line.
 */
export function parseRun(words: readonly string[], known: readonly string[] = OPTIONS): RunCall {
  const options: Partial<Record<Option, string>> = {};
  const params: Record<string, string> = {};
  const plain: string[] = [];
  let isQuiet = false;
  let isRetry = false;
  const give = (to: Record<string, string>, name: string, value: string) => {
    if (Object.hasOwn(to, name)) throw new Error(`'${name}' is given twice`);
    to[name] = value;
  };
  for (let i = 0; i < words.length; i++) {
    const [, name, , inline] = /^--?([A-Za-z_][\w-]*)(=([\s\S]*))?$/.exec(words[i]!) ?? [];
    if (name === undefined) plain.push(words[i]!);
    else if (name === 'quiet') isQuiet = true;
    else if (name === 'retry') isRetry = true;
    else {
      const value = inline ?? words[++i];
      if (value === undefined) throw new Error(`'--${name}' has no value`);
      if (name === 'param') give(params, ...pairOf(value));
      else if (known.includes(name)) give(options, name, value);
      else give(params, name, value);
    }
  }
  const [reference = options.component, ...more] = plain;
  if (reference === undefined) throw new Error(`which operator? ${USAGE}`);
  if (more.length > 0 || (plain.length > 0 && options.component !== undefined)) throw new Error(`'${more[0] ?? plain[0]}' is one operator too many`);
  return { reference, options, params, isQuiet, isRetry };
}

function pairOf(text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals < 1) throw new Error(`'--param ${text}': write --param name=value`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}

/** Adds the parameters of a JSON file to those of the command line. */
export async function withParameterFile(call: RunCall): Promise<RunCall> {
  const { params: path } = call.options;
  if (path === undefined) return call;
  const content: unknown = JSON.parse(await readFile(path, 'utf8'));
  if (typeof content !== 'object' || content === null || Array.isArray(content)) throw new Error(`${path} must be a JSON object of parameters`);
  const texts = Object.entries(content as ParameterValues).flatMap(([name, value]) => (value === null ? [] : [[name, parameterText(value)!]]));
  return { ...call, params: { ...Object.fromEntries(texts) as Record<string, string>, ...call.params } };
}

/** Runs it. A program that fails gives its exit code to this process; 124 is a limit of time, 137 one of memory. */
export async function runCommand(words: readonly string[], environment: NodeJS.ProcessEnv): Promise<void> {
  if (words.length === 0 || words.includes('--help')) return void process.stdout.write(USAGE);
  const call = await withParameterFile(parseRun(words));
  const { input, output } = call.options;
  if (input === undefined || output === undefined) throw new Error(`--${input === undefined ? 'input' : 'output'} is missing: a GeoTIFF file`);
  const found = await operatorOf(call, environment);
  const operator = saysRuntime(call) ? found : await inWorkingRuntime(found, call.options, environment);
  if (call.options.grid !== undefined) return joinGrid(call, operator, { grid: call.options.grid, input, output }, environment);
  const { signal, end } = untilTold('it was interrupted; all its processes have ended');
  try {
    const made = await embed(call, operator, { input, output }, environment, signal);
    process.stdout.write(`${made.files[0]}: ${made.width} × ${made.height} vectors of ${made.dimensions} numbers, by ${operator.manifest.name}:${operator.manifest.version} in ${operator.runtime}\n`);
  } catch (error) {
    if (!(error instanceof OperatorFailed)) throw error;
    process.stderr.write(`lamina: ${error.message}\n`);
    process.exitCode = exitCodeOf(error.ended);
  } finally {
    end();
  }
}

async function embed(call: RunCall, operator: Operator, paths: FilePaths, environment: NodeJS.ProcessEnv, signal: AbortSignal) {
  const bar = call.isQuiet ? null : new ProgressBar(process.stderr, 'blocks');
  const runner = openFileRunner({ ...call.options, isQuiet: call.isQuiet }, environment);
  try {
    return await runner.embed(operator, paths, signal, (done, of) => bar?.show({ label: paths.output, fraction: done / of, done }));
  } finally {
    bar?.end();
    await runner.close();
  }
}

/** Takes part in a grid: every file of a folder, with any number of other processes. */
async function joinGrid(call: RunCall, operator: Operator, places: FilePaths & { grid: string }, environment: NodeJS.ProcessEnv): Promise<void> {
  const { bands = '', quantization = 'float32', lease, attempts, asset } = call.options;
  if (quantization === 'int8_per_vector') throw new Error('--quantization int8_per_vector makes two files of each; in a grid each task makes one: choose another');
  const runner = openFileRunner({ ...call.options, isQuiet: call.isQuiet }, environment);
  try {
    process.exitCode = await gridRun({
      ...places, lease, attempts, asset, retry: call.isRetry, isQuiet: call.isQuiet,
      // Not the runtime: the vectors are the same in all of them.
      purpose: { operator: `${operator.manifest.name}:${operator.manifest.version}`, digest: operator.digest, bands, quantization, ...(asset === undefined ? {} : { asset }) },
      process: async (input, output, signal) => void await runner.embed(operator, { input, output }, signal, () => {}),
    }, environment);
  } finally {
    await runner.close();
  }
}

/** The operator of a reference, or of a folder, with runtime and parameters. */
export async function operatorOf({ reference, options, params }: Pick<RunCall, 'reference' | 'options' | 'params'>, environment: NodeJS.ProcessEnv): Promise<Operator> {
  const runtime = options.runtime === undefined ? undefined : runtimeOption(options.runtime);
  if (isFolder(reference)) {
    const operator = await readOperator(reference);
    return calledOperator(operator, { name: operator.manifest.name, params, ...(runtime ? { runtime } : {}) });
  }
  const query = Object.entries(params).map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
  const whole = query === '' ? reference : `${reference}${reference.includes('?') ? '&' : '?'}${query}`;
  const operators = await openOperators(readConfig(environment), { installed: packageFolder('operators'), log: createStreamLog(process.stderr, 'warning') });
  try {
    const found = await operators.find(runtime === undefined ? whole : withRuntime(whole, runtime));
    // While the registries are open.
    await found.folder();
    const { isolated, ...operator } = found;
    // Whoever names a runtime on his own machine has decided; else what nobody vouches for runs in a sandbox.
    const isChosen = runtime !== undefined || parseReference(reference).runtime !== undefined;
    return isolated === undefined || isChosen ? operator : found;
  } finally {
    operators.close();
  }
}

/** Whether the caller has chosen a runtime, by a prefix or with --runtime. */
export function saysRuntime({ reference, options }: Pick<RunCall, 'reference' | 'options'>): boolean {
  return options.runtime !== undefined || (!isFolder(reference) && parseReference(reference).runtime !== undefined);
}

const isFolder = (reference: string) => /^\.{0,2}\//.test(reference);

function withRuntime(reference: string, runtime: RuntimeName): string {
  if (parseReference(reference).runtime !== undefined) throw new Error(`the runtime stands in the reference and in --runtime: leave one out`);
  return `${runtime}/${reference}`;
}
