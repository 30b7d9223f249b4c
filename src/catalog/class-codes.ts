/** What the codes of bands mean that everybody knows: `classification:classes` of the classification extension. */
import type { StacAsset } from './types.ts';

export const CLASSIFICATION = 'https://stac-extensions.github.io/classification/v1.1.0/schema.json';
const FIELD = 'classification:classes';

/** A Class Object of the extension. */
export interface CodeClass {
  readonly value: number;
  readonly name: string;
  readonly description: string;
  /** RGB, hexadecimal. */
  readonly color_hint: string;
}

// Sentinel-2 Level-2A, scene classification of Sen2Cor: codes, meanings and colours of ESA's product specification.
const sceneClasses: readonly CodeClass[] = ([
  ['no_data', 'No data', '000000'],
  ['saturated_or_defective', 'Saturated or defective pixel', 'ff0000'],
  ['dark_area', 'Dark area: shadow cast by terrain, or too little light', '2f2f2f'],
  ['cloud_shadow', 'Cloud shadow', '643200'],
  ['vegetation', 'Vegetation', '00a000'],
  ['not_vegetated', 'Bare soil, rock and buildings', 'ffe65a'],
  ['water', 'Water', '0000ff'],
  ['unclassified', 'Unclassified', '808080'],
  ['cloud_medium_probability', 'Cloud, medium probability', 'c0c0c0'],
  ['cloud_high_probability', 'Cloud, high probability', 'ffffff'],
  ['thin_cirrus', 'Thin cirrus', '64c8ff'],
  ['snow_or_ice', 'Snow or ice', 'ff96ff'],
] as const).map(([name, description, colour], value) => ({ value, name, description, color_hint: colour }));

/**
 * Assets with the classes of those that hold nothing but a band of known codes, as bytes. What somebody said of an
 * asset stays, and files that are computed have none: a mean of codes is no code.
 */
export function withClasses<A extends Pick<StacAsset, 'bands' | 'roles'> & { readonly [field: string]: unknown }>(assets: Readonly<Record<string, A>>): Readonly<Record<string, A>> {
  const isKnown = (asset: A) => asset.bands?.length === 1 && asset.bands[0]!.name?.toUpperCase() === 'SCL' && asset['data_type'] === 'uint8' && asset.roles?.includes('virtual') !== true;
  if (!Object.values(assets).some(isKnown)) return assets;
  return Object.fromEntries(Object.entries(assets).map(([key, asset]) => [key, isKnown(asset) && !(FIELD in asset) && !('classification:bitfields' in asset) ? { ...asset, [FIELD]: sceneClasses } : asset]));
}

/** Whether one of the assets has a field of the extension. */
export function hasClasses(assets: Readonly<Record<string, object>> | undefined): boolean {
  return Object.values(assets ?? {}).some((asset) => FIELD in asset || 'classification:bitfields' in asset);
}
