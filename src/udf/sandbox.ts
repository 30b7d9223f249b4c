/**
 * An isolated JavaScript runtime: QuickJS, compiled to WebAssembly, with an instance of its own.
 *
 * The code in it sees the built-in objects of ECMAScript and `console`, and nothing of Node: no modules, no
 * network, no files, no timers. It can reach only the memory of its instance. Time and memory are limited
 * from outside. Everything here is synchronous; who can't wait runs it in a thread (thread.ts).
 */
import variant from '@jitl/quickjs-wasmfile-release-sync';
import { newQuickJSWASMModuleFromVariant, type QuickJSContext, type QuickJSHandle, type QuickJSRuntime, type QuickJSSyncVariant } from 'quickjs-emscripten-core';
import type { UdfAnswer, UdfCall, UdfCellResult, UdfDimension, UdfSamples } from '../graph/udf.ts';
import type { LogLevel } from '../log.ts';
import type { LogLine, SandboxLimits } from './messages.ts';
import { prelude } from './prelude.ts';

/** How the code of the user is called in messages. */
const FILE = 'udf.js';
const STACK_BYTES = 256 * 1024;
const MAX_LOG_LINES = 200;
const MAX_LOG_LENGTH = 2000;
/** Elements that a pixel may give. */
const MAX_LENGTH = 10_000;

/** The code of the user failed, or broke a limit. The message is for him. */
export class UdfFailure extends Error {}

/** A new runtime. It must be disposed of. */
export async function createSandbox(limits: SandboxLimits): Promise<Sandbox> {
  // Its types are written for CommonJS, where the default is one level down.
  const module = await newQuickJSWASMModuleFromVariant(variant as unknown as QuickJSSyncVariant);
  return new Sandbox(module.newRuntime(), limits);
}

export class Sandbox {
  readonly #runtime: QuickJSRuntime;
  readonly #vm: QuickJSContext;
  readonly #limits: SandboxLimits;
  readonly #entry: QuickJSHandle;
  #deadline = Infinity;
  #isLate = false;
  #logs: LogLine[] = [];
  #logged = 0;

  constructor(runtime: QuickJSRuntime, limits: SandboxLimits) {
    this.#runtime = runtime;
    this.#limits = limits;
    runtime.setMemoryLimit(limits.memoryBytes);
    runtime.setMaxStackSize(STACK_BYTES);
    runtime.setInterruptHandler(() => (this.#isLate ||= performance.now() > this.#deadline));
    this.#vm = runtime.newContext();
    this.#entry = this.#enter();
  }

  /** Runs the code of the user, which declares its functions. Throws UdfFailure. */
  load(code: string): void {
    this.#timed(() => this.#take(this.#vm.evalCode(code, FILE, { type: 'global' }), 'while it was loaded').dispose());
  }

  /** Calls a function of the user; `context` is JSON. Throws UdfFailure. */
  call(call: UdfCall, context: string): UdfAnswer<UdfCall> {
    return this.#timed(() => {
      switch (call.kind) {
        case 'describe': return this.#describe(JSON.stringify(call), context);
        case 'probe': return cellResultOf(this.#text(this.#invoke('probe', 'apply', [JSON.stringify(call.cells), context])));
        case 'cells': return this.#samples('cells', [JSON.stringify(call.cells), context, JSON.stringify(call.result)], call.samples, call.cells.outer * call.cells.inner * (call.result.length ?? 1));
        case 'chunk': return this.#samples('chunk', [JSON.stringify({ dimensions: call.dimensions }), context, JSON.stringify(call.expected)], call.samples, call.expected.reduce((a, b) => a * b, 1));
      }
    });
  }

  /** What was written to `console` since the last time. */
  takeLogs(): LogLine[] {
    return this.#logs.splice(0);
  }

  dispose(): void {
    this.#entry.dispose();
    this.#vm.dispose();
    this.#runtime.dispose();
  }

  #enter(): QuickJSHandle {
    const vm = this.#vm;
    const log = vm.newFunction('log', (level, message) => { this.#log(vm.getString(level) as LogLevel, vm.getString(message)); });
    const start = vm.unwrapResult(vm.evalCode(prelude, 'prelude.js'));
    const entry = vm.unwrapResult(vm.callFunction(start, vm.undefined, log));
    start.dispose();
    log.dispose();
    return entry;
  }

  #log(level: LogLevel, message: string): void {
    this.#logged++;
    if (this.#logged < MAX_LOG_LINES) this.#logs.push({ level, message: message.length > MAX_LOG_LENGTH ? `${message.slice(0, MAX_LOG_LENGTH)}…` : message });
    else if (this.#logged === MAX_LOG_LINES) this.#logs.push({ level: 'warning', message: `More than ${MAX_LOG_LINES} lines: the rest is left out.` });
  }

  #timed<T>(work: () => T): T {
    this.#isLate = false;
    this.#deadline = performance.now() + this.#limits.milliseconds;
    try {
      return work();
    } finally {
      this.#deadline = Infinity;
    }
  }

  #describe(shape: string, context: string): readonly UdfDimension[] | null {
    const describe = this.#function('describe');
    if (!describe) return null;
    describe.dispose();
    return JSON.parse(this.#text(this.#invoke('describe', 'describe', [shape, context]))) as readonly UdfDimension[];
  }

  /** A function of the user, also one that was declared with const; null when there is none of that name. */
  #function(name: 'apply' | 'describe'): QuickJSHandle | null {
    const found = this.#take(this.#vm.evalCode(`typeof ${name} === 'function' ? ${name} : undefined`, FILE), 'while it was loaded');
    if (this.#vm.typeof(found) === 'function') return found;
    found.dispose();
    return null;
  }

  #invoke(entry: UdfCall['kind'], name: 'apply' | 'describe', texts: readonly string[], buffers: readonly QuickJSHandle[] = []): QuickJSHandle {
    const vm = this.#vm;
    const user = this.#function(name);
    if (!user) throw new UdfFailure(`there is no function '${name}': the code must declare 'function ${name}(data, context) { … }'`);
    const method = vm.getProp(this.#entry, entry);
    const given = texts.map((text) => vm.newString(text));
    try {
      return this.#take(vm.callFunction(method, vm.undefined, user, ...given, ...buffers), '');
    } finally {
      for (const handle of [user, method, ...given]) handle.dispose();
    }
  }

  #samples(entry: 'cells' | 'chunk', texts: readonly string[], { data, nulls }: UdfSamples, count: number): UdfSamples {
    const vm = this.#vm;
    const buffers = [vm.newArrayBuffer(bytesOf(data)), nulls ? vm.newArrayBuffer(bytesOf(nulls)) : vm.null];
    try {
      const result = this.#invoke(entry, 'apply', texts, buffers);
      const values = this.#buffer(result, 'data', count * 8);
      const flags = this.#buffer(result, 'nulls', count);
      result.dispose();
      return { data: new Float64Array(values.buffer), nulls: flags.includes(1) ? flags : null };
    } finally {
      for (const handle of buffers) if (handle !== vm.null) handle.dispose();
    }
  }

  /** A copy of the bytes of a buffer in the sandbox. */
  #buffer(owner: QuickJSHandle, name: 'data' | 'nulls', size: number): Uint8Array<ArrayBuffer> {
    const handle = this.#vm.getProp(owner, name);
    const lifetime = this.#vm.getArrayBuffer(handle);
    const bytes = lifetime.value.slice() as Uint8Array<ArrayBuffer>;
    lifetime.dispose();
    handle.dispose();
    if (bytes.byteLength !== size) throw new UdfFailure('its result was changed on the way out');
    return bytes;
  }

