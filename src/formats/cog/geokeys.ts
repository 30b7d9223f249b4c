/** GeoKeys (OGC GeoTIFF 1.1): from the keys of a file to its CRS. */
import { parseCrs } from '../../geo/crs.ts';
import type { Directory } from './layout.ts';

export type GeoKeys = Readonly<Record<string, unknown>>;

const USER_DEFINED = 32767;
const GEOGRAPHIC = 2;

/** The keys of a directory by name; empty when it has none or they can't be parsed. */
export function readGeoKeys(directory: Directory): GeoKeys {
  try {
    return (directory.parseGeoKeyDirectory() ?? {}) as GeoKeys;
  } catch {
    return {};
  }
}

/**
 * The CRS that the keys describe, as 'EPSG:n' or as a PROJ string for user-defined ones; otherwise the
 * reason why there is none.
 */
export function crsOfGeoKeys(keys: GeoKeys): { readonly crs: string } | { readonly reason: string } {
  const code = keys.GTModelTypeGeoKey === GEOGRAPHIC
    ? (keys.GeographicTypeGeoKey ?? keys.ProjectedCSTypeGeoKey)
    : (keys.ProjectedCSTypeGeoKey ?? keys.GeographicTypeGeoKey);
  if (code === undefined) return { reason: 'it states no coordinate reference system' };
  if (code !== USER_DEFINED) return known(`EPSG:${Number(code)}`) ?? { reason: `EPSG:${Number(code)} is not a known coordinate reference system` };
  const text = wktOfCitation(keys) ?? projString(keys);
  return (text === undefined ? undefined : known(text)) ?? { reason: 'its user-defined coordinate reference system is not supported' };
}

function known(crs: string): { crs: string } | undefined {
  try {
    return { crs: parseCrs(crs) };
  } catch {
    return undefined;
  }
}

/** Some writers keep the whole definition in a citation: 'ESRI PE String = PROJCS[…]', WKT2, or (ours) a PROJ string. */
function wktOfCitation(keys: GeoKeys): string | undefined {
  for (const value of [keys.PCSCitationGeoKey, keys.GTCitationGeoKey, keys.GeogCitationGeoKey]) {
    const text = typeof value === 'string' ? /((?:PROJCS|GEOGCS|PROJCRS|GEOGCRS)\[[\s\S]*\]|\+proj=[^|]*)/.exec(value)?.[1] : undefined;
    if (text !== undefined) return text.trim();
  }
  return undefined;
}

/** ProjCoordTransGeoKey → PROJ name and the parameters that it takes (PROJ parameter: GeoKey names, first present wins). */
const CENTRE_LON = ['ProjNatOriginLongGeoKey', 'ProjCenterLongGeoKey', 'ProjFalseOriginLongGeoKey', 'ProjStraightVertPoleLongGeoKey'];
const CENTRE_LAT = ['ProjNatOriginLatGeoKey', 'ProjCenterLatGeoKey', 'ProjFalseOriginLatGeoKey'];
const SCALE = ['ProjScaleAtNatOriginGeoKey', 'ProjScaleAtCenterGeoKey'];
const PARALLELS = { lat_1: ['ProjStdParallel1GeoKey'], lat_2: ['ProjStdParallel2GeoKey'] };
const projections: Record<number, { readonly proj: string; readonly parameters: Readonly<Record<string, readonly string[]>> }> = {
  1: { proj: 'tmerc', parameters: { lon_0: CENTRE_LON, lat_0: CENTRE_LAT, k_0: SCALE } },
  7: { proj: 'merc', parameters: { lon_0: CENTRE_LON, k_0: SCALE, lat_ts: ['ProjStdParallel1GeoKey'] } },
  8: { proj: 'lcc', parameters: { lon_0: CENTRE_LON, lat_0: CENTRE_LAT, ...PARALLELS } },
  9: { proj: 'lcc', parameters: { lon_0: CENTRE_LON, lat_0: CENTRE_LAT, lat_1: CENTRE_LAT, k_0: SCALE } },
  10: { proj: 'laea', parameters: { lon_0: CENTRE_LON, lat_0: CENTRE_LAT } },
  11: { proj: 'aea', parameters: { lon_0: CENTRE_LON, lat_0: CENTRE_LAT, ...PARALLELS } },
  15: { proj: 'stere', parameters: { lon_0: CENTRE_LON, lat_ts: CENTRE_LAT, k_0: SCALE } },
  16: { proj: 'sterea', parameters: { lon_0: CENTRE_LON, lat_0: CENTRE_LAT, k_0: SCALE } },
  17: { proj: 'eqc', parameters: { lon_0: CENTRE_LON, lat_0: CENTRE_LAT, lat_ts: ['ProjStdParallel1GeoKey'] } },
  24: { proj: 'sinu', parameters: { lon_0: CENTRE_LON } },
};

