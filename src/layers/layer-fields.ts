/** Checks the fields of a layer one by one, as far as that is possible without looking at its sources. */
import { parseCrs } from '../geo/crs.ts';
import type { Quantization } from '../cube/cube.ts';
import type { StacLink } from '../catalog/types.ts';
import type { ProcessGraph } from '../graph/wire.ts';
import { pointer, type Faults } from './layer-faults.ts';
import { RESULT_COLLECTION, type LayerDefinition } from './layer.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What a person writes of a collection; everything else of a layer's collection is derived. */
export interface LayerText {
  readonly id: string;
  readonly title?: string;
  readonly description: string;
  readonly license: string;
  readonly keywords?: readonly string[];
  readonly providers?: readonly unknown[];
  readonly links: readonly StacLink[];
}

/** A definition before its sources and its operator are known. */
export type LayerDraft = Omit<LayerDefinition, 'sources'> & { readonly sources?: readonly string[] };

export const LAYER = '/lamina:layer';

/** Derived by the service: a client that sends back what it got may leave them in. */
const derived = ['extent', 'summaries', 'cube:dimensions', 'cube:variables', 'bands', 'item_assets', 'renders', 'assets', 'gsd', 'data_type', 'stac_extensions', 'version', 'deprecated', 'emb:type', 'emb:dimensions', 'emb:chip_layout', 'lamina:views', 'lamina:block', 'lamina:published'];
const written = ['type', 'stac_version', 'id', 'title', 'description', 'license', 'keywords', 'providers', 'links', 'lamina:layer'];
const layerFields = ['sources', 'operator', 'process_graph', 'grid', 'views', 'cache', 'policy', 'visibility', 'owner'];
const derivedOfLayer = ['has_items'];

/** Relations that the service sets itself. */
const ownRelations = ['self', 'root', 'parent', 'items', 'item', 'child', 'collection', 'data', 'derived_from', 'emb:source-data', 'emb:model', 'predecessor-version', 'successor-version', 'latest-version', 'xyz', 'tilejson', 'http://www.opengis.net/def/rel/ogc/1.0/queryables', 'http://www.opengis.net/def/rel/ogc/1.0/sortables', 'aggregate', 'aggregations'];

export const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';
const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.length > 0 && value.every(isText);

/** Checks what a person wrote; null when the body is no collection of a layer at all. */
export function readLayer(body: unknown, faults: Faults): { readonly text: LayerText; readonly draft: LayerDraft } | null {
  if (!isObject(body)) return refuse(faults, '', 'must be a JSON object');
  faults.unknown(body, written, '', derived);
  const text = readText(body, faults);
  const layer = body['lamina:layer'];
  if (!isObject(layer)) return refuse(faults, LAYER, layer === undefined ? 'is missing; without it the collection is none of a layer. `lamina ingest` makes collections of files' : 'must be an object');
  return { text, draft: readDraft(layer, faults) };
}

function refuse(faults: Faults, path: string, message: string): null {
  faults.add(path, message);
  return null;
}

function readText(body: Fields, faults: Faults): LayerText {
  const { type, stac_version: version, id, title, description, license, keywords, providers, links = [] } = body;
  faults.expect(type === undefined || type === 'Collection', '/type', '\'Collection\'');
  faults.expect(version === undefined || version === '1.1.0', '/stac_version', '\'1.1.0\'');
  faults.expect(isText(id) && /^[A-Za-z0-9][\w.~-]{0,99}$/.test(id), '/id', 'letters, digits and _-.~, 100 at most, a letter or digit first');
  if (isText(id) && /\.v\d+$/.test(id)) faults.add('/id', 'must not end like \'.v1\': such names are those of older versions');
  if (id === RESULT_COLLECTION) faults.add('/id', 'must be another one: this is the collection of all results of jobs');
  faults.expect(title === undefined || isText(title), '/title', 'a text that is not empty');
  faults.expect(isText(description), '/description', 'a text that is not empty (CommonMark)');
  faults.expect(isText(license), '/license', 'an SPDX expression, or \'other\'');
  faults.expect(keywords === undefined || (Array.isArray(keywords) && keywords.every(isText)), '/keywords', 'an array of texts');
  faults.expect(providers === undefined || (Array.isArray(providers) && providers.every((p) => isObject(p) && isText(p['name']))), '/providers', 'an array of objects with a name');
  return {
    id: String(id), description: String(description), license: String(license), links: readLinks(links, faults),
    ...(isText(title) ? { title } : {}),
    ...(Array.isArray(keywords) ? { keywords: keywords as string[] } : {}),
    ...(Array.isArray(providers) ? { providers } : {}),
  };
}

