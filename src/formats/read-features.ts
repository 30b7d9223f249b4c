/** The formats in which files with geometries are read: load_url, and files of users. */
import { unsuitableInput } from '../errors.ts';
import { readGeoJson, type FeatureSet } from '../geo/geojson.ts';
import { GeometryError } from '../geo/geometry.ts';
import { readParquetFeatures } from './parquet/read-features.ts';

export type FeatureFormat = 'GeoJSON' | 'Parquet';

const formats: readonly FeatureFormat[] = ['GeoJSON', 'Parquet'];

/** The format of a name, in whatever case. Throws FormatUnsuitable that lists those there are. */
export function featureFormat(name: string): FeatureFormat {
  const known = formats.find((format) => format.toLowerCase() === name.toLowerCase());
  if (known) return known;
  throw unsuitableInput(`Files with geometries are read in the formats ${formats.join(' and ')}, not '${name.slice(0, 60)}'.`);
}

/** The features in the bytes of a file. Throws FormatUnsuitable for other content; `name` is how the message calls the file. */
export async function readFeatures(format: FeatureFormat, bytes: Uint8Array, name: string): Promise<FeatureSet> {
  return format === 'Parquet' ? readParquetFeatures(bytes, name) : parseGeoJson(bytes, name);
}

function parseGeoJson(bytes: Uint8Array, name: string): FeatureSet {
  try {
    return readGeoJson(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (error) {
    if (error instanceof SyntaxError) throw unsuitableInput(`${name} is not JSON.`, { cause: error });
    if (error instanceof GeometryError) throw unsuitableInput(`${name} can't be read as GeoJSON: ${error.message}.`, { cause: error });
    throw error;
  }
}
