/** What the runtime and its threads say to each other. Arrays lie in shared memory: nothing is copied on the way. */

/** The part of an operator that a thread needs. */
export interface Model {
  /** Sessions are kept by digest. */
  readonly digest: string;
  readonly path: string;
  readonly input: string;
  readonly output: string;
}

/** What a thread is started with. */
export interface ThreadSettings {
  /** Models it keeps loaded. */
  readonly maxSessions: number;
  /** ONNX Runtime execution providers, best first. */
  readonly providers: readonly string[];
}

/** One inference, of one block or of several of the same shape. */
export interface RunMessage {
  /** Which of the thread's slots the work is in; the reply names it again. */
  readonly slot: number;
  readonly model: Model;
  /** The blocks. */
  readonly inputs: readonly Float32Array[];
  /** Of one block: [1, bands, rows, columns]. */
  readonly inputShape: readonly number[];
  /** The thread writes the embeddings of all blocks here, one after the other. */
  readonly output: Float32Array;
  /** Of one block: [1, dimensions, rows, columns]. */
  readonly outputShape: readonly number[];
  /** For each block: [0] becomes 1 when nobody waits for its result any more. */
  readonly cancelled: readonly Int32Array[];
  /** Run the blocks one by one, and also together, to see whether that gives the same bits. */
  readonly verify: boolean;
}

/** 'close': finish what came before, release the sessions, end. */
export type Message = RunMessage | 'close';

export type Reply =
  /** `isEqual` answers `verify`; `runs` counts the session's. */
  | { readonly slot: number; readonly outcome: 'done'; readonly runs: number; readonly isEqual?: boolean }
  | { readonly slot: number; readonly outcome: 'skipped' }
  | { readonly slot: number; readonly outcome: 'failed'; readonly reason: string };
