/** load_uploaded_files: files of a user as a lazy data cube. Headers are read now, samples when somebody asks. */
import type { Readable } from 'node:stream';
import type { Cube } from '../../cube/cube.ts';
import { invalidArgument, isOpenEOError, OpenEOError } from '../../errors.ts';
import { findInputFormat, inputFormats, type InputFormat } from '../../formats/input-formats.ts';
import { openNetcdf } from '../../formats/netcdf/open.ts';
import { readOptions, type Options } from '../../formats/options.ts';
import type { LoadFilesRequest } from '../../graph/scope.ts';
import type { LocalCopies } from '../../storage/local-copies.ts';
import type { UserFile, UserFiles } from '../../storage/user-files.ts';
import type { RasterOpener } from '../read-asset.ts';
import { uploadedFeatures, uploadedJson, type WholeFile } from './whole-files.ts';
import { uploadedRasters, type NamedFile } from './rasters.ts';

const PROCESS = 'load_uploaded_files';
/** More files than this are a collection. */
const MAX_FILES = 1000;

export interface UploadedFilesParts {
  readonly files: Pick<UserFiles, 'get' | 'stream'>;
  readonly rasters: RasterOpener;
  /** For readers that can only read local files. */
  readonly copies: LocalCopies;
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

  async #open(format: InputFormat, files: readonly UserFile[], options: Options, run: FilesRun): Promise<Cube> {
    switch (format) {
      case 'netCDF': return this.#netcdf(files, (options['variables'] as string[] | undefined) ?? null, run);
      case 'GeoJSON':
      case 'Parquet': return uploadedFeatures(files.map((file) => this.#whole(file)), format, options['properties'] as string[]);
      case 'JSON': return uploadedJson(files.map((file) => this.#whole(file)));
      case 'GTiff': return uploadedRasters(files.map(namedFile), { rasters: this.#parts.rasters, bandNames: (options['band_names'] as string[] | undefined) ?? null, onRead: run.onRead });
    }
  }

  #netcdf(files: readonly UserFile[], variables: readonly string[] | null, { user, onRead }: FilesRun): Promise<Cube> {
    const [file] = files;
    if (file === undefined || files.length > 1) throw invalidArgument(PROCESS, 'paths', 'a netCDF file is loaded alone; load several apart and use merge_cubes');
    const version = `${file.objectKey}\0${file.etag}`;
    const original = { id: version, sizeBytes: file.sizeBytes, open: () => opened(this.#parts.files, user, file) };
    return openNetcdf({ name: `'${file.path}'`, version, use: (work) => this.#parts.copies.use(original, work) }, { variables, onRead });
  }

  #whole(file: UserFile): WholeFile {
    return {
      path: file.path, sizeBytes: file.sizeBytes,
      read: async () => {
        const stream = await this.#parts.files.stream(file);
        if (stream === null) throw new OpenEOError('FileNotFound', { file: file.path });
        return Buffer.concat(await Array.fromAsync(stream) as Uint8Array[]);
      },
    };
  }
}

/** The content that was meant, and no later one. */
async function opened(files: UploadedFilesParts['files'], user: string, file: UserFile): Promise<Readable> {
  const now = await files.get(user, file.path);
  const stream = now.etag === file.etag ? await files.stream(file) : null;
  if (stream === null) throw new OpenEOError('FileContentInvalid', {}, { detail: `'${file.path}' changed while it was read.` });
  return stream;
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
