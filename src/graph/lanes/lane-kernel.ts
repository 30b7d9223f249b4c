/** Kernels that run by SIMD lanes where it pays, and kernels of several callbacks in one. */
import type { Kernel, KernelData } from '../kernel.ts';
import { isForLanes, runLanes, type LaneFunctions } from './lane-run.ts';
import { encodeProgram, type LaneProgram } from './program.ts';

/** The kernel with its program: large blocks go by lanes, small ones as before. The bytes are written at the first of them. */
export function laneKernel(program: LaneProgram, kernel: Kernel): Kernel {
  let functions: LaneFunctions | null | undefined;
  const load = (): LaneFunctions | null => {
    const encoded = encodeProgram(program);
    return encoded && { encoded, plain: null, guarded: null };
  };
  const isPointwise = kernel.length === null && program.inputs.every(({ length }) => length === 1);
  return {
    ...kernel,
    lanes: program,
    run: (inputs: readonly KernelData[], outer: number, inner: number): KernelData => {
      const [rows, cells] = isPointwise ? [1, outer * inner] : [outer, inner];
      if (!isForLanes(rows, cells)) return kernel.run(inputs, outer, inner);
      functions = functions === undefined ? load() : functions;
      return functions ? runLanes(functions, inputs, rows, cells) : kernel.run(inputs, outer, inner);
    },
  };
}
