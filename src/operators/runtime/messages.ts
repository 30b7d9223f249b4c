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

export interface RunMessage {
  /** Which of the thread's slots the work is in; the reply names it again. */
  readonly slot: number;
  readonly model: Model;
  readonly input: Float32Array;
  readonly inputShape: readonly number[];
  /** The thread writes the embedding here. */
  readonly output: Float32Array;
  readonly outputShape: readonly number[];
  /** [0] becomes 1 when nobody waits for the result any more. */
  readonly cancelled: Int32Array;
}

/** 'close': finish what came before, release the sessions, end. */
export type Message = RunMessage | 'close';

export type Reply =
  | { readonly slot: number; readonly outcome: 'done' | 'skipped' }
  | { readonly slot: number; readonly outcome: 'failed'; readonly reason: string };
