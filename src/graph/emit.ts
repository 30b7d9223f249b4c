/** How processes write themselves as code. Owned by the compiler; see compile.ts. */
export type Emitter = (operands: readonly string[]) => string;
