/** The engine's interface, as much of it as is used: Node has it, its types come with those for browsers only. */

interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

interface WebAssemblyEngine {
  readonly Memory: new (limits: { initial: number; maximum: number }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object, imports: { env: { memory: WasmMemory } }) => { readonly exports: Readonly<Record<string, unknown>> };
}

const engine = (globalThis as unknown as { WebAssembly: WebAssemblyEngine }).WebAssembly;

/** Works on the first n cells of the tile; 1 when one of the results is no-data. Computes up to three cells more. */
export type Run = (n: number) => number;

/** Modules that are kept; each holds some tens of kilobytes of machine code. */
const MAX_INSTANCES = 128;

/** The scratch memory of a thread and the functions that work on it. It has a fixed size. */
export class Scratch {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #memory: WasmMemory;
  /** By the text of the module's bytes. */
  readonly #instances = new Map<string, Run>();
  /** Of modules that are held by their users; looking bytes up takes longer than a short run. */
  readonly #known = new WeakMap<Uint8Array, Run>();

  constructor(pages: number) {
    this.#memory = new engine.Memory({ initial: pages, maximum: pages });
    this.bytes = new Uint8Array(this.#memory.buffer);
  }

  /** The function of a module; modules with the same bytes are compiled once. */
  load(module: Uint8Array<ArrayBuffer>): Run {
    const run = this.#known.get(module) ?? this.#find(module);
    this.#known.set(module, run);
    return run;
  }

  #find(module: Uint8Array<ArrayBuffer>): Run {
    const key = Buffer.from(module.buffer, module.byteOffset, module.length).toString('latin1');
    const known = this.#instances.get(key);
    if (known) return known;
    const { exports } = new engine.Instance(new engine.Module(module), { env: { memory: this.#memory } });
    const run = exports['run'] as Run;
    if (this.#instances.size >= MAX_INSTANCES) this.#instances.delete(this.#instances.keys().next().value!);
    this.#instances.set(key, run);
    return run;
  }
}
