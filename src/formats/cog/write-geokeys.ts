/** GeoKeys (OGC GeoTIFF 1.1): from a CRS to the keys of a file. */
import { epsgCode, isGeographic } from '../../geo/crs.ts';

/** Values of the tags GeoKeyDirectory, GeoDoubleParams and GeoAsciiParams. */
export interface GeoKeyTags {
  readonly directory: readonly number[];
  readonly doubles: readonly number[];
  readonly ascii: string;
}

const KEY = {
  modelType: 1024, rasterType: 1025, citation: 1026, geographicType: 2048, datum: 2050, ellipsoid: 2056, semiMajor: 2057, semiMinor: 2058, inverseFlattening: 2059,
  projectedType: 3072, projectedCitation: 3073, projection: 3074, method: 3075, linearUnits: 3076,
  parallel1: 3078, parallel2: 3079, originLongitude: 3080, originLatitude: 3081, falseEasting: 3082, falseNorthing: 3083,
  falseOriginLongitude: 3084, falseOriginLatitude: 3085, falseOriginEasting: 3086, falseOriginNorthing: 3087,
  centreLongitude: 3088, centreLatitude: 3089, scale: 3092, poleLongitude: 3095,
} as const;
type Key = keyof typeof KEY;

const DOUBLE_PARAMS = 34736;
const ASCII_PARAMS = 34737;
const USER_DEFINED = 32767;
const METRE = 9001;

/** The keys of a CRS: its code, or its definition when it is a PROJ string; WKT goes into the citation. */
export function geoKeyTags(crs: string): GeoKeyTags {
  const code = epsgCode(crs);
  const geographic = isGeographic(crs);
  const base: Partial<Record<Key, number | string>> = { modelType: geographic ? 2 : 1, rasterType: 1 };
  if (code !== undefined) return pack({ ...base, [geographic ? 'geographicType' : 'projectedType']: code });
  if (!crs.startsWith('+')) {
    const text = `ESRI PE String = ${crs}`;
    return pack({ ...base, ...(geographic ? { citation: text, geographicType: USER_DEFINED } : { projectedType: USER_DEFINED, projectedCitation: text }) });
  }
  const parameters = projParameters(crs);
  return pack({
    ...base,
    citation: crs,
    ...geographicKeys(parameters),
    ...(geographic ? {} : { projectedType: USER_DEFINED, linearUnits: METRE, ...projectionKeys(parameters) }),
  });
}

/** Numbers below 65536 that are codes stand in the directory; others and texts in the two parameter tags. */
function pack(keys: Partial<Record<Key, number | string>>): GeoKeyTags {
  const doubles: number[] = [];
  let ascii = '';
  const entries = (Object.entries(keys) as [Key, number | string][]).sort(([a], [b]) => KEY[a] - KEY[b]).map(([key, value]) => {
    if (typeof value === 'string') {
      const text = `${value}|`;
      ascii += text;
      return [KEY[key], ASCII_PARAMS, text.length, ascii.length - text.length];
    }
    if (codeKeys.has(key)) return [KEY[key], 0, 1, value];
    doubles.push(value);
    return [KEY[key], DOUBLE_PARAMS, 1, doubles.length - 1];
  });
  return { directory: [1, 1, 0, entries.length, ...entries.flat()], doubles, ascii };
}

const codeKeys: ReadonlySet<Key> = new Set(['modelType', 'rasterType', 'geographicType', 'datum', 'ellipsoid', 'projectedType', 'projection', 'method', 'linearUnits']);

type Parameters = ReadonlyMap<string, string>;

function projParameters(text: string): Parameters {
  return new Map([...text.matchAll(/\+(\w+)(?:=(\S+))?/g)].map(([, name, value]) => [name!, value ?? '']));
}

function numberOf(parameters: Parameters, ...names: string[]): number | undefined {
  const text = names.map((name) => parameters.get(name)).find((value) => value !== undefined);
  return text === undefined ? undefined : Number(text);
}

const systems: Record<string, number> = { WGS84: 4326, NAD83: 4269, NAD27: 4267 };
const ellipsoids: Record<string, readonly [number, number]> = {
  WGS84: [6_378_137, 298.257223563], GRS80: [6_378_137, 298.257222101], clrk66: [6_378_206.4, 294.978698213898], bessel: [6_377_397.155, 299.1528128], intl: [6_378_388, 297], WGS72: [6_378_135, 298.26],
};

function geographicKeys(parameters: Parameters): Partial<Record<Key, number>> {
  const system = systems[parameters.get('datum') ?? ''];
  if (system !== undefined) return { geographicType: system };
  const [a, rf] = ellipsoids[parameters.get('ellps') ?? 'WGS84'] ?? ellipsoids.WGS84!;
  const semiMajor = numberOf(parameters, 'R', 'a') ?? a;
  const semiMinor = numberOf(parameters, 'R', 'b');
  const shape = semiMinor === undefined ? { inverseFlattening: numberOf(parameters, 'rf') ?? rf } : { semiMinor };
  return { geographicType: USER_DEFINED, datum: USER_DEFINED, ellipsoid: USER_DEFINED, semiMajor, ...shape };
}

/** PROJ name → method code and the keys that carry its parameters. */
function projectionKeys(parameters: Parameters): Partial<Record<Key, number>> {
  const longitude = numberOf(parameters, 'lon_0') ?? 0;
  const latitude = numberOf(parameters, 'lat_0') ?? 0;
  const easting = numberOf(parameters, 'x_0') ?? 0;
  const northing = numberOf(parameters, 'y_0') ?? 0;
  const scale = numberOf(parameters, 'k_0', 'k') ?? 1;
  const parallel1 = numberOf(parameters, 'lat_1', 'lat_ts') ?? 0;
  const parallel2 = numberOf(parameters, 'lat_2') ?? parallel1;
  const origin = { projection: USER_DEFINED, originLongitude: longitude, originLatitude: latitude, falseEasting: easting, falseNorthing: northing };
  const centre = { projection: USER_DEFINED, centreLongitude: longitude, centreLatitude: latitude, falseEasting: easting, falseNorthing: northing };
  const falseOrigin = {
    projection: USER_DEFINED, falseOriginLongitude: longitude, falseOriginLatitude: latitude, falseOriginEasting: easting, falseOriginNorthing: northing,
  };
  const pole = { projection: USER_DEFINED, poleLongitude: longitude, originLatitude: numberOf(parameters, 'lat_ts') ?? latitude, falseEasting: easting, falseNorthing: northing };
  const utm = { originLongitude: (numberOf(parameters, 'zone') ?? 31) * 6 - 183, scale: 0.9996, falseEasting: 500_000, falseNorthing: parameters.has('south') ? 10_000_000 : 0 };
  const methods: Record<string, Partial<Record<Key, number>>> = {
    utm: { ...origin, method: 1, ...utm },
    tmerc: { ...origin, method: 1, scale },
    merc: { ...origin, method: 7, scale },
    lcc: { ...falseOrigin, method: 8, parallel1, parallel2 },
    laea: { ...centre, method: 10 },
    aea: { ...origin, method: 11, parallel1, parallel2 },
    stere: { ...pole, method: 15, scale },
    sterea: { ...origin, method: 16, scale },
    eqc: { ...centre, method: 17, parallel1 },
    sinu: { ...centre, method: 24 },
  };
  return methods[parameters.get('proj') ?? ''] ?? { projection: USER_DEFINED };
}
