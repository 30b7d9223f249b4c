/** Fingerprints of computed cubes: process, arguments, and what the inputs are. */
import { Cube } from '../../cube/cube.ts';
import { digest } from '../../cube/digest.ts';
import { Callback } from '../../graph/callback.ts';
import { LabeledArray, type Arguments, type Value } from '../../graph/value.ts';

/**
 * What a process and its arguments mean, cubes left out: their samples come in by their own
 * fingerprints. Callbacks count as the graph they were sent as.
 */
export function meaningOf(process: string, args: Arguments): string {
  const entries = Object.entries(args).filter(([, value]) => !(value instanceof Cube)).map(([name, value]) => [name, plain(value)]);
  return digest([process, Object.fromEntries(entries)]);
}

function plain(value: Value | undefined): unknown {
  if (value instanceof Callback) return { process_graph: value.processGraph };
  if (value instanceof LabeledArray) return { labels: value.labels, values: value.values.map(plain) };
  if (Array.isArray(value)) return (value as readonly Value[]).map(plain);
  if (typeof value === 'object' && value !== null && !(value instanceof Cube)) {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]));
  }
  return value;
}
