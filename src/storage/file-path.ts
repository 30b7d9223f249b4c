/** Paths of files that users name: relative to the workspace of the user, and harmless wherever they are put. */
import { OpenEOError } from '../errors.ts';
import { temporaryPrefix } from './keys.ts';

/** Room for the folder of the user in front: an object key has 1024 bytes at most. */
const MAX_PATH_BYTES = 800;
const MAX_NAME_BYTES = 240;

/**
 * Checks the path of a file in a workspace and gives it back. '/' separates folders; the path has no '.' or '..',
 * also not one that would appear if somebody decoded it once more, and nothing that some program takes for the
 * end of a name.
 *
 * @throws FilePathInvalid with the reason, FileOperationUnsupported for what can only be a folder
 */
export function checkFilePath(path: string): string {
  if (path === '' || path.endsWith('/')) throw new OpenEOError('FileOperationUnsupported', {}, { detail: 'The path is that of a folder; folders come and go with their files.' });
  if (!path.isWellFormed()) throw invalid('it is not valid Unicode');
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw invalid(`it is longer than ${MAX_PATH_BYTES} bytes`);
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f-\u009f]/.test(path)) throw invalid('it holds a control character');
  if (path.includes('\\')) throw invalid('it holds a backslash; folders are separated by /');
  if (/%(2e|2f|5c|0\d|1[\da-f]|7f)/i.test(path)) throw invalid('it holds a dot, a separator or a control character that is encoded twice');
  for (const name of path.split('/')) checkName(name);
  return path;
}

/** As `checkFilePath`, for files that GET /files lists: the standard's schema of their paths forbids more. Throws the same. */
export function checkUserFilePath(path: string): string {
  if (/[:'"]/.test(path)) throw invalid('it holds a colon or a quotation mark');
  return checkFilePath(path);
}

function checkName(name: string): void {
  if (name === '') throw invalid('it has an empty segment');
  if (name === '.' || name === '..') throw invalid(`it has the segment '${name}'`);
  if (name.startsWith(temporaryPrefix)) throw invalid(`a name must not begin with '${temporaryPrefix}'`);
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) throw invalid(`a name is longer than ${MAX_NAME_BYTES} bytes`);
}

function invalid(reason: string): OpenEOError {
  return new OpenEOError('FilePathInvalid', { reason: `${reason}.` });
}
