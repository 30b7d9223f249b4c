/**
 * Tasks of a grid out of a list with places: answers of a STAC search (ItemCollection, NDJSON, stac-geoparquet), and tables and
 * GeoJSON whose rows name a file. Read one record after the other: of a list with many thousands only names and addresses are kept.
 */
import { fileRecords, kindOfFile, type BulkRecord } from '../catalog/bulk/record-source.ts';
import type { ListedTask } from '../grid/work-list.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Where rows without assets name their file. */
const COLUMNS = ['path', 'href', 'location', 'url'];

/**
 * The tasks of a list with places; null for an address that is none: a folder, a bucket, a plain list of files.
 *
 * @param asset which asset of each item is the input; absent: the one with the role 'data', or the only GeoTIFF
 * @throws {Error} from the generator, naming the record, when one has no such file
 */
export async function tasksOfPlaces(path: string, asset?: string): Promise<AsyncGenerator<ListedTask> | null> {
  if (/^[a-z\d]{2,}:\/\//i.test(path)) return null;
  const kind = await kindOfFile(path);
  if (kind === null) return null;
  const source = await fileRecords(path, kind).catch((error: unknown) => {
    throw new Error(`${path} can't be read: ${(error as Error).message}.`, { cause: error });
  });
  return tasksIn(source.name, source.base, source.records(0), asset);
}

async function* tasksIn(name: string, base: string, records: AsyncGenerator<BulkRecord>, asset: string | undefined): AsyncGenerator<ListedTask> {
  for await (const record of records) {
    const item = record.read();
    if (typeof item !== 'object' || item === null) throw new Error(`Record ${record.number} of ${name} is no object.`);
    yield taskOf(item as Fields, `Record ${record.number} of ${name}`, base, asset);
  }
}

function taskOf(item: Fields, where: string, base: string, asset: string | undefined): ListedTask {
  const { id, collection } = item;
  const assets = isFields(item['assets']) ? item['assets'] : {};
  const properties = isFields(item['properties']) ? item['properties'] : {};
  const hasAssets = Object.keys(assets).length > 0;
  const href = hasAssets ? hrefOfAsset(assets, where, asset) : COLUMNS.map((column) => properties[column]).find((value) => typeof value === 'string' && value !== '');
  if (typeof href !== 'string') throw new Error(`${where} names no file: it has neither assets nor one of the columns ${COLUMNS.join(', ')}.`);
  if (!URL.canParse(href, base)) throw new Error(`${where} has '${href.slice(0, 200)}', which is no address of a file.`);
  const address = new URL(href, base).href;
  // Signed addresses differ from search to search; an item is the same task all the same.
  const isItem = hasAssets && typeof id === 'string' && id !== '';
  return { task: isItem ? `${typeof collection === 'string' ? `${collection}/` : ''}${id}.tif` : href.replace(/[?#].*$/, ''), href: address };
}

function hrefOfAsset(assets: Fields, where: string, wanted: string | undefined): unknown {
  const all = Object.entries(assets).filter((entry): entry is [string, Fields] => isFields(entry[1]));
  if (wanted !== undefined) {
    const found = all.find(([name]) => name === wanted);
    if (!found) throw new Error(`${where} has no asset '${wanted}'; it has ${namesOf(all)}.`);
    return found[1]['href'];
  }
  const tiffs = all.filter(([, { type, href }]) => matches(/tiff?/i, type) || matches(/\.tiff?($|[?#])/i, href));
  const data = tiffs.filter(([, { roles }]) => Array.isArray(roles) && roles.includes('data'));
  const [only, ...more] = data.length > 0 ? data : tiffs;
  if (!only || more.length > 0) throw new Error(`${where} has ${only ? `several assets that may be meant: ${namesOf([only, ...more])}` : `no GeoTIFF among its assets: ${namesOf(all)}`}. Say which with --asset; all bands have to be in one file.`);
  return only[1]['href'];
}

function matches(pattern: RegExp, value: unknown): boolean {
  return typeof value === 'string' && pattern.test(value);
}

function namesOf(assets: readonly (readonly [string, unknown])[]): string {
  return assets.length === 0 ? 'none' : assets.map(([name]) => name).join(', ').slice(0, 200);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
