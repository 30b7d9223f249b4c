/** stac_modify: which changes of a result's metadata make sense, and what they do to the items that are exported. */
import { Cube } from '../cube/cube.ts';
import { invalidArgument } from '../errors.ts';
import { Callback } from '../graph/callback.ts';
import { LabeledArray, type Value } from '../graph/value.ts';
import type { StoredFile } from '../jobs/results.ts';
import { mergePatch } from '../catalog/ingest/merge-patch.ts';
import type { StacAsset, StacItem } from '../catalog/types.ts';
import type { CollectionText } from '../catalog/ingest/collection.ts';

type Fields = Readonly<Record<string, unknown>>;

/** A JSON Merge Patch for the item of a result that has been checked. */
export interface StacChanges {
  readonly id?: string;
  readonly stac_extensions?: readonly string[];
  readonly properties?: Fields;
  /** By file name; null leaves the file out. */
  readonly assets?: Readonly<Record<string, Fields | null>>;
}

/** Follows from the files, or belongs to the service. */
const FIXED = /^(proj|raster|file|lamina|emb|geoemb|cube|table):/;
const FIXED_OF_ASSETS = new Set(['href', 'type', 'bands', 'data_type', 'nodata', 'statistics', 'datetime']);
const MAX_BYTES = 256 * 1024;

/**
 * Checks a patch. Throws ProcessParameterInvalid (stac_modify, changes) that names the member which can't be
 * changed, or is not what STAC wants.
 */
export function checkChanges(changes: unknown, files: readonly StoredFile[]): StacChanges {
  if (!isFields(changes)) throw refused('they must be an object');
  if (JSON.stringify(changes).length > MAX_BYTES) throw refused(`they are larger than ${MAX_BYTES} bytes`);
  for (const [name, value] of Object.entries(changes)) {
    switch (name) {
      case 'id': checkId(value); break;
      case 'stac_extensions': checkExtensions(value); break;
      case 'properties': checkProperties(value, files); break;
      case 'assets': checkAssets(value, files); break;
      default: throw refused(`'${name}' can't be changed: free are id, properties, assets and stac_extensions${['title', 'description', 'license', 'keywords', 'providers'].includes(name) ? `; '${name}' belongs in properties` : ''}`);
    }
  }
  return changes;
}

function checkId(id: unknown): void {
  if (typeof id !== 'string' || !/^[A-Za-z0-9][\w.~-]{0,99}$/.test(id)) throw refused('\'id\' must have letters, digits and _-.~, 100 at most, a letter or digit first');
}

function checkExtensions(list: unknown): void {
  if (!Array.isArray(list) || !list.every((each) => typeof each === 'string' && URL.canParse(each))) throw refused('\'stac_extensions\' must be a list of URLs');
}

function checkProperties(properties: unknown, files: readonly StoredFile[]): void {
  if (!isFields(properties)) throw refused('\'properties\' must be an object');
  const fixed = Object.keys(properties).find((name) => FIXED.test(name));
  if (fixed !== undefined) throw refused(`'${fixed}' follows from the files`);
  const texts = ['title', 'description', 'license'].find((name) => Object.hasOwn(properties, name) && properties[name] !== null && typeof properties[name] !== 'string');
  if (texts !== undefined) throw refused(`'${texts}' must be a text`);
  const { keywords } = properties;
  if (keywords !== undefined && keywords !== null && !(Array.isArray(keywords) && keywords.every((word) => typeof word === 'string'))) throw refused('\'keywords\' must be a list of texts');
  checkTimes(properties, files);
}

/** One instant, or a start and an end; never less than STAC wants. */
function checkTimes(properties: Fields, files: readonly StoredFile[]): void {
  const names = ['datetime', 'start_datetime', 'end_datetime'].filter((name) => Object.hasOwn(properties, name));
  if (names.length === 0) return;
  if (files.some(({ datetime }) => datetime !== undefined)) throw refused(`'${names[0]}' follows from the files, which have dates of their own`);
  for (const name of names) {
    const value = properties[name];
    const isInstant = typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) && !Number.isNaN(Date.parse(value));
    if (!isInstant && !(name === 'datetime' && value === null)) throw refused(`'${name}' must be an instant like 2021-06-01T00:00:00Z`);
  }
  const isSpan = names.includes('start_datetime') && names.includes('end_datetime');
  if (typeof properties['datetime'] !== 'string' && !isSpan) throw refused('without a datetime both start_datetime and end_datetime are needed');
  if (isSpan && Date.parse(properties['start_datetime'] as string) > Date.parse(properties['end_datetime'] as string)) throw refused('\'start_datetime\' is later than \'end_datetime\'');
}

