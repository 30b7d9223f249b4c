/** The STAC items of a saved result in a collection of its own life: one per date, where the dates are files of their own. */
import type { CatalogStore } from '../catalog/store.ts';
import type { StacAsset, StacItem } from '../catalog/types.ts';
import type { Cube } from '../cube/cube.ts';
import type { ProcessGraph } from '../graph/wire.ts';
import type { StoredFile } from '../jobs/results.ts';
import { embeddingProperties } from '../layers/embedding-properties.ts';
import type { OperatorRegistry } from '../operators/operator.ts';
import { fileAsset, fileItem } from './file-item.ts';
import type { SavedResult } from './saved-results.ts';
import { changedItem } from './stac-changes.ts';

export interface ItemContext {
  readonly catalog: Pick<CatalogStore, 'get'>;
  readonly operators: OperatorRegistry;
  readonly collection: string;
  readonly jobId: string;
  /** Where a file lies that outlives the job. */
  readonly keyOf: (file: StoredFile) => string;
}

/** Ids are made of job and file name: the same job makes the same items again. */
export async function exportedItems(saved: SavedResult, context: ItemContext): Promise<StacItem[]> {
  const whole = await wholeTime(saved.cube, context.catalog);
  const groups = Map.groupBy(saved.files, ({ datetime }) => datetime ?? null);
  return [...groups].map(([datetime, files]) => {
    const made = itemOf(saved, files, datetime, whole, context);
    const fileOf = new Map(files.map((file) => [assetKey(file, mainKey(saved.cube)), file.name]));
    return changedItem(made, saved.changes ?? [], { fileOf, suffix: groups.size > 1 ? stemOf(files[0]!) : null });
  });
}

function itemOf({ cube, origin }: SavedResult, files: readonly StoredFile[], datetime: string | null, whole: readonly [string, string], { operators, collection, jobId, keyOf }: ItemContext): StacItem {
  const created = new Date().toISOString();
  const { sources = [], sourcesByLabel, operator, encoding } = cube.attributes;
  const instant = datetime === null ? null : instantOf(datetime);
  const shown = shownOrigin(origin);
  const properties = operator === undefined
    ? { 'processing:datetime': created, 'processing:software': { lamina: '0.1.0' }, ...(shown && { 'processing:expression': { format: 'openeo', expression: { process_graph: shown } } }) }
    : embeddingProperties(operators.resolve(operator), encoding ?? 'float32', shown, created);
  return fileItem({
    id: `${jobId}_${stemOf(files[0]!)}`, collection, cube, created,
    time: instant === null ? whole : [instant, instant],
    properties: { ...properties, 'lamina:job': jobId },
    sources: (datetime === null ? undefined : sourcesByLabel?.[datetime]) ?? sources,
    assets: Object.fromEntries(files.map((file) => [assetKey(file, mainKey(cube)), assetOf(file, keyOf(file))])),
  });
}

const mainKey = ({ attributes }: Cube) => (attributes.operator === undefined ? 'data' : 'embeddings');

/** A URL of load_stac or load_url may hold a key, and items are read by others: such a graph is not told. */
function shownOrigin(origin: ProcessGraph): ProcessGraph | null {
  const isSecret = Object.values(origin).some(({ process_id: id, arguments: args }) => (id === 'load_stac' || id === 'load_url') && String((args as { url?: unknown }).url).includes('?'));
  return isSecret ? null : origin;
}

/** The name of a file without '.tif'; other endings stay, so that the files of two formats are two items. */
function stemOf({ name }: StoredFile): string {
  return name.replace(/\.tif$/, '').replaceAll(/[^\w-]+/g, '_');
}

const KEYS: Readonly<Record<string, string>> = { nc: 'netcdf', zip: 'zarr', parquet: 'vectors', png: 'picture' };

/** The same in every item, so that the collection can say what it offers. */
function assetKey({ name, metadata }: StoredFile, main: string): string {
  if ('lamina:scale_of' in metadata) return `${main}_scale`;
  const ending = name.slice(name.lastIndexOf('.') + 1);
  return ending === 'tif' ? main : KEYS[ending] ?? ending;
}

/** Whether load_collection can read the file: a GeoTIFF in a reference system that has a code. */
export function isLoadable({ mediaType, metadata }: StoredFile): boolean {
  return mediaType.startsWith('image/tiff') && typeof metadata['proj:code'] === 'string';
}

function assetOf(file: StoredFile, objectKey: string): StacAsset {
  const asset = fileAsset(file, { objectKey, bytes: file.sizeBytes }, (file.metadata['title'] as string | undefined) ?? file.name);
  if (isLoadable(file)) return asset;
  // Without a lattice an asset is no raster: load_collection passes it over.
  const { 'proj:transform': _, 'proj:shape': __, ...rest } = asset;
  return rest;
}

/** First and last instant of a cube: of its dates, else of what it was made from, else now. */
async function wholeTime(cube: Cube, catalog: Pick<CatalogStore, 'get'>): Promise<readonly [string, string]> {
  const own = (cube.find('temporal')?.labels ?? []).map((label) => instantOf(String(label))).filter((instant) => instant !== null);
  const instants = own.length > 0 ? own : await instantsOfSources(cube.attributes.sources ?? [], catalog);
  const sorted = (instants.length > 0 ? instants : [new Date().toISOString()]).sort();
  return [sorted[0]!, sorted.at(-1)!];
}

async function instantsOfSources(sources: readonly string[], catalog: Pick<CatalogStore, 'get'>): Promise<string[]> {
  const instants: string[] = [];
  for (const source of sources.filter((each) => !/^https?:/.test(each))) {
    const at = source.lastIndexOf('/');
    const item = await catalog.get(source.slice(0, at), source.slice(at + 1));
    const { datetime, start_datetime: start, end_datetime: end } = (item?.properties ?? {}) as Record<string, unknown>;
    for (const text of [datetime, start, end]) if (typeof text === 'string') instants.push(instantOf(text)!);
  }
  return instants;
}

/** As catalogs write it; null for labels that are no dates. */
function instantOf(label: string): string | null {
  const date = new Date(label);
  return Number.isNaN(date.getTime()) ? null : date.toISOString().replace('.000Z', 'Z');
}
