/** Reducing groups of labels along a dimension, each to one value. */
import { withNewValues } from '../../cube/attributes.ts';
import { createBlock, type Block, type Window } from '../../cube/block.ts';
import type { Cube } from '../../cube/cube.ts';
import { digest } from '../../cube/digest.ts';
import { withLabels, type Label } from '../../cube/dimension.ts';
import { commonDType } from '../../graph/result-dtype.ts';
import { pasteBlock } from '../../cube/paste.ts';
import { pointwiseRegrid } from '../../cube/resample.ts';
import { fingerprintLabels, readLabels } from '../../cube/view.ts';
import { splitWindow, withRange } from '../../cube/window.ts';
import type { Callback } from '../../graph/callback.ts';
import type { Kernel } from '../../graph/kernel.ts';
import type { Value } from '../../graph/value.ts';
import { compileScalar, MAX_SAMPLES, runAlong } from './kernels.ts';

export interface Group {
  readonly label: Label;
  /** Positions of its members on the dimension. */
  readonly members: readonly number[];
}

export interface Reduction {
  readonly process: string;
  readonly reducer: Callback;
  readonly constants: Readonly<Record<string, Value>>;
  /** Digest of process and arguments. */
  readonly meaning: string;
}

/** The cube with one label per group on the dimension, which the reducer computes from the group's members. */
export function aggregateGroups(cube: Cube, dimension: number, groups: readonly Group[], reduction: Reduction): Cube {
  const derive = (source: Cube) => aggregated(source, dimension, groups, reduction);
  const regrid = pointwiseRegrid(cube, derive);
  const out = derive(cube);
  return regrid ? out.with({ regrid }) : out;
}

function aggregated(cube: Cube, dimension: number, groups: readonly Group[], reduction: Reduction): Cube {
  const labels = cube.dimensions[dimension]!.labels!;
  const kernels = groups.map(({ members }) => {
    const input = { name: 'data', kind: 'array', dtype: cube.dtype, labels: members.map((i) => labels[i]!) } as const;
    return compileScalar(reduction.reducer, [input], reduction.constants, { process: reduction.process, parameter: 'reducer' });
  });
  const dtype = kernels.map((kernel) => kernel.dtype).reduce(commonDType, kernels[0]?.dtype ?? cube.dtype);
  const inWindow = (window: Window) => groups.slice(window.start[dimension]!, window.start[dimension]! + window.size[dimension]!);
  return cube.with({
    dimensions: cube.dimensions.with(dimension, withLabels(cube.dimensions[dimension]!, groups.map((g) => g.label))),
    dtype,
    attributes: withNewValues(cube.attributes),
    read: async (window, signal) => {
      const out = createBlock(dtype, window.size);
      const first = window.start[dimension]!;
      for (const [i, { members }] of inWindow(window).entries()) {
        const slice = withRange(window, dimension, first + i, 1);
        await reduceGroup(cube, dimension, members, kernels[first + i]!, slice, { out, window }, signal);
      }
      return out;
    },
    fingerprint: async (window) => {
      const prints: string[] = [];
      for (const { members } of inWindow(window)) prints.push(await fingerprintLabels(cube, withRange(window, dimension, 0, 1), dimension, members));
      return digest([reduction.meaning, window.start[dimension], prints]);
    },
  });
}

/** Computes one group of a window, in pieces that fit into memory. */
async function reduceGroup(cube: Cube, dimension: number, members: readonly number[], kernel: Kernel, slice: Window, target: { out: Block; window: Window }, signal: AbortSignal): Promise<void> {
  for (const piece of splitWindow(slice, Math.max(1, Math.floor(MAX_SAMPLES / Math.max(1, members.length))))) {
    const series = await readLabels(cube, withRange(piece, dimension, 0, 1), dimension, members, signal);
    const { data, nulls } = runAlong(kernel, series, dimension);
    pasteBlock(target.out, target.window, { dtype: kernel.dtype, shape: piece.size, data, nulls }, piece);
  }
}
