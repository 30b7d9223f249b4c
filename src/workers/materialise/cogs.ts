/** One cloud-optimized GeoTIFF per date, which later requests for the layer read instead of computing. */
import type { BlockCatalogStore, CacheEntry } from '../../catalog/block-catalog.ts';
import type { CatalogStore } from '../../catalog/store.ts';
import type { Cube } from '../../cube/cube.ts';
import { boxInDegrees } from '../../geo/bbox.ts';
import { cropGrid } from '../../geo/grid.ts';
import { findFormat } from '../../formats/index.ts';
import { fileDate } from '../../formats/stac-asset.ts';
import type { WrittenFile } from '../../formats/writer.ts';
import { blockObjectKey } from '../../layers/embed-block.ts';
import { datesOf, type Area } from './area.ts';
import { fileAsset } from '../file-item.ts';
import { materialItem, publishItem } from './items.ts';
import type { Output } from './output.ts';

export interface CogDependencies {
  readonly catalog: CatalogStore;
  readonly blocks: Pick<BlockCatalogStore, 'record'>;
}

type Dated = ReturnType<typeof datesOf>[number];

/** Writes the dates that no earlier try has written. `report` is told the share of dates done. */
export async function writeCogs(area: Area, output: Output, dependencies: CogDependencies, report: (share: number) => Promise<void>): Promise<void> {
  const dates = datesOf(area.cube);
  for (const [i, date] of dates.entries()) {
    const name = `${labelOf(date)}/embeddings.tif`;
    if (!output.has(name)) await writeDate(area, date, name, output, dependencies, (share) => report((i + share) / dates.length));
    await report((i + 1) / dates.length);
  }
}

/** What a date was made from; what all of them were, where that is not known. */
function sourcesOf({ cube, datetime }: Dated): readonly string[] {
  const { sources = [], sourcesByLabel } = cube.attributes;
  return (datetime === null ? undefined : sourcesByLabel?.[datetime]) ?? sources;
}

function labelOf({ datetime }: Dated): string {
  return datetime === null ? 'all' : fileDate(datetime);
}

async function writeDate(area: Area, date: Dated, name: string, output: Output, { catalog, blocks }: CogDependencies, report: (share: number) => Promise<void>): Promise<void> {
  const { signal, log, record } = output;
  await output.inDirectory(async (directory) => {
    const onProgress = (share: number) => void report(share).catch(() => {});
    const written = await findFormat('GTiff').write(date.cube, { filename_prefix: 'embeddings' }, { directory, signal, log, onProgress });
    const folder = name.slice(0, name.lastIndexOf('/') + 1);
    const stored = await Promise.all(written.map((file) => output.keep(folder + file.name, file)));
    const item = materialItem({
      id: `${record.id}_${labelOf(date)}`, layer: area.layer, record, cube: date.cube,
      time: [date.datetime ?? new Date().toISOString(), date.datetime ?? new Date().toISOString()],
      sources: sourcesOf(date),
      assets: Object.fromEntries(written.map((file, i) => [assetKey(file), fileAsset(file, stored[i]!, titleOf(file, date))])),
    });
    await publishItem(catalog, area.layer, item);
    if (record.view === 'float32') await fileBlocks(area, date, `object:${stored[0]!.objectKey}`, output, blocks);
    await output.finish({ name, ...stored[0]!, item: item.id });
  });
}

/** 'embeddings' for the file itself, 'embeddings_scale' for a companion. */
function assetKey({ name }: WrittenFile): string {
  return name.replace(/\.tif$/, '');
}

function titleOf(file: WrittenFile, { datetime }: Dated): string {
  return `${assetKey(file) === 'embeddings' ? 'Embeddings' : 'Scale of each vector'}${datetime === null ? '' : `, ${fileDate(datetime)}`}`;
}

/** Tells the cache that the file holds these blocks, and frees the room of their own objects. */
async function fileBlocks({ layer, layout, cells, wholeCells }: Area, { index, cube, datetime }: Dated, href: string, { objects }: Output, blocks: CogDependencies['blocks']): Promise<void> {
  if (!layout) return;
  const placed = await layout.blocks(wholeCells, positionOf(cube, index));
  const entries = placed.map(({ key, cells: at }): CacheEntry => {
    const window = { x: at.x - cells.x, y: at.y - cells.y, width: at.width, height: at.height };
    return {
      objectKey: blockObjectKey(key), kind: 'block', state: 'filed', blockKey: key, layer: layer.id, operator: layer.operator?.reference ?? null,
      footprint: boxInDegrees(cropGrid(cube.grid!, window)), label: datetime, pointer: { href, band: 0, window },
    };
  });
  await blocks.record(entries);
  for (const { objectKey } of entries) await objects.delete(objectKey);
}

function positionOf(cube: Cube, index: number): Record<string, number> {
  const time = cube.find('temporal');
  return time ? { [time.name]: index } : {};
}
