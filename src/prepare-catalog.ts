/** What the catalog holds before anybody adds something: the synthetic collection, and the layers of collections/. */
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readCollectionFiles, registerRaw } from './catalog/collection-files.ts';
import { ensureSyntheticCollection, SYNTHETIC_COLLECTION } from './catalog/synthetic/synthetic.ts';
import type { StacAsset, StacItem } from './catalog/types.ts';
import type { Deployment } from './deployment.ts';
import { checkUpstreams } from './federation/definition.ts';
import { RasterCache } from './formats/cog/raster-cache.ts';
import { lazyEngine } from './layers/layer-trial.ts';
import { LayerPublisher } from './layers/publish-layer.ts';

/** Registers the files of the folders. Throws an Error that names the file and what is wrong with it. */
export async function prepareCatalog(deployment: Deployment, folders: readonly string[]): Promise<void> {
  await prepareSynthetic(deployment);
  const { catalog, log } = deployment;
  const files = await readCollectionFiles(folders);
  checkUpstreams(files.raw);
  await registerRaw(files.raw, catalog);
  const layers = await new LayerPublisher(catalog, lazyEngine(deployment)).publishFiles(files.layers);
  for (const { collection, change, resolved } of layers) {
    if (change !== 'unchanged') log.info(`Layer '${collection.id}': ${change}${[...resolved].map(([name, reference]) => `, ${name} is ${reference}`).join('')}.`);
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