  #text(handle: QuickJSHandle): string {
    const text = this.#vm.getString(handle);
    handle.dispose();
    return text;
  }

  #take(result: ReturnType<QuickJSContext['evalCode']>, when: string): QuickJSHandle {
    if (!result.error) return result.value;
    const reason = this.#reasonOf(result.error);
    result.error.dispose();
    throw new UdfFailure([reason, when].filter((part) => part !== '').join(' '));
  }

  /** Error and line, as the user would look for it. */
  #reasonOf(error: QuickJSHandle): string {
    if (this.#isLate) return `it ran longer than ${this.#limits.milliseconds / 1000} s, which is the limit`;
    const { name, message, stack } = this.#dump(error);
    if (message.includes('out of memory') || (name === '' && message === '')) return `it needs more than ${Math.round(this.#limits.memoryBytes / 2 ** 20)} MiB of memory, which is the limit`;
    const line = new RegExp(`${FILE.replace('.', '\\.')}:(\\d+)`).exec(stack)?.[1];
    return `${name === '' ? '' : `${name}: `}${message.slice(0, 500)}${line === undefined ? '' : ` (line ${line})`}`;
  }

  #dump(error: QuickJSHandle): { readonly name: string; readonly message: string; readonly stack: string } {
    const value: unknown = this.#vm.dump(error);
    if (typeof value !== 'object' || value === null) return { name: '', message: `it threw ${String(value).slice(0, 200)}`, stack: '' };
    const of = (key: string) => {
      const part = (value as Record<string, unknown>)[key];
      return typeof part === 'string' ? part : '';
    };
    return { name: of('name'), message: of('message'), stack: of('stack') };
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float64Array<ArrayBuffer> | Uint8Array<ArrayBuffer>) => (byteLength === buffer.byteLength ? buffer : buffer.slice(byteOffset, byteOffset + byteLength));

function cellResultOf(text: string): UdfCellResult {
  const { length, type } = JSON.parse(text) as UdfCellResult;
  if (length === null || length <= MAX_LENGTH) return { length, type };
  throw new UdfFailure(`it gives arrays of ${length} values per pixel, at most ${MAX_LENGTH} are possible`);
}
