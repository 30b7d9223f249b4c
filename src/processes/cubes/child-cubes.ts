/** Child processes that get a whole cube and give one like it. */
import { Cube } from '../../cube/cube.ts';
import { invalidArgument } from '../../errors.ts';
import { isSameGrid } from '../../geo/grid.ts';
import type { Callback } from '../../graph/callback.ts';
import type { Value } from '../../graph/value.ts';
import { kindOf } from './arguments.ts';

export interface Child {
  /** The process that has the child, for messages. */
  readonly process: string;
  readonly callback: Callback;
  readonly context: Value;
  /** Throws when the child has changed what it must not change; says what that is. */
  readonly refuse: (difference: string) => Error;
  /** False: other labels will do as long as they are as many. */
  readonly keepsLabels: boolean;
}

/** What the child makes of a cube: one with the same dimensions, in whatever order. */
export async function runChild(child: Child, data: Cube, signal?: AbortSignal): Promise<Cube> {
  const result = await child.callback.evaluate({ data, context: child.context }, signal);
  if (!(result instanceof Cube)) throw invalidArgument(child.process, 'process', `it must give a data cube, not ${kindOf(result)}`);
  const difference = differenceOf(data, result, child.keepsLabels);
  if (difference !== null) throw child.refuse(`The child process ${difference}`);
  return result;
}

function differenceOf(data: Cube, result: Cube, keepsLabels: boolean): string | null {
  for (const { name } of result.dimensions) if (!data.dimensions.some((d) => d.name === name)) return `adds the dimension '${name}'.`;
  for (const { name, type, size, axis, labels } of data.dimensions) {
    const found = result.dimensions.find((d) => d.name === name);
    if (!found) return `drops the dimension '${name}'.`;
    if (found.type !== type || found.axis !== axis) return `changes the type of the dimension '${name}'.`;
    if (found.size !== size) return `changes the number of labels of '${name}' from ${size} to ${found.size}.`;
    if (keepsLabels && labels && !found.labels?.every((label, i) => label === labels[i])) return `changes the labels of '${name}'.`;
  }
  const isSame = data.grid && result.grid ? isSameGrid(data.grid, result.grid) : data.grid === result.grid;
  return isSame ? null : 'changes the grid of x and y.';
}