const metresPerUnit: Record<number, number> = { 9001: 1, 9002: 0.3048, 9003: 1200 / 3937, 9036: 1000 };

function projString(keys: GeoKeys): string | undefined {
  const ellipsoid = ellipsoidOf(keys);
  if (ellipsoid === undefined) return undefined;
  if (keys.GTModelTypeGeoKey === GEOGRAPHIC) return `+proj=longlat ${ellipsoid} +no_defs`;
  const utm = utmOf(Number(keys.ProjectionGeoKey));
  if (utm !== undefined) return `${utm} ${ellipsoid} +units=m +no_defs`;
  const projection = projections[Number(keys.ProjCoordTransGeoKey)];
  const unit = metresPerUnit[Number(keys.ProjLinearUnitsGeoKey ?? 9001)];
  if (!projection || unit === undefined) return undefined;
  const first = (names: readonly string[]) => names.map((name) => keys[name]).find((value) => typeof value === 'number');
  const parameters = Object.entries(projection.parameters).map(([name, names]) => [name, first(names)] as const);
  const polar = projection.proj === 'stere' ? ` +lat_0=${Number(first(CENTRE_LAT) ?? 90) < 0 ? -90 : 90}` : '';
  const easting = Number(first(['ProjFalseEastingGeoKey', 'ProjFalseOriginEastingGeoKey', 'ProjCenterEastingGeoKey']) ?? 0) * unit;
  const northing = Number(first(['ProjFalseNorthingGeoKey', 'ProjFalseOriginNorthingGeoKey', 'ProjCenterNorthingGeoKey']) ?? 0) * unit;
  const given = parameters.filter(([, value]) => value !== undefined).map(([name, value]) => ` +${name}=${String(value)}`).join('');
  return `+proj=${projection.proj}${polar}${given} +x_0=${easting} +y_0=${northing} ${ellipsoid}${unit === 1 ? '' : ` +to_meter=${unit}`} +units=m +no_defs`;
}

/** ProjectionGeoKey 160zz and 161zz: UTM zones, north and south, on whatever datum. */
function utmOf(key: number): string | undefined {
  const zone = key % 100;
  const isUtm = (Math.floor(key / 100) === 160 || Math.floor(key / 100) === 161) && zone >= 1 && zone <= 60;
  return isUtm ? `+proj=utm +zone=${zone}${key >= 16100 ? ' +south' : ''}` : undefined;
}

const datums: Record<number, string> = {
  4326: '+datum=WGS84', 4030: '+datum=WGS84', 4269: '+datum=NAD83', 4258: '+ellps=GRS80 +towgs84=0,0,0,0,0,0,0', 4267: '+datum=NAD27', 4322: '+ellps=WGS72',
};
const ellipsoids: Record<number, string> = { 7030: 'WGS84', 7019: 'GRS80', 7008: 'clrk66', 7004: 'bessel', 7022: 'intl', 7043: 'WGS72' };

function ellipsoidOf(keys: GeoKeys): string | undefined {
  // Codes of datums are those of their geographic systems plus 2000.
  const datum = datums[Number(keys.GeographicTypeGeoKey)] ?? datums[Number(keys.GeogGeodeticDatumGeoKey) - 2000];
  if (datum) return datum;
  const a = keys.GeogSemiMajorAxisGeoKey;
  const flattening = keys.GeogInvFlatteningGeoKey;
  const b = keys.GeogSemiMinorAxisGeoKey;
  if (typeof a === 'number' && typeof b === 'number') return `+a=${a} +b=${b}`;
  if (typeof a === 'number' && typeof flattening === 'number') return flattening === 0 ? `+a=${a} +b=${a}` : `+a=${a} +rf=${flattening}`;
  const name = ellipsoids[Number(keys.GeogEllipsoidGeoKey)];
  return name === undefined ? undefined : `+ellps=${name}`;
}
