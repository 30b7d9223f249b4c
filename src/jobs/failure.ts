/**
 * How an error crosses from the process that ran a task to the one that waits for it: as one string of
 * JSON, because that is what a queue keeps of a failure.
 */
import { isErrorCode, markStage, OpenEOError, stageOf } from '../errors.ts';
import type { ErrorCode, NodePath, Stage } from '../errors.ts';

interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly path: NodePath;
  readonly stage?: Stage;
}

/** What the caller is told of an error that is not an OpenEOError: nothing but where to look. */
export const unknownFailure = 'the task failed for an unforeseen reason; its log and the log of the worker say more.';

/** True for errors that no second try can mend: the caller's own (status below 500), and those that say so. */
export function isFinal(error: unknown): boolean {
  return error instanceof OpenEOError && error.isFinal;
}

/** The error as a string for `decodeFailure`. The text of unknown errors stays in the worker's log. */
export function encodeFailure(error: unknown): string {
  const known = error instanceof OpenEOError ? error : new OpenEOError('Internal', { message: unknownFailure });
  const stage = stageOf(error);
  return JSON.stringify({ code: known.code, message: known.message, path: known.path, ...(stage && { stage }) } satisfies Failure);
}

/** The OpenEOError again, with the same code, message and path; Internal for a text that is none of ours. */
export function decodeFailure(text: string): OpenEOError {
  const failure = parse(text);
  if (failure === null) return new OpenEOError('Internal', { message: unknownFailure });
  // The message has its placeholders filled in already, so it replaces the one of the table.
  const error: OpenEOError = new OpenEOError(failure.code, new Proxy({}, { get: () => '' }) as never);
  error.message = failure.message;
  error.path = failure.path;
  return failure.stage ? markStage(error, failure.stage) : error;
}

function parse(text: string): Failure | null {
  try {
    const value = JSON.parse(text) as Partial<Failure> | null;
    if (value === null || typeof value.code !== 'string' || !isErrorCode(value.code)) return null;
    return { code: value.code, message: String(value.message), path: Array.isArray(value.path) ? value.path : [], ...(isStage(value.stage) && { stage: value.stage }) };
  } catch {
    // BullMQ's own words, e.g. about a task that was lost too often.
    return null;
  }
}

function isStage(value: unknown): value is Stage {
  return ['resolve', 'download', 'read', 'infer', 'write'].includes(value as string);
}
