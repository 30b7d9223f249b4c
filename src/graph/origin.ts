/** Remembers how cubes were made, so that another worker can make them again. */
import { isDeepStrictEqual } from 'node:util';
import { Cube } from '../cube/cube.ts';
import { GraphWriter } from './graph-writer.ts';
import type { Process } from './process.ts';
import type { Arguments, Value } from './value.ts';
import type { ProcessGraph } from './wire.ts';

interface Made {
  readonly process: Process;
  readonly arguments: Arguments;
}

export class Origins {
  readonly #made = new WeakMap<Cube, Made>();

  /** Notes the node whose result a cube is. A cube that a node only hands on keeps its first maker. */
  record(result: Value, process: Process, args: Arguments): void {
    if (result instanceof Cube && !this.#made.has(result)) this.#made.set(result, { process, arguments: args });
  }

  /**
   * The self-contained graph that makes the cube: parameters replaced by values, the cubes it is made of
   * as nodes before it, each once, arguments that equal the default left out. Equal histories give equal graphs.
   */
  graphOf(cube: Cube): ProcessGraph {
    const ids = new Map<Cube, string>();
    const writer: GraphWriter = new GraphWriter((part) => {
      const known = ids.get(part);
      if (known !== undefined) return known;
      const id = this.#write(part, writer);
      ids.set(part, id);
      return id;
    });
    const id = this.#write(cube, writer);
    writer.end(id);
    return writer.nodes;
  }

  #write(cube: Cube, writer: GraphWriter): string {
    const made = this.#made.get(cube);
    if (!made) throw new Error('This cube was not made by a node of the running process graph.');
    const { id, parameters } = made.process.description;
    const given = parameters.filter((p) => made.arguments[p.name] !== undefined && !isDeepStrictEqual(made.arguments[p.name], p.default));
    return writer.add(id, Object.fromEntries(given.map((p) => [p.name, writer.value(made.arguments[p.name]!)])));
  }
}
