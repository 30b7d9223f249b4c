/**
 * apply_neighborhood: a child process for every piece of the cube.
 *
 * Pieces are counted from the first cell of the cube. The child runs on a lazy cube of the piece, and of its
 * result only the cells that a window needs are read, so what is read does not depend on how it is read.
 */
import { withNewValues } from '../../cube/attributes.ts';
import { readRegion, windowFor } from '../../cube/broadcast.ts';
import { createNullBlock, product, type Block, type Window } from '../../cube/block.ts';
import type { Cube } from '../../cube/cube.ts';
import { digest } from '../../cube/digest.ts';
import type { DType } from '../../cube/dtype.ts';
import { cropBlock, pasteBlock } from '../../cube/paste.ts';
import { commonWindow, isEmptyWindow, isSameWindow } from '../../cube/window.ts';
import { invalidArgument, OpenEOError } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import { applySeries } from './apply-series.ts';
import { callbackOf, contextOf, cubeOf } from './arguments.ts';
import { runChild, type Child } from './child-cubes.ts';
import { meaningOf } from './fingerprint.ts';
import { divisionsOf, isSingle, piecesOf, type Piece } from './pieces.ts';
import { insideOf, readPadded, subCube } from './sub-cube.ts';

const ID = 'apply_neighborhood';

export const applyNeighborhood: Implementation = {
  async run(args) {
    const cube = cubeOf(args, ID);
    const callback = callbackOf(args, ID, 'process');
    const divisions = divisionsOf(cube, args, ID);
    const pieces = divisions.map((division, i) => piecesOf(cube, i, division));
    if (pieces.some((list) => list.length === 0)) return cube;
    const meaning = meaningOf(ID, args);
    const open = divisions.flatMap((division, i) => (isSingle(division) ? [] : [i]));
    if (open.length < 2 || cube.dimensions.length === 1) {
      return applySeries(cube, { at: open[0] ?? 0, pieces: pieces[open[0] ?? 0]!, callback, constants: contextOf(args), meaning });
    }
    const child: Child = { process: ID, callback, ...contextOf(args), keepsLabels: true, refuse: immutable };
    const first = await runChild(child, subCube(cube, seenBy(pieces.map((list) => list[0]!))));
    return divided(cube, pieces, child, first.dtype, meaning);
  },
};

export const immutable = (difference: string) => new OpenEOError('DataCubePropertiesImmutable', {}, { detail: difference });

/** What a piece covers, and what its child sees. */
const coveredBy = (pieces: readonly Piece[]): Window => ({ start: pieces.map((p) => p.start), size: pieces.map((p) => p.end - p.start) });
const seenBy = (pieces: readonly Piece[]): Window => ({ start: pieces.map((p) => p.from), size: pieces.map((p) => p.to - p.from) });

function divided(cube: Cube, pieces: readonly (readonly Piece[])[], child: Child, dtype: DType, meaning: string): Cube {
  const names = cube.dimensions.map((d) => d.name);
  /** What the child makes of a piece, and where in it the cells lie that a window needs. */
  const applied = async (source: Cube, piece: readonly Piece[], window: Window, signal?: AbortSignal) => {
    const seen = seenBy(piece);
    const cells = commonWindow(window, coveredBy(piece));
    const result = await runChild(child, subCube(source, seen), signal);
    return { result, cells, region: { names, start: cells.start.map((s, i) => s - seen.start[i]!), size: cells.size } };
  };
  return cube.with({
    dtype,
    attributes: withNewValues(cube.attributes),
    read: async (window, signal) => {
      const touched = piecesIn(pieces, insideOf(cube, window));
      const source = await shared(cube, touched, window, signal);
      const out = createNullBlock(dtype, window.size);
      for (const piece of touched) {
        const { result, cells, region } = await applied(source, piece, window, signal);
        if (result.dtype !== dtype) throw invalidArgument(ID, 'process', `its values are of the type ${dtype} in one neighborhood and ${result.dtype} in another`);
        const block = await readRegion(result, region, signal);
        if (isSameWindow(cells, window)) return block;
        pasteBlock(out, window, block, cells);
      }
      return out;
    },
    fingerprint: async (window) => {
      const prints: unknown[] = [];
      for (const piece of piecesIn(pieces, insideOf(cube, window))) {
        const { result, cells, region } = await applied(cube, piece, window);
        prints.push([cells.start.map((s, i) => s - window.start[i]!), await result.fingerprint(windowFor(result, region))]);
      }
      return digest([meaning, window.size, prints]);
    },
  });
}

/** The pieces that a window touches, as one piece per dimension. */
function piecesIn(pieces: readonly (readonly Piece[])[], window: Window): Piece[][] {
  if (isEmptyWindow(window)) return [];
  return pieces.reduce<Piece[][]>((tuples, list, i) => {
    const [start, end] = [window.start[i]!, window.start[i]! + window.size[i]!];
    const touched = list.filter((p) => p.start < end && p.end > start);
    return tuples.flatMap((tuple) => touched.map((piece) => [...tuple, piece]));
  }, [[]]);
}

/** Reading what many pieces see at once is worth it as long as it is no more than so many times the window. */
const MAX_SURPLUS = 4;

/** The cube with all that the pieces see in memory, where that is little: overlaps are computed once then. */
async function shared(cube: Cube, touched: readonly Piece[][], window: Window, signal: AbortSignal): Promise<Cube> {
  if (touched.length < 2) return cube;
  const seen = insideOf(cube, unionOf(touched.map(seenBy)));
  if (product(seen.size) > MAX_SURPLUS * product(window.size)) return cube;
  const block: Block = await readPadded(cube, seen, seen, signal);
  return cube.with({ read: async (part) => cropBlock(block, seen, part) });
}

function unionOf(windows: readonly Window[]): Window {
  const start = windows[0]!.start.map((_, i) => Math.min(...windows.map((w) => w.start[i]!)));
  return { start, size: start.map((s, i) => Math.max(...windows.map((w) => w.start[i]! + w.size[i]!)) - s) };
}
