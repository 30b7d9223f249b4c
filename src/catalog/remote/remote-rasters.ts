/** Opens the files of remote items as their metadata promise them: on the promised grid, embeddings as vectors. */
import { unreadable } from '../../formats/byte-source.ts';
import type { RasterFile } from '../../formats/raster-file.ts';
import { isSameLattice, latticeOffset, type Grid } from '../../geo/grid.ts';
import type { RasterOpener } from '../read-asset.ts';
import type { Recipe } from './assets.ts';
import { decodedFile } from './decoded-file.ts';

/**
 * A view of `rasters` for the hrefs that have a recipe. A file that lies elsewhere than its metadata say
 * or has fewer bands is refused with FileContentInvalid: it would give pixels of another place.
 */
export function remoteRasters(rasters: RasterOpener, recipes: ReadonlyMap<string, Recipe>): RasterOpener {
  return {
    async open(href) {
      const recipe = recipes.get(href)!;
      const scalesHref = recipe.decode?.scalesHref ?? null;
      const [file, scales] = await Promise.all([rasters.open(href), scalesHref === null ? null : rasters.open(scalesHref)]);
      checkPlace(file, recipe.grid);
      if (file.bands.length < recipe.bands) throw unreadable(file.source, `it has ${file.bands.length} bands, but its STAC metadata tell ${recipe.bands}`);
      return recipe.decode === null ? file : decodedFile(file, recipe.decode.method, scales);
    },
  };
}

function checkPlace(file: RasterFile, promised: Grid): void {
  const { width, height } = file.levels[0]!;
  const isSize = width === promised.width && height === promised.height;
  // Files without a georeference of their own lie where the metadata say.
  if (isSize && (file.grid === null || isSamePlace(file.grid, promised))) return;
  throw unreadable(file.source, 'its grid is not the one that its STAC metadata tell (proj:shape, proj:transform, proj:code)');
}

function isSamePlace(own: Grid, promised: Grid): boolean {
  // The name of the reference system may be written in several ways; the numbers may not.
  const grid = { ...promised, crs: own.crs };
  return isSameLattice(own, grid) && Object.values(latticeOffset(own, grid)).every((shift) => shift === 0);
}
