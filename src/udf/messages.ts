/** What the service and the thread of a sandbox tell each other. */
import type { MessagePort } from 'node:worker_threads';
import type { UdfAnswer, UdfCall } from '../graph/udf.ts';
import type { LogLevel } from '../log.ts';

export interface SandboxLimits {
  /** Of each call, also of loading the code. */
  readonly milliseconds: number;
  /** Of everything that the code keeps, without the chunk that it is given. */
  readonly memoryBytes: number;
}

export interface ThreadSettings {
  readonly code: string;
  /** JSON. */
  readonly context: string;
  readonly limits: SandboxLimits;
  readonly port: MessagePort;
  /** [0] grows with each reply, for a caller who blocks. */
  readonly signal: Int32Array<SharedArrayBuffer>;
}

export interface Request {
  readonly id: number;
  readonly call: UdfCall;
}

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
}

export type Reply = { readonly id: number; readonly logs: readonly LogLine[] } & ({ readonly answer: UdfAnswer<UdfCall> } | { readonly failure: string });
