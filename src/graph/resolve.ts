/** From parsed arguments to the values a process is run with. */
import type { Callback } from './callback.ts';
import type { Argument, Environment, Graph } from './graph.ts';
import type { Process } from './process.ts';
import type { Arguments, Value } from './value.ts';

/** What references resolve to at some point of a run. */
export interface Bindings {
  /** Results of the nodes that have run. */
  readonly results: ReadonlyMap<string, Value>;
  readonly environment: Environment;
  readonly toCallback: (graph: Graph) => Callback;
}

/** The value of an argument. */
export function resolve(argument: Argument, bindings: Bindings): Value {
  switch (argument.kind) {
    case 'literal': return argument.value;
    case 'node': return bindings.results.get(argument.id)!;
    case 'parameter': return bindings.environment.get(argument.name) ?? null;
    case 'array': return argument.items.map((item) => resolve(item, bindings));
    case 'object': return Object.fromEntries([...argument.entries].map(([key, entry]) => [key, resolve(entry, bindings)]));
    case 'callback': return bindings.toCallback(argument.graph);
  }
}

/** The arguments together with the defaults of the parameters that are not given. */
export function withDefaults(given: Readonly<Record<string, Value>>, process: Process): Arguments {
  const completed: Record<string, Value> = { ...given };
  for (const { name, default: value } of process.description.parameters) {
    if (value !== undefined && !Object.hasOwn(completed, name)) completed[name] = value as Value;
  }
  return completed;
}

/** What the parameters of a graph hold: what is given, their default, or null. */
export function environmentOf(graph: Graph, args: Arguments): Environment {
  return new Map(graph.parameters.map(({ name, default: value }) => [name, Object.hasOwn(args, name) ? args[name] ?? null : (value ?? null) as Value]));
}
