/** Sandboxes for tests: in a thread as the service has them, and bare ones, which start faster. */
import type { UdfCall, UdfCells, UdfSandbox, UdfSamples } from '../../src/graph/udf.ts';
import { createLog, type LogEntry } from '../../src/log.ts';
import { createUdfRuntimes } from '../../src/udf/runtimes.ts';
import { createSandbox, UdfFailure } from '../../src/udf/sandbox.ts';

export const limits = { milliseconds: 20_000, memoryBytes: 32 << 20 };

type Settings = Partial<typeof limits> & { readonly context?: unknown };

/** A sandbox in a thread, and what it writes to its log. */
export function sandbox(code: string, { context = null, ...changed }: Settings = {}): UdfSandbox & { log: LogEntry[] } {
  const log: LogEntry[] = [];
  const opened = createUdfRuntimes({ ...limits, ...changed }).open({ runtime: 'JavaScript', version: null, code, context, log: createLog((entry) => void log.push(entry), 'debug') });
  return Object.assign(opened, { log });
}

export const never = new AbortController().signal;

export const single: UdfCells = { outer: 1, inner: 1, labels: null, isBoolean: false };

/** One call in this thread. */
export async function ask(code: string, call: UdfCall, { context = null, ...changed }: Settings = {}) {
  const bare = await createSandbox({ ...limits, ...changed });
  bare.load(code);
  return { answer: bare.call(call, JSON.stringify(context)), log: bare.takeLogs() };
}

/** The function on numbers, one by one. */
export async function map(code: string, values: readonly (number | null)[], settings: Settings = {}) {
  const samples = { data: Float64Array.from(values, (v) => v ?? 0), nulls: values.includes(null) ? Uint8Array.from(values, (v) => (v === null ? 1 : 0)) : null };
  const { answer, log } = await ask(code, { kind: 'cells', cells: { ...single, inner: values.length }, samples, result: { length: null, type: 'number' } }, settings);
  const { data, nulls } = answer as UdfSamples;
  return { values: Array.from(data, (v, i) => (nulls?.[i] ? null : v)), log };
}

/** The reason why the function fails on a number. */
export async function failureOf(code: string, settings: Settings = {}): Promise<string> {
  try {
    return `it works: ${JSON.stringify((await ask(code, { kind: 'probe', cells: single }, settings)).answer)}`;
  } catch (error) {
    return error instanceof UdfFailure ? error.message : `the runtime broke: ${String(error)}`;
  }
}
