/** Runs operators on raster files: what `lamina run` does here, and a bundle of `lamina bundle` on a node of a cluster. */
import { RasterCache } from '../formats/cog/raster-cache.ts';
import { createStreamLog } from '../log.ts';
import type { Operator } from '../operators/operator.ts';
import { runtimeNamed, type RuntimeName } from '../operators/reference.ts';
import { runAs } from '../operators/runtime-choice.ts';
import { createOnnxRuntime } from '../operators/runtime/onnx.ts';
import { quantizationOf } from '../processes/cubes/embedding-arguments.ts';
import { parseBatchOptions } from '../operators/batch-options.ts';
import { createOperatorRuntime } from '../runtimes/operator-runtime.ts';
import type { Ended } from '../runtimes/program.ts';
import { firstThatWorks } from '../runtimes/probe-order.ts';
import { isolations, openRuntime, processRuntimes, toolEnvironmentOf, userScratch } from '../runtimes/runtimes.ts';
import { embedFile, type EmbeddedFile } from '../workers/embed-file.ts';

/** As they were written: texts of options. Absent: the usual. */
export interface FileRunOptions {
  readonly bands?: string | undefined;
  readonly quantization?: string | undefined;
  readonly scratch?: string | undefined;
  readonly batch?: string | undefined;
  readonly threads?: string | undefined;
  /** What programs say is not shown. */
  readonly isQuiet: boolean;
}

export interface FilePaths {
  readonly input: string;
  readonly output: string;
}

/** Embeds files, one after the other. */
export interface FileRunner {
  /** Throws what embedFile throws. */
  embed(operator: Operator, paths: FilePaths, signal: AbortSignal, onProgress: (done: number, of: number) => void): Promise<EmbeddedFile>;
  close(): Promise<void>;
}

/** Throws an Error with one line for options that can't be meant. */
export function openFileRunner(options: FileRunOptions, environment: Readonly<Record<string, string | undefined>>): FileRunner {
  const log = createStreamLog(process.stderr, 'warning');
  const threads = Number(options.threads ?? 1);
  if (!Number.isInteger(threads) || threads < 1) throw new Error(`--threads ${options.threads}: it must be a whole number from 1 on`);
  const settings = { scratch: options.scratch ?? userScratch(), batch: parseBatchOptions(options.batch ?? ''), toolEnvironment: toolEnvironmentOf(environment) };
  const bands = options.bands?.split(',').map((name) => name.trim()) ?? null;
  const quantization = quantizationOf(options.quantization === undefined ? {} : { quantization: options.quantization }, 'compress_embed', 'float32');
  const runtime = createOperatorRuntime({
    onnx: createOnnxRuntime({ threads, log }),
    runtimes: (name) => openRuntime(name, settings),
    // Whoever starts a program on his own machine may choose how.
    allowed: ['onnx', ...processRuntimes], concurrency: threads, log,
    onRun: (_, { output }) => void (!options.isQuiet && output !== '' && process.stderr.write(`${output}\n`)),
  });
  const rasters = new RasterCache({ blockBytes: 64 * 2 ** 20 });
  return {
    embed: (operator, paths, signal, onProgress) => embedFile({ ...paths, operator, bands, quantization }, { runtime, rasters, log, signal, onProgress }),
    async close() {
      await runtime.close();
      await rasters.close();
    },
  };
}

/** The runtime of a name. Throws an Error that lists those there are. */
export function runtimeOption(text: string): RuntimeName {
  const found = runtimeNamed(text);
  if (found === null) throw new Error(`there is no runtime '${text}'; there are onnx, ${processRuntimes.join(', ')}`);
  return found;
}

/**
 * The operator in the first runtime that works on this machine, for a caller who named none; says on stderr when that is not the usual
 * one. Models run in this process in any case. Throws RuntimeUnavailable when none works.
 */
export async function inWorkingRuntime(operator: Operator, { scratch = userScratch() }: Pick<FileRunOptions, 'scratch'>, environment: Readonly<Record<string, string | undefined>>): Promise<Operator> {
  if (operator.runtime === 'onnx') return operator;
  const { name, skipped } = await firstThatWorks(operator, (each) => openRuntime(each, { scratch, toolEnvironment: toolEnvironmentOf(environment) }), scratch);
  const unsealed = isolations[name as keyof typeof isolations].isSealed ? '' : `, ${isolations[name as keyof typeof isolations].description}`;
  if (skipped.length > 0) process.stderr.write(`lamina: ${skipped.map((each) => `${each.name} does not work here (${each.reason})`).join('; ')}. It runs in ${name}${unsealed}.\n`);
  return runAs(operator, { runtime: name });
}

/** What a command ends with whose program failed: its exit code; 124 is a limit of time, 137 one of memory. */
export function exitCodeOf({ reason, exitCode }: Ended): number {
  if (reason === 'time') return 124;
  return exitCode === null || exitCode === 0 ? (reason === 'exit' && exitCode === 0 ? 1 : 137) : exitCode;
}
