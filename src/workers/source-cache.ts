/** The sources of blocks, opened out of their tasks once for the many blocks that share one. */
import { OpenEOError } from '../errors.ts';
import { Cube } from '../cube/cube.ts';
import { withInlineDefinitions } from '../graph/definition-url.ts';
import { evaluate } from '../graph/evaluate.ts';
import { cellSource, type BlockSource } from '../layers/block-source.ts';
import type { BlockTask } from '../layers/embed-blocks.ts';
import { embedSource } from '../layers/embedded-cube.ts';
import { EngineScope, type Engine } from '../layers/scope.ts';
import { silentLog } from '../log.ts';

/** Source cubes stay open this long: a job's blocks share one, and a changed catalog is seen soon. */
const SOURCE_TTL_MS = 10_000;

/** Evaluates origin graphs once for the many blocks that share them. */
export class SourceCache {
  readonly #engine: Engine;
  readonly #entries = new Map<string, { readonly source: Promise<BlockSource>; readonly expires: number }>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Throws what evaluating the origin throws, and Internal when that makes no cube on a grid. */
  get(task: BlockTask): Promise<BlockSource> {
    const key = this.#key(task);
    const known = this.#entries.get(key);
    if (known && known.expires > Date.now()) return known.source;
    const source = this.#open(task);
    this.#entries.set(key, { source, expires: Date.now() + SOURCE_TTL_MS });
    source.catch(() => this.#entries.delete(key));
    this.#dropExpired();
    return source;
  }

  forget(task: BlockTask): void {
    this.#entries.delete(this.#key(task));
  }

  #key({ operator, origin, onto, filesOf }: BlockTask): string {
    return JSON.stringify([operator, origin, onto, filesOf]);
  }

  #dropExpired(): void {
    const now = Date.now();
    for (const [key, entry] of this.#entries) if (entry.expires <= now) this.#entries.delete(key);
  }

  async #open({ origin, onto, operator, filesOf }: BlockTask): Promise<BlockSource> {
    // Shared by tasks, so no single task's signal may end it.
    const scope = new EngineScope(this.#engine, { signal: new AbortController().signal, log: silentLog, ...(filesOf !== undefined && { filesOf }) });
    const data = await evaluate({ process_graph: origin }, withInlineDefinitions(this.#engine.registry), scope);
    if (!(data instanceof Cube) || !data.grid) throw new OpenEOError('Internal', { message: 'the origin of a block is no data cube on a grid' });
    if (operator === null) return cellSource(data);
    return embedSource({ data, model: operator, ...(onto && { onto }) }, this.#engine.operators);
  }
}
