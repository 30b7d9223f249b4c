/** Adds to an item what only its files know: where their pixels lie and which bands they hold. */
import { isOpenEOError } from '../../errors.ts';
import { epsgCode } from '../../geo/crs.ts';
import type { RasterFile } from '../../formats/raster-file.ts';
import { assetGrid } from '../load-plan.ts';
import type { RasterOpener } from '../read-asset.ts';
import type { StacAsset, StacBand, StacItem } from '../types.ts';
import { itemInvalid } from './check-item.ts';
import { extensions, shapeOf } from './item.ts';

const ASIDE = new Set(['thumbnail', 'overview', 'visual', 'metadata']);

/** The property that lists the assets whose files could not be reached: their pixels can't be loaded until the item is sent again. */
export const INCOMPLETE = 'lamina:incomplete';

/**
 * The item with projection and bands on every raster asset; headers are read where the item lacks them. A file whose server
 * does not answer is taken as it is, and listed as incomplete: a catalog may know of what it can't reach.
 * Throws ItemInvalid, naming the asset, when a file is not there, is no raster or has no place on the globe.
 */
export async function completeItem(item: StacItem, rasters: RasterOpener): Promise<StacItem> {
  const assets: Record<string, StacAsset> = {};
  const unreached: string[] = [];
  for (const [key, asset] of Object.entries(item.assets)) {
    const needsFile = isRaster(asset) && (assetGrid(item, asset) === null || asset.bands === undefined);
    const file = needsFile ? await opened(item, key, asset, rasters) : null;
    assets[key] = file ? completed(item, key, asset, file) : asset;
    if (needsFile && !file) unreached.push(key);
  }
  const { [INCOMPLETE]: _, ...properties } = item.properties;
  const hasProjection = Object.values(assets).some((asset) => 'proj:code' in asset);
  return { ...item, properties: { ...properties, ...(unreached.length > 0 ? { [INCOMPLETE]: unreached } : {}) } as StacItem['properties'], assets, stac_extensions: hasProjection ? [...new Set([...item.stac_extensions, extensions.projection])] : item.stac_extensions };
}

function isRaster({ type, href, roles = [] }: StacAsset): boolean {
  if (!roles.includes('data') && roles.some((role) => ASIDE.has(role))) return false;
  return type === undefined ? /\.tiff?$/i.test(href.replace(/[?#].*$/, '')) : /tiff/i.test(type);
}

/** null when its server does not answer. */
async function opened(item: StacItem, key: string, asset: StacAsset, rasters: RasterOpener): Promise<RasterFile | null> {
  try {
    return await rasters.open(asset.href);
  } catch (error) {
    if (!isOpenEOError(error) || error.status >= 500) return null;
    const why = error.message.replace(/^The value passed for parameter .* is invalid: /, '');
    throw itemInvalid(item.id, `\`assets.${key}\` lacks proj:code, proj:shape, proj:transform or bands, and the file can't be read for them: ${why}`);
  }
}

function completed(item: StacItem, key: string, asset: StacAsset, file: RasterFile): StacAsset {
  const { grid } = file;
  if (grid === null) throw itemInvalid(item.id, `\`assets.${key}\` has no place: ${file.gridProblem ?? 'the file has no georeference'}.`);
  if (epsgCode(grid.crs) === undefined) throw itemInvalid(item.id, `\`assets.${key}\` is in a coordinate reference system without a code.`);
  const known = assetGrid(item, asset) === null ? { 'proj:code': grid.crs, ...shapeOf(grid) } : {};
  return { ...asset, data_type: asset['data_type'] ?? file.dtype, ...known, bands: asset.bands ?? bandsOf(key, file) };
}

function bandsOf(key: string, { bands }: RasterFile): StacBand[] {
  const names = bands.map((band) => band.name?.trim() ?? '');
  const isNamed = names.every((name) => name !== '') && new Set(names).size === names.length;
  return bands.map(({ nodata }, i) => ({
    name: isNamed ? names[i]! : bands.length === 1 ? key : `band_${i + 1}`,
    ...(nodata === null || !Number.isFinite(nodata) ? {} : { nodata }),
  }));
}
