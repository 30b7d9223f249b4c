/** Running compiled callbacks on blocks. */
import { product, type Block } from '../../cube/block.ts';
import { invalidArgument } from '../../errors.ts';
import type { Callback } from '../../graph/callback.ts';
import type { Kernel, KernelInput } from '../../graph/kernel.ts';
import type { Value } from '../../graph/value.ts';

/** Samples that a series kernel may have before it at once; longer windows are worked off in pieces. */
export const MAX_SAMPLES = 1 << 25;

/** Compiles a callback that must give one value per cell. */
export function compileScalar(callback: Callback, inputs: readonly KernelInput[], constants: Readonly<Record<string, Value>>, where: { process: string; parameter: string }): Kernel {
  const kernel = callback.compile(inputs, constants);
  if (kernel.length === null) return kernel;
  throw invalidArgument(where.process, where.parameter, `it must give one value, but it gives an array of ${kernel.length}`);
}

/** Runs a kernel whose inputs are one sample per cell, on blocks of the same shape. */
export function runPointwise(kernel: Kernel, blocks: readonly Block[]): Block {
  const [first] = blocks;
  const { data, nulls } = kernel.run(blocks, 1, first!.data.length);
  return { dtype: kernel.dtype, shape: first!.shape, data, nulls };
}

/** Runs a kernel along one dimension of a block; the dimension gets the kernel's length, or goes when it gives single values. */
export function runAlong(kernel: Kernel, block: Block, dimension: number): Block {
  const outer = product(block.shape.slice(0, dimension));
  const inner = product(block.shape.slice(dimension + 1));
  const { data, nulls } = kernel.run([block], outer, inner);
  const shape = kernel.length === null ? block.shape.toSpliced(dimension, 1) : block.shape.with(dimension, kernel.length);
  return { dtype: kernel.dtype, shape, data, nulls };
}
