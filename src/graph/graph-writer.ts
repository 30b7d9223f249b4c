/** Writes values and parsed graphs back as process-graph JSON. */
import { Cube } from '../cube/cube.ts';
import { Callback } from './callback.ts';
import { LabeledArray, type ObjectValue, type Value } from './value.ts';
import type { ProcessNode } from './wire.ts';

/**
 * Collects nodes. What JSON can't say becomes a node of its own: NaN is `nan`, ±Infinity a division by
 * zero, a labeled array `array_create_labeled`, and a cube whatever `writeCube` makes of it.
 */
export class GraphWriter {
  /** In the order in which their ids were taken. */
  readonly #nodes = new Map<string, ProcessNode>();
  readonly #count = new Map<string, number>();
  readonly #writeCube: (cube: Cube) => string;

  constructor(writeCube: (cube: Cube) => string) {
    this.#writeCube = writeCube;
  }

  /** The graph as JSON. Not an object that is filled: ids such as '__proto__' mean something there. */
  get nodes(): Record<string, ProcessNode> {
    return Object.fromEntries(this.#nodes);
  }

  /** Takes an id for a node that is put later. */
  reserve(id: string): void {
    this.#nodes.set(id, { process_id: '', arguments: {} });
  }

  put(id: string, node: ProcessNode): void {
    this.#nodes.set(id, node);
  }

  /** Lets a node be the result of the graph. */
  end(id: string): void {
    this.#nodes.set(id, { ...this.#nodes.get(id)!, result: true });
  }

  /** Adds a node under the next free id of its process ('ndvi1', 'ndvi2', …) and returns the id. */
  add(process_id: string, args: Readonly<Record<string, unknown>>): string {
    let id: string;
    do {
      const count = (this.#count.get(process_id) ?? 0) + 1;
      this.#count.set(process_id, count);
      id = `${process_id}${count}`;
    } while (this.#nodes.has(id));
    this.put(id, { process_id, arguments: args });
    return id;
  }

  /** The JSON of a value as an argument. */
  value(value: Value): unknown {
    if (typeof value === 'number' && !Number.isFinite(value)) return { from_node: this.#nonFinite(value) };
    if (value === null || typeof value !== 'object') return value;
    if (value instanceof Cube) return { from_node: this.#writeCube(value) };
    if (value instanceof Callback) return { process_graph: value.processGraph };
    if (value instanceof LabeledArray) {
      return { from_node: this.add('array_create_labeled', { data: this.value(value.values), labels: value.labels }) };
    }
    if (Array.isArray(value)) return value.map((item: Value) => this.value(item));
    const entries = Object.entries(value as ObjectValue).filter((entry): entry is [string, Value] => entry[1] !== undefined);
    return Object.fromEntries(entries.map(([key, entry]) => [key, this.value(entry)]));
  }

  #nonFinite(value: number): string {
    return Number.isNaN(value) ? this.add('nan', {}) : this.add('divide', { x: Math.sign(value), y: 0 });
  }
}
