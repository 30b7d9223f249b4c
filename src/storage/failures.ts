/** Failures of a store, as the service tells them: what happened, without paths, names or addresses. */
import { OpenEOError } from '../errors.ts';

/** What a full disk or a used-up quota is called. */
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
/** Names that S3 servers give to the same. */
const FULL_ON_S3 = new Set(['XMinioStorageFull', 'StorageFull', 'QuotaExceeded', 'InsufficientStorage']);

/** What a network says when nobody is there, or no longer. */
const NETWORK = new Set(['ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN']);

interface RemoteError {
  readonly name?: string;
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number; readonly attempts?: number };
}

/** True for failures that another try may not meet. */
export function isTransient(error: unknown): boolean {
  if (error instanceof OpenEOError) return error.code === 'StorageFailure' && (statusOf(error.cause) === 0 || isTransient(error.cause));
  const status = statusOf(error);
  return status === 0 ? isNetworkError(error) : status >= 500 || status === 429;
}

/** Status of the answer of an S3 server; 0 when there was none. */
export function statusOf(error: unknown): number {
  return (error as RemoteError | undefined)?.$metadata?.httpStatusCode ?? 0;
}

function isNetworkError(error: unknown): boolean {
  const { name, code, $metadata } = error as RemoteError;
  return name === 'TimeoutError' || NETWORK.has(code ?? '') || $metadata !== undefined;
}

/** A full disk as StorageFailure; every other error as it is. */
export function diskFailure(error: unknown): unknown {
  if (!FULL.has((error as NodeJS.ErrnoException).code ?? '')) return error;
  return full(error);
}

/** An answer that S3 gave, or one that never came, as StorageFailure; errors of our own as they are. */
export function remoteFailure(error: unknown): unknown {
  if (error instanceof OpenEOError) return error;
  const { name = '', $metadata } = error as RemoteError;
  const status = statusOf(error);
  if (FULL_ON_S3.has(name) || status === 507) return full(error);
  if (status === 0 && !isNetworkError(error)) return error;
  const tries = ($metadata?.attempts ?? 1) > 1 ? ` after ${$metadata!.attempts} tries` : '';
  return new OpenEOError('StorageFailure', {}, { cause: error, detail: `The object store ${status ? `answered with status ${status}` : 'did not answer'}${tries}.` });
}

function full(cause: unknown): OpenEOError {
  return new OpenEOError('StorageFailure', {}, { cause, detail: 'There is no room left where the service keeps its files.' });
}
