/** Files of users that are read whole: geometries with their properties, and cubes in JSON. */
import type { Cube } from '../../cube/cube.ts';
import { vectorCube } from '../../cube/feature-values.ts';
import { invalidArgument, isOpenEOError, OpenEOError, unsuitableInput } from '../../errors.ts';
import { readFeatures, type FeatureFormat } from '../../formats/read-features.ts';
import { readJsonCube } from '../../formats/read-json.ts';
import type { FeatureSet } from '../../geo/geojson.ts';
import { GeometryError } from '../../geo/geometry.ts';

/** A file that can be read at once. */
export interface WholeFile {
  readonly path: string;
  readonly sizeBytes: number;
  read(): Promise<Uint8Array>;
}

/** They lie in memory as objects, which take many times the room. */
const MAX_BYTES = 64 * 1024 * 1024;
const PROCESS = 'load_uploaded_files';

/** The features of all files, one after the other, as a vector cube with the values of the named properties. */
export async function uploadedFeatures(files: readonly WholeFile[], format: FeatureFormat, properties: readonly string[]): Promise<Cube> {
  checkSize(files);
  const sets: FeatureSet[] = [];
  for (const file of files) sets.push(await featuresOf(file, format));
  const other = sets.findIndex(({ crs }) => crs !== sets[0]!.crs);
  if (other >= 0) throw invalidArgument(PROCESS, 'paths', `'${files[other]!.path}' is in ${sets[other]!.crs}, the files before it are in ${sets[0]!.crs}; load them apart and use vector_reproject`);
  const join = <T>(of: (set: FeatureSet) => readonly T[]): T[] => sets.flatMap(of);
  try {
    return vectorCube({ crs: sets[0]!.crs, shapes: join(({ shapes }) => shapes), properties: join((set) => set.properties), ids: join(({ ids }) => ids) }, properties);
  } catch (error) {
    if (error instanceof GeometryError) throw invalidArgument(PROCESS, 'options', error.message, { cause: error });
    throw error;
  }
}

async function featuresOf(file: WholeFile, format: FeatureFormat): Promise<FeatureSet> {
  try {
    return await readFeatures(format, await file.read(), `'${file.path}'`);
  } catch (error) {
    if (isOpenEOError(error, 'FileContentInvalid')) throw unsuitableInput(error.message, { cause: error });
    throw error;
  }
}

/** The cube of one file. */
export async function uploadedJson(files: readonly WholeFile[]): Promise<Cube> {
  const [file] = files;
  if (file === undefined || files.length > 1) throw invalidArgument(PROCESS, 'paths', 'a cube in JSON is one file; load several apart and use merge_cubes');
  checkSize(files);
  return readJsonCube(await file.read(), `'${file.path}'`);
}

function checkSize(files: readonly WholeFile[]): void {
  const total = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (total > MAX_BYTES) throw new OpenEOError('FileSizeExceeded', { size: `${MAX_BYTES} bytes together, for files that are read whole.` });
}
