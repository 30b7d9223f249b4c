/** inspect: writes to the log and hands the data on. */
import { Cube } from '../../cube/cube.ts';
import { Callback } from '../../graph/callback.ts';
import type { Implementation } from '../../graph/process.ts';
import { LabeledArray, type Value } from '../../graph/value.ts';
import { optionalTextOf } from './arguments.ts';

const levels = ['error', 'warning', 'info', 'debug'] as const;

export const inspect: Implementation = {
  run(args, { scope, path }) {
    const data = args['data'] ?? null;
    const level = levels.find((name) => name === args['level']) ?? 'info';
    scope.log[level](optionalTextOf(args, 'inspect', 'message') ?? '', { path, code: optionalTextOf(args, 'inspect', 'code') ?? 'User', data: shown(data) });
    return data;
  },
};

/** What an entry tells about a value: all of it, for a cube its metadata. */
function shown(value: Value | undefined): unknown {
  if (value instanceof Cube) return cubeFacts(value);
  if (value instanceof Callback) return { process_graph: value.processGraph };
  if (value instanceof LabeledArray) return Object.fromEntries(value.labels.map((label, i) => [label, shown(value.values[i])]));
  if (Array.isArray(value)) return (value as readonly Value[]).map(shown);
  return value ?? null;
}

function cubeFacts(cube: Cube): object {
  const dimensions = cube.dimensions.map(({ name, type, axis, size, labels }) => ({ name, type, ...(axis && { axis }), size, ...(labels && { labels: labels.slice(0, 50) }) }));
  return { type: 'datacube', dimensions, data_type: cube.dtype, grid: cube.grid };
}
