/** openEO errors: one class, one table (error-codes.ts), one place that maps them to HTTP (api/error-response.ts). */
import { errorCodes, otherWordings } from './error-codes.ts';

export type ErrorCode = keyof typeof errorCodes;

type Placeholder<S> = S extends `${string}{${infer P}}${infer Rest}` ? P | Placeholder<Rest> : never;
type Values<C extends ErrorCode> = Record<Placeholder<(typeof errorCodes)[C]['message']>, string | number>;

/** Where in a process graph something happened, outermost node first. */
export type NodePath = readonly { readonly node_id: string; readonly process_id?: string }[];

export interface OpenEOErrorOptions extends ErrorOptions {
  /** One more sentence that tells the caller what exactly is wrong, or how to stay within the limit. */
  readonly detail?: string;
  /** When another try makes sense; the answer says it in Retry-After. */
  readonly retryAfterSeconds?: number;
  /** No second try of the same task can mend it, whatever its status. */
  readonly isFinal?: boolean;
}

/** For errors of an overload that say nothing more precise. */
const RETRY_AFTER_SECONDS = 5;

/**
 * An error with a code of the standard. The message is the standard's, its placeholders filled in,
 * followed by `detail`. The evaluator adds `path` when the error comes out of a node.
 */
export class OpenEOError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'OpenEOError';
  readonly code: C;
  readonly status: number;
  path: NodePath = [];
  /** null for errors that waiting does not mend. */
  readonly retryAfterSeconds: number | null;
  readonly isFinal: boolean;

  constructor(code: C, values: Values<C>, options: OpenEOErrorOptions = {}) {
    const filled = errorCodes[code].message.replace(/\{(\w+)\}/g, (_, key: string) => String((values as Record<string, unknown>)[key]));
    super(options.detail ? `${filled} ${options.detail}` : filled, options);
    this.code = code;
    this.status = errorCodes[code].status;
    this.isFinal = options.isFinal ?? (this.status < 500 || code === 'NoAccelerator');
    this.retryAfterSeconds = options.retryAfterSeconds ?? (this.status === 503 || this.status === 429 ? RETRY_AFTER_SECONDS : null);
  }
}

/** True for a code that the service knows. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCodes, code);
}

/** Narrows an unknown error to an OpenEOError, optionally to the given codes. */
export function isOpenEOError<C extends ErrorCode = ErrorCode>(error: unknown, ...only: C[]): error is OpenEOError<C> {
  return error instanceof OpenEOError && (only.length === 0 || (only as string[]).includes(error.code));
}

/** FormatUnsuitable for files that are loaded, which the standard words in another way than for files that are written. */
export function unsuitableInput(detail: string, options: ErrorOptions = {}): OpenEOError<'FormatUnsuitable'> {
  const error = new OpenEOError('FormatUnsuitable', {}, options);
  error.message = `${otherWordings.FormatUnsuitable} ${detail}`;
  return error;
}

/** The commonest refusal: an argument of a process is wrong. */
export function invalidArgument(process: string, parameter: string, reason: string, options?: OpenEOErrorOptions): OpenEOError<'ProcessParameterInvalid'> {
  return new OpenEOError('ProcessParameterInvalid', { process, parameter, reason }, options);
}

/** What a run was at when it failed: finding data and operators, fetching an operator, reading pixels, running an operator, writing files. */
export type Stage = 'resolve' | 'download' | 'read' | 'infer' | 'write';

const stages = new WeakMap<object, Stage>();

/** Notes what was going on when an error came up, and gives the error. Whoever was nearest says it first, and that stays. */
export function markStage<E>(error: E, stage: Stage): E {
  if (typeof error === 'object' && error !== null && !stages.has(error)) stages.set(error, stage);
  return error;
}

/** null when nobody has said it. */
export function stageOf(error: unknown): Stage | null {
  return typeof error === 'object' && error !== null ? stages.get(error) ?? null : null;
}

/** Work whose errors are those of a stage. */
export async function during<T>(stage: Stage, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw markStage(error, stage);
  }
}
