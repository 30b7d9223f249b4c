/** merge_cubes: two cubes in one. */
import { joinedSources, withNewValues } from '../../cube/attributes.ts';
import { readRegion, windowFor, type Region } from '../../cube/broadcast.ts';
import { createNullBlock, type Block, type Window } from '../../cube/block.ts';
import type { Cube, CubeAttributes } from '../../cube/cube.ts';
import { digest } from '../../cube/digest.ts';
import { pasteBlock, withoutIdleNulls } from '../../cube/paste.ts';
import { invalidArgument, OpenEOError } from '../../errors.ts';
import type { Kernel } from '../../graph/kernel.ts';
import type { Implementation } from '../../graph/process.ts';
import { commonDType } from '../../graph/result-dtype.ts';
import type { Arguments } from '../../graph/value.ts';
import { callbackOf, contextOf, cubeOf } from './arguments.ts';
import { meaningOf } from './fingerprint.ts';
import { compileScalar, runPointwise } from './kernels.ts';
import { piecesOf, planMerge, type MergePlan, type Piece } from './merge-plan.ts';

const ID = 'merge_cubes';

export const mergeCubes: Implementation = {
  run(args) {
    const plan = planMerge(cubeOf(args, ID, 'cube1'), cubeOf(args, ID, 'cube2'));
    const kernel = plan.overlaps ? resolverOf(args, plan) : null;
    return merged(plan, kernel, meaningOf(ID, args));
  },
};

function resolverOf(args: Arguments, { cubes: [first, second] }: MergePlan): Kernel {
  if (args['overlap_resolver'] === null || args['overlap_resolver'] === undefined) {
    throw new OpenEOError('OverlapResolverMissing', {}, { detail: 'Give the parameter \'overlap_resolver\', or rename the labels that both cubes have.' });
  }
  const inputs = [{ name: 'x', kind: 'scalar', dtype: first.dtype }, { name: 'y', kind: 'scalar', dtype: second.dtype }] as const;
  const kernel = compileScalar(callbackOf(args, ID, 'overlap_resolver'), inputs, contextOf(args), { process: ID, parameter: 'overlap_resolver' });
  if (kernel.length !== null) throw invalidArgument(ID, 'overlap_resolver', 'it must give one value');
  return kernel;
}

function merged(plan: MergePlan, kernel: Kernel | null, meaning: string): Cube {
  const { cubes: [first, second] } = plan;
  const own = plan.isWholeOverlap && kernel ? [] : [first.dtype, second.dtype];
  const dtype = [...own, ...(kernel ? [kernel.dtype] : [])].reduce(commonDType);
  return first.with({
    dimensions: plan.dimensions,
    grid: plan.grid,
    dtype,
    attributes: mergedAttributes(plan, kernel !== null),
    read: async (window, signal) => {
      const pieces = piecesOf(plan, window);
      const single = pieces.length === 1 ? await readPiece(plan, pieces[0]!, kernel, signal) : null;
      if (single?.dtype === dtype) return single;
      const out = createNullBlock(dtype, window.size);
      for (const piece of pieces) {
        const block = single ?? await readPiece(plan, piece, kernel, signal);
        if (block) pasteBlock(out, window, block, piece.window);
      }
      return withoutIdleNulls(out);
    },
    fingerprint: async (window) => {
      const prints: unknown[] = [];
      for (const piece of piecesOf(plan, window)) prints.push([offsetIn(window, piece.window), piece.window.size, ...await printsOf(plan, piece)]);
      return digest([meaning, window.size, prints]);
    },
  });
}

const offsetIn = (window: Window, piece: Window) => piece.start.map((s, i) => s - window.start[i]!);

function regionsOf(plan: MergePlan, { starts, window }: Piece): [Region | null, Region | null] {
  const names = plan.dimensions.map((d) => d.name);
  const [a, b] = starts.map((start) => start && { names, start, size: window.size });
  return [a!, b!];
}

async function printsOf(plan: MergePlan, piece: Piece): Promise<(string | null)[]> {
  const regions = regionsOf(plan, piece);
  return Promise.all(plan.cubes.map(async (cube, i) => (regions[i] ? cube.fingerprint(windowFor(cube, regions[i])) : null)));
}

/** The samples of a piece: of one cube, resolved from both, or null where neither has any. */
async function readPiece(plan: MergePlan, piece: Piece, kernel: Kernel | null, signal: AbortSignal): Promise<Block | null> {
  const regions = regionsOf(plan, piece);
  const blocks = await Promise.all(plan.cubes.map(async (cube, i) => (regions[i] ? readRegion(cube, regions[i], signal) : null)));
  const [x, y] = blocks as [Block | null, Block | null];
  return x && y && kernel ? runPointwise(kernel, [x, y]) : x ?? y;
}

function mergedAttributes(plan: MergePlan, isResolved: boolean): CubeAttributes {
  const [{ attributes: a }, { attributes: b }] = plan.cubes;
  const isSameOperator = !isResolved && a.operator !== undefined && a.operator === b.operator;
  const { bands: _, ...kept } = isSameOperator ? a : withNewValues(a);
  const bands = plan.bandNames?.map((name) => [...(a.bands ?? []), ...(b.bands ?? [])].find((band) => band.name === name) ?? { name });
  return { ...kept, ...joinedSources(a, b), ...(bands && { bands }) };
}
