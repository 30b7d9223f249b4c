/** Writing files of results. */
import type { FileHandle } from 'node:fs/promises';
import { OpenEOError } from '../errors.ts';

/** Writes all bytes at a position: the operating system may take them in several goes. */
export async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < bytes.byteLength) {
    const result = await handle.write(bytes, written, bytes.byteLength - written, position + written);
    written += result.bytesWritten;
  }
}

/** Runs an action that writes files; a full disk or quota becomes StorageFailure with a sentence that says so. */
export async function reportingFullDisk<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
    throw new OpenEOError('StorageFailure', {}, { detail: 'The disk that results are written to is full.', cause: error });
  }
}
