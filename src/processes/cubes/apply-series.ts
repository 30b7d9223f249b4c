/** apply_neighborhood on pieces of one dimension: the child gets arrays and is compiled, as in apply_dimension. */
import { withNewValues } from '../../cube/attributes.ts';
import { createNullBlock, type Block, type Window } from '../../cube/block.ts';
import type { Cube } from '../../cube/cube.ts';
import { digest } from '../../cube/digest.ts';
import { cropBlock, pasteBlock } from '../../cube/paste.ts';
import { splitWindow, withRange } from '../../cube/window.ts';
import { invalidArgument, OpenEOError } from '../../errors.ts';
import type { Callback } from '../../graph/callback.ts';
import type { Kernel } from '../../graph/kernel.ts';
import type { Value } from '../../graph/value.ts';
import { MAX_SAMPLES, runAlong } from './kernels.ts';
import type { Piece } from './pieces.ts';
import { insideOf, labelsBetween, readPadded } from './sub-cube.ts';

export interface SeriesPlan {
  /** The dimension along which the arrays lie. */
  readonly at: number;
  readonly pieces: readonly Piece[];
  readonly callback: Callback;
  readonly constants: Readonly<Record<string, Value>>;
  /** Digest of process and arguments. */
  readonly meaning: string;
}

/** The cube with what the child makes of the pieces of every series along a dimension. */
export function applySeries(cube: Cube, { at, pieces, callback, constants, meaning }: SeriesPlan): Cube {
  const kernels = pieces.map((piece) => compilePiece(cube, at, piece, callback, constants));
  const { dtype } = kernels[0]!;
  if (kernels.some((kernel) => kernel.dtype !== dtype)) throw invalidArgument('apply_neighborhood', 'process', 'its values are not of the same type in all neighborhoods');
  const touched = (window: Window) => pieces.flatMap((piece, i) => {
    const start = Math.max(piece.start, window.start[at]!);
    const end = Math.min(piece.end, window.start[at]! + window.size[at]!);
    return end > start ? [{ piece, kernel: kernels[i]!, cells: withRange(window, at, start, end - start) }] : [];
  });
  return cube.with({
    dtype,
    attributes: withNewValues(cube.attributes),
    read: async (window, signal) => {
      const inside = insideOf(cube, window);
      const out = createNullBlock(dtype, window.size);
      for (const { piece, kernel, cells } of touched(inside)) await applyPiece(cube, at, piece, kernel, cells, { out, window }, signal);
      return out;
    },
    fingerprint: async (window) => {
      const inside = insideOf(cube, window);
      const prints: unknown[] = [];
      for (const { piece, cells } of touched(inside)) {
        const seen = insideOf(cube, withRange(cells, at, piece.from, piece.to - piece.from));
        prints.push([cells.start[at]! - window.start[at]!, cells.start[at]! - piece.from, cells.size, await cube.fingerprint(seen)]);
      }
      return digest([meaning, window.size, inside.start.map((s, i) => s - window.start[i]!), prints]);
    },
  });
}

function compilePiece(cube: Cube, at: number, { from, to }: Piece, callback: Callback, constants: Readonly<Record<string, Value>>): Kernel {
  const kernel = callback.compile([{ name: 'data', kind: 'array', dtype: cube.dtype, labels: labelsBetween(cube, at, from, to - from) }], constants);
  if (kernel.length === to - from) return kernel;
  if (kernel.length === null) throw invalidArgument('apply_neighborhood', 'process', 'it must give an array, but it gives a single value');
  throw new OpenEOError('DataCubePropertiesImmutable', {}, { detail: `The child process gets ${to - from} values and returns ${kernel.length}.` });
}

/** Computes one piece of a window, in parts that fit into memory. */
async function applyPiece(cube: Cube, at: number, { from, to }: Piece, kernel: Kernel, cells: Window, target: { out: Block; window: Window }, signal: AbortSignal): Promise<void> {
  const seen = withRange(cells, at, from, to - from);
  for (const part of splitWindow(seen, MAX_SAMPLES, [at])) {
    const series = runAlong(kernel, await readPadded(cube, part, insideOf(cube, part), signal), at);
    const wanted = withRange(part, at, cells.start[at]!, cells.size[at]!);
    pasteBlock(target.out, target.window, cropBlock(series, part, wanted), wanted);
  }
}
