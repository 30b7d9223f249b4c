/** load_uploaded_files: files of a user as a lazy data cube. Headers are read now, samples when somebody asks. */
import type { Cube } from '../../cube/cube.ts';
import { invalidArgument, isOpenEOError, OpenEOError } from '../../errors.ts';
import { findInputFormat, inputFormats, type InputFormat } from '../../formats/input-formats.ts';
import { readOptions, type Options } from '../../formats/options.ts';
import type { LoadFilesRequest } from '../../graph/scope.ts';
import type { UserFile, UserFiles } from '../../storage/user-files.ts';
import type { RasterOpener } from '../read-asset.ts';
import { uploadedRasters, type NamedFile } from './rasters.ts';

const PROCESS = 'load_uploaded_files';
/** More files than this are a collection. */
const MAX_FILES = 1000;

export interface UploadedFilesParts {
  readonly files: Pick<UserFiles, 'get'>;
  readonly rasters: RasterOpener;
}

export interface FilesRun {
  /** Whose files are meant. */
  readonly user: string;
  readonly signal: AbortSignal;
  readonly onRead: (samples: number) => void;
}

export class UploadedFiles {
  readonly #parts: UploadedFilesParts;

  constructor(parts: UploadedFilesParts) {
    this.#parts = parts;
  }

  /**
   * Throws FileNotFound, FormatUnsuitable for an unknown format and for files of another one, and
   * ProcessParameterInvalid for wrong options and for files that do not fit together.
   */
  async load({ paths, format, options }: LoadFilesRequest, run: FilesRun): Promise<Cube> {
    const name = findInputFormat(format);
    const chosen = readOptions(inputFormats[name], options, {}, PROCESS);
    const files = await this.#find(paths, run);
    return this.#open(name, files, chosen, run);
  }

  async #find(paths: readonly string[], { user, signal }: FilesRun): Promise<UserFile[]> {
    if (paths.length === 0) throw invalidArgument(PROCESS, 'paths', 'at least one file is needed');
    if (paths.length > MAX_FILES) throw invalidArgument(PROCESS, 'paths', `these are ${paths.length} files; at most ${MAX_FILES} are loaded at once`);
    const wanted = [...new Set(paths.map(relativePath))];
    const files: UserFile[] = [];
    for (const path of wanted) {
      signal.throwIfAborted();
      files.push(await this.#parts.files.get(user, path).catch((error: unknown) => {
        throw told(path, error);
      }));
    }
    return files;
  }

  #open(format: InputFormat, files: readonly UserFile[], options: Options, run: FilesRun): Promise<Cube> {
    const named = files.map(namedFile);
    switch (format) {
      case 'GTiff': return uploadedRasters(named, { rasters: this.#parts.rasters, bandNames: (options['band_names'] as string[] | undefined) ?? null, onRead: run.onRead });
    }
  }
}

/** '/a/b', './a/b' and 'a/b' are the same: the workspace is the root. */
function relativePath(path: string): string {
  return path.replace(/^(\.?\/)+/, '');
}

function namedFile({ path, objectKey, etag, sizeBytes, modified }: UserFile): NamedFile {
  return { path, href: `object:${objectKey}`, version: etag, sizeBytes, modified };
}

/** Outside of the workspace, and where no file can be, there is none. */
function told(path: string, error: unknown): unknown {
  if (isOpenEOError(error, 'FilePathInvalid')) return new OpenEOError('FileNotFound', { file: path }, { cause: error });
  if (isOpenEOError(error, 'FileOperationUnsupported')) return invalidArgument(PROCESS, 'paths', `'${path}' is a folder; name the files in it`, { cause: error });
  return error;
}
