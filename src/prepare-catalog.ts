/** What the catalog holds before anybody adds something: the synthetic collection, and the layers of collections/. */
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadCollectionFiles } from './catalog/collection-files.ts';
import { ensureSyntheticCollection, SYNTHETIC_COLLECTION } from './catalog/synthetic/synthetic.ts';
import type { StacAsset, StacItem } from './catalog/types.ts';
import type { Deployment } from './deployment.ts';
import { RasterCache } from './formats/cog/raster-cache.ts';
import { layerOf } from './layers/layer.ts';

/** Throws an Error that names the file and what is wrong with it. */
export async function prepareCatalog(deployment: Deployment, collectionsFolder: string): Promise<void> {
  await prepareSynthetic(deployment);
  for (const id of await loadCollectionFiles(collectionsFolder, deployment.catalog)) {
    // A layer whose operator can't be found must stop the start, not the first request.
    layerOf((await deployment.catalog.collection(id))!, deployment.operators);
  }
}

async function prepareSynthetic(deployment: Deployment): Promise<void> {
  const { catalog: store, config, log } = deployment;
  // Where objects lie on S3, workers elsewhere can't see our disk: the scenes are kept with the objects.
  if (config.s3 !== null && (await store.collection(SYNTHETIC_COLLECTION))) return;
  const rasters = new RasterCache({ blockBytes: 0 });
  try {
    const isNew = await ensureSyntheticCollection(join(config.data, 'synthetic'), { store, rasters, log });
    if (isNew && config.s3 !== null) await moveToStore(deployment);
  } finally {
    await rasters.close();
  }
}

async function moveToStore({ catalog, objects }: Deployment): Promise<void> {
  const items = await catalog.items({ collection: SYNTHETIC_COLLECTION, bbox: null, interval: null });
  const moved: StacItem[] = [];
  for (const item of items) {
    const assets = await Promise.all(Object.entries(item.assets).map(async ([key, asset]): Promise<[string, StacAsset]> => {
      const path = fileURLToPath(asset.href);
      const objectKey = `synthetic/${basename(path)}`;
      await objects.put(objectKey, { path }, asset.type === undefined ? {} : { contentType: asset.type });
      return [key, { ...asset, href: `object:${objectKey}` }];
    }));
    moved.push({ ...item, assets: Object.fromEntries(assets) });
  }
  await catalog.putItems(SYNTHETIC_COLLECTION, moved);
}
