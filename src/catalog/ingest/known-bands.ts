/** What is known about the bands of common sensors, so that files which only say 'B04' can be described. */
import { knownCloudField } from '../cloud-codes.ts';
import type { StacBand } from '../types.ts';

export type Sensor = 'sentinel-2' | 'landsat-oli' | 'landsat-tm';

/** Name → common name (STAC eo), centre wavelength and full width at half maximum in micrometres. */
type BandTable = Readonly<Record<string, readonly [commonName: string, centre: number, width: number]>>;

// Sentinel-2 MSI: ESA's spectral response functions, mean of the satellites.
const sentinel2: BandTable = {
  B01: ['coastal', 0.443, 0.027],
  B02: ['blue', 0.49, 0.098],
  B03: ['green', 0.56, 0.045],
  B04: ['red', 0.665, 0.038],
  B05: ['rededge071', 0.704, 0.019],
  B06: ['rededge075', 0.74, 0.018],
  B07: ['rededge078', 0.783, 0.028],
  B08: ['nir', 0.842, 0.145],
  B8A: ['nir08', 0.865, 0.033],
  B09: ['nir09', 0.945, 0.026],
  B10: ['cirrus', 1.3735, 0.075],
  B11: ['swir16', 1.61, 0.143],
  B12: ['swir22', 2.19, 0.242],
};

// Landsat 8 and 9, OLI and TIRS (USGS band designations).
const landsatOli: BandTable = {
  B1: ['coastal', 0.443, 0.02],
  B2: ['blue', 0.482, 0.06],
  B3: ['green', 0.561, 0.06],
  B4: ['red', 0.655, 0.04],
  B5: ['nir08', 0.865, 0.03],
  B6: ['swir16', 1.609, 0.08],
  B7: ['swir22', 2.201, 0.19],
  B8: ['pan', 0.59, 0.18],
  B9: ['cirrus', 1.373, 0.02],
  B10: ['lwir11', 10.9, 0.6],
  B11: ['lwir12', 12.01, 1.01],
};

// Landsat 4 to 7, TM and ETM+.
const landsatTm: BandTable = {
  B1: ['blue', 0.485, 0.07],
  B2: ['green', 0.56, 0.08],
  B3: ['red', 0.66, 0.06],
  B4: ['nir', 0.83, 0.14],
  B5: ['swir16', 1.65, 0.2],
  B6: ['lwir', 11.45, 2.1],
  B7: ['swir22', 2.215, 0.27],
  B8: ['pan', 0.71, 0.38],
};

const tables: Readonly<Record<Sensor, BandTable>> = { 'sentinel-2': sentinel2, 'landsat-oli': landsatOli, 'landsat-tm': landsatTm };

/** Bands that are no reflectance and belong to several sensors. */
const descriptions: Readonly<Record<string, string>> = {
  SCL: 'Scene classification of Sentinel-2 Level-2A (3 cloud shadow, 4 vegetation, 5 bare soil, 6 water, 8 and 9 cloud, 10 cirrus, 11 snow)',
  BQA: 'Quality bits of Landsat Collection 1',
  QA_PIXEL: 'Quality bits of Landsat Collection 2',
  VV: 'Backscatter, sent vertical, received vertical',
  VH: 'Backscatter, sent vertical, received horizontal',
  HH: 'Backscatter, sent horizontal, received horizontal',
  HV: 'Backscatter, sent horizontal, received vertical',
  AOT: 'Aerosol optical thickness',
  WVP: 'Water vapour',
};

/** The sensor that a text (file name, collection id, title) or the band names speak of; null when neither does. */
export function sensorOf(text: string, bands: readonly string[]): Sensor | null {
  if (/sentinel[-_ ]?2|msil[12]|(^|[^a-z0-9])s2([abc]|l[12][abc])?(?![a-z0-9])/i.test(text)) return 'sentinel-2';
  if (/landsat[-_ ]?0?[89]|(^|[^a-z])l[co]0?[89]/i.test(text)) return 'landsat-oli';
  if (/landsat[-_ ]?0?[457]|(^|[^a-z])(lt0?[45]|le0?7)/i.test(text)) return 'landsat-tm';
  const typical = bands.filter((name) => /^(B0\d|B8A)$/.test(name));
  return typical.length >= 2 ? 'sentinel-2' : null;
}

/** STAC band object: the name and whatever is known about it. */
export function describeBand(name: string, sensor: Sensor | null): StacBand {
  const entry = sensor === null ? undefined : tables[sensor][sensor === 'sentinel-2' ? name.replace(/^B(\d)$/, 'B0$1') : name];
  if (!entry) return { name, ...(descriptions[name] !== undefined && { description: descriptions[name] }), ...knownCloudField(name) };
  return { name, 'eo:common_name': entry[0], 'eo:center_wavelength': entry[1], 'eo:full_width_half_max': entry[2] };
}