function checkAssets(assets: unknown, files: readonly StoredFile[]): void {
  if (!isFields(assets)) throw refused('\'assets\' must be an object');
  for (const [name, asset] of Object.entries(assets)) {
    if (!files.some((file) => file.name === name)) throw refused(`there is no asset '${name}'; there are ${files.slice(0, 5).map((file) => `'${file.name}'`).join(', ')}${files.length > 5 ? ' …' : ''}`);
    if (asset === null) continue;
    if (!isFields(asset)) throw refused(`the asset '${name}' must be an object, or null`);
    const fixed = Object.keys(asset).find((field) => FIXED.test(field) || FIXED_OF_ASSETS.has(field));
    if (fixed !== undefined) throw refused(`'${fixed}' of the asset '${name}' follows from the file`);
    const { roles } = asset;
    if (roles !== undefined && roles !== null && !(Array.isArray(roles) && roles.every((role) => typeof role === 'string'))) throw refused(`'roles' of the asset '${name}' must be a list of texts`);
  }
}

/** A value of a process graph as JSON. Throws ProcessParameterInvalid for what JSON has no word for. */
export function plainJson(value: Value | undefined): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === 'number' && !Number.isFinite(value)) throw refused('they hold a number that is not finite');
  if (typeof value !== 'object') return value;
  if (value instanceof Cube || value instanceof Callback || value instanceof LabeledArray) throw refused('they hold something that is no JSON');
  if (Array.isArray(value)) return value.map((each: Value) => plainJson(each));
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plainJson(each)]));
}

/**
 * An item with the changes. Its assets may be called otherwise than their files: `fileOf` gives the file name of
 * a key. Where the result is several items, a new id gets their `suffix`.
 */
export function changedItem(item: StacItem, changes: readonly StacChanges[], names: { readonly fileOf: ReadonlyMap<string, string>; readonly suffix: string | null }): StacItem {
  return changes.reduce<StacItem>((changed, { id, properties, assets, stac_extensions: extensions }) => ({
    ...changed,
    ...(id !== undefined && { id: names.suffix === null ? id : `${id}_${names.suffix}` }),
    stac_extensions: [...new Set([...changed.stac_extensions, ...(extensions ?? [])])],
    properties: withTime(mergePatch(changed.properties, properties ?? {}) as StacItem['properties'], properties),
    assets: Object.fromEntries(Object.entries(changed.assets).map(([key, asset]) => [key, mergePatch(asset, assets?.[names.fileOf.get(key) ?? ''] ?? {}) as StacAsset])),
  }), item);
}

/** An instant takes the place of a span, and the other way round. */
function withTime(properties: StacItem['properties'], changes: Fields | undefined): StacItem['properties'] {
  if (typeof changes?.['datetime'] === 'string' && !('start_datetime' in changes)) {
    const { start_datetime: _, end_datetime: __, ...rest } = properties;
    return rest as StacItem['properties'];
  }
  return { ...properties, datetime: changes && 'start_datetime' in changes && !changes['datetime'] ? null : properties.datetime };
}

/** What the changed properties say of a collection that is made for the result. */
export function collectionText(changes: readonly StacChanges[]): CollectionText & { readonly providers?: unknown } {
  const { title, description, license, keywords, providers } = changes.reduce<Fields>((all, { properties }) => mergePatch(all, properties ?? {}) as Fields, {});
  return {
    ...(typeof title === 'string' && { title }),
    ...(typeof description === 'string' && { description }),
    ...(typeof license === 'string' && { license }),
    ...(Array.isArray(keywords) && { keywords: keywords as string[] }),
    ...(Array.isArray(providers) && { providers }),
  };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refused(reason: string): Error {
  return invalidArgument('stac_modify', 'changes', reason);
}