function readLinks(links: unknown, faults: Faults): StacLink[] {
  if (!faults.expect(Array.isArray(links), '/links', 'an array')) return [];
  return (links as readonly unknown[]).filter((link, i): link is StacLink => {
    if (!isObject(link) || !isText(link['rel']) || !isText(link['href'])) return faults.expect(false, pointer('links', i), 'an object with rel and href');
    if (ownRelations.includes(link['rel'])) return false;
    return faults.expect(/^https?:\/\//.test(link['href']), pointer('links', i, 'href'), 'a URL that begins with http:// or https://');
  });
}

function readDraft(layer: Fields, faults: Faults): LayerDraft {
  const at = (name: string) => LAYER + pointer(name);
  faults.unknown(layer, layerFields, LAYER, derivedOfLayer);
  const { sources, operator, process_graph: graph, grid, views, cache, policy, visibility, owner } = layer;
  faults.expect(sources === undefined || isTexts(sources), at('sources'), 'the ids of collections; leave it out, the graph says which');
  faults.expect(operator === undefined || isText(operator), at('operator'), 'an operator reference such as \'pca:1.0.0\'');
  faults.expect(isObject(graph) && Object.keys(graph).length > 0, at('process_graph'), 'a process graph');
  faults.expect(policy === undefined || policy === 'lazy' || policy === 'eager', at('policy'), '\'lazy\' or \'eager\'');
  faults.expect(visibility === undefined || visibility === 'public' || visibility === 'private', at('visibility'), '\'public\' or \'private\'');
  faults.expect(owner === undefined || isText(owner), at('owner'), 'the name of a user');
  if (grid !== undefined) checkGrid(grid, faults);
  if (views !== undefined) checkViews(views, faults);
  if (cache !== undefined) checkCache(cache, faults);
  const crs = isObject(grid) ? { grid: { crs: canonical(grid['crs']), resolution: grid['resolution'] } } : {};
  return { ...layer, ...crs, process_graph: (isObject(graph) ? graph : {}) as ProcessGraph } as LayerDraft;
}

const canonical = (crs: unknown): unknown => {
  try {
    return parseCrs(crs as string);
  } catch {
    return crs;
  }
};

function checkGrid(grid: unknown, faults: Faults): void {
  const path = `${LAYER}/grid`;
  if (!isObject(grid)) return faults.add(path, 'must be an object with crs and resolution');
  faults.unknown(grid, ['crs', 'resolution'], path);
  const { crs, resolution } = grid;
  faults.expect(typeof resolution === 'number' && Number.isFinite(resolution) && resolution > 0, `${path}/resolution`, 'a positive number, in units of the CRS');
  if (!faults.expect(typeof crs === 'string' || typeof crs === 'number', `${path}/crs`, 'a coordinate reference system such as \'EPSG:32631\'')) return;
  if (!isCrs(crs as string)) faults.add(`${path}/crs`, `'${String(crs)}' is neither a known EPSG code nor a WKT2 or PROJ string that can be read`);
}

function isCrs(crs: string | number): boolean {
  try {
    parseCrs(crs);
    return true;
  } catch {
    return false;
  }
}

function checkViews(views: unknown, faults: Faults): void {
  const path = `${LAYER}/views`;
  if (!faults.expect(isTexts(views), path, 'an array of names such as [\'float32\', \'int8\'], the view of files first')) return;
  const names = views as readonly Quantization[];
  names.forEach((name, i) => {
    if (names.indexOf(name) < i) faults.add(pointer('lamina:layer', 'views', i), `'${name}' is there already`);
  });
}

function checkCache(cache: unknown, faults: Faults): void {
  const path = `${LAYER}/cache`;
  if (!isObject(cache)) return faults.add(path, 'must be an object');
  faults.unknown(cache, ['max_bytes', 'max_age_days', 'pinned'], path);
  const { max_bytes: bytes, max_age_days: days, pinned } = cache;
  faults.expect(bytes === undefined || (Number.isInteger(bytes) && (bytes as number) > 0), `${path}/max_bytes`, 'a positive whole number');
  faults.expect(days === undefined || (typeof days === 'number' && Number.isFinite(days) && days > 0), `${path}/max_age_days`, 'a positive number');
  if (pinned === undefined) return;
  if (!Array.isArray(pinned)) return faults.add(`${path}/pinned`, 'must be an array of boxes [west, south, east, north] in degrees');
  pinned.forEach((box, i) => void faults.expect(isBox(box), `${path}/pinned/${i}`, 'a box [west, south, east, north] in degrees, west less than east and south less than north'));
}

function isBox(box: unknown): boolean {
  if (!Array.isArray(box) || box.length !== 4 || !box.every((n) => typeof n === 'number' && Number.isFinite(n))) return false;
  const [west, south, east, north] = box as [number, number, number, number];
  return west >= -180 && east <= 180 && south >= -90 && north <= 90 && west < east && south < north;
}
