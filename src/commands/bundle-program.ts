/** The program of a bundle (`lamina bundle`), as it runs on a node of a cluster: no network, no configuration, nothing but its own folder. */
import { stat, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { BUNDLE_FILE, OPERATOR_FOLDER, type BundledInput, type BundleFile } from '../bundle/bundle-file.ts';
import { calledOperator, withStanding } from '../operators/called-operator.ts';
import { readOperator } from '../operators/manifest.ts';
import type { Operator } from '../operators/operator.ts';
import { ProgressBar } from './progress-bar.ts';
import { exitCodeOf, inWorkingRuntime, openFileRunner, runtimeOption, type FileRunner } from './run-file.ts';
import { OperatorFailed } from '../runtimes/process-runtime.ts';
import { fileDigest } from '../storage/file-digest.ts';
import { untilTold } from './until-told.ts';

const USAGE = `node run.mjs [--output FOLDER] [--runtime NAME] [--scratch FOLDER] [--threads N] [--quiet]
  --output   for the files with embeddings (default: output, in the bundle)
  --runtime  instead of the one that the bundle was made for, e.g. containerless which shuts nothing in
  --scratch  for the files of runs (default: a folder in the system's own for temporary files)
`;

type Environment = Readonly<Record<string, string | undefined>>;

/** Runs the bundle in a folder. Errors become a line and an exit code, the program's own where it is a program that fails. */
export async function runBundle(folder: string, words: readonly string[], environment: Environment): Promise<void> {
  const { signal, end } = untilTold('it was interrupted; all its processes have ended');
  try {
    const options = { output: { type: 'string' }, runtime: { type: 'string' }, scratch: { type: 'string' }, threads: { type: 'string' }, quiet: { type: 'boolean' }, help: { type: 'boolean' } } as const;
    const { values } = parseArgs({ args: [...words], options });
    if (values.help) return void process.stdout.write(USAGE);
    const bundle = JSON.parse(await readFile(join(folder, BUNDLE_FILE), 'utf8')) as BundleFile;
    const operator = await operatorIn(folder, bundle, values, environment);
    const { bands, quantization } = bundle;
    const runner = openFileRunner({ bands: bands ?? undefined, quantization, scratch: values.scratch, threads: values.threads, isQuiet: values.quiet ?? false }, environment);
    try {
      const to = resolve(values.output ?? join(folder, 'output'));
      for (const input of bundle.inputs) await embed({ folder, to, operator, runner, signal, isQuiet: values.quiet ?? false }, input);
    } finally {
      await runner.close();
    }
  } catch (error) {
    process.stderr.write(`lamina: ${(error as Error).message}\n`);
    process.exitCode = error instanceof OperatorFailed ? exitCodeOf(error.ended) : 1;
  } finally {
    end();
  }
}

interface Errand {
  readonly folder: string;
  readonly to: string;
  readonly operator: Operator;
  readonly runner: FileRunner;
  readonly signal: AbortSignal;
  readonly isQuiet: boolean;
}

async function embed({ folder, to, operator, runner, signal, isQuiet }: Errand, { file, size, sha256, output }: BundledInput): Promise<void> {
  const input = join(folder, file);
  const found = await stat(input).catch(() => null);
  if (found?.size !== size || (await fileDigest(input)) !== sha256) throw new Error(`${file} is not the file that was put into the bundle: copy the bundle again`);
  const bar = isQuiet ? null : new ProgressBar(process.stderr, 'blocks');
  const made = await runner.embed(operator, { input, output: join(to, output) }, signal, (done, of) => bar?.show({ label: output, fraction: done / of, done })).finally(() => bar?.end());
  process.stdout.write(`${made.files[0]}: ${made.width} × ${made.height} vectors of ${made.dimensions} numbers, by ${operator.manifest.name}:${operator.manifest.version} in ${operator.runtime}\n`);
}

/** Its files are checked against their digests, and all of it against the one that the bundle was made with. */
async function operatorIn(folder: string, { operator: wanted }: BundleFile, { runtime, scratch }: { runtime?: string | undefined; scratch?: string | undefined }, environment: Environment): Promise<Operator> {
  const plain = withStanding(await readOperator(join(folder, OPERATOR_FOLDER)), wanted);
  const chosen = runtime === undefined ? wanted.runtime : runtimeOption(runtime);
  const operator = calledOperator(plain, { name: plain.manifest.name, params: {}, ...(chosen === null ? {} : { runtime: chosen }) }, wanted.params);
  if (operator.digest !== wanted.digest) throw new Error(`the operator is not the one that was put into the bundle (${wanted.digest}): copy the bundle again`);
  return chosen === null ? inWorkingRuntime(operator, { scratch }, environment) : operator;
}
