/** For tests: what the extensions render 2.0.0 and web-map-links 1.2.0 ask for, whose schemas ../shared does not have. */

interface Fields { readonly [name: string]: unknown }
interface Asset extends Fields { readonly bands?: readonly { readonly name?: string }[] }

export interface StacLike extends Fields {
  readonly id?: string;
  readonly stac_extensions?: readonly string[];
  readonly links?: readonly (Fields & { readonly rel: string; readonly href: string })[];
  readonly properties?: Fields;
  readonly assets?: Readonly<Record<string, Asset>>;
  readonly item_assets?: Readonly<Record<string, Asset>>;
  readonly bands?: Asset['bands'];
  readonly features?: readonly unknown[];
}

const RENDER = 'https://stac-extensions.github.io/render/v2.0.0/schema.json';
const LINKS = 'https://stac-extensions.github.io/web-map-links/v1.2.0/schema.json';
const mapRels = ['xyz', 'wms', 'wmts', 'tilejson', 'pmtiles', '3d-tiles'];

/** Whether `mapProblems` stands for a schema. */
export const hasRules = (schema: string) => schema === RENDER || schema === LINKS;

/** The object without the two schemas, to be judged by those that are there. */
export function withoutMapSchemas<T>(object: T): T {
  const { stac_extensions: list, features } = object as StacLike;
  return { ...object, ...(list ? { stac_extensions: list.filter((url) => !hasRules(url)) } : {}), ...(features ? { features: features.map(withoutMapSchemas) } : {}) };
}

/** What is wrong by the two extensions, each of them in words. */
export function mapProblems(object: StacLike): string[] {
  const { stac_extensions: extensions = [], links = [], features = [] } = object;
  const renders = (object['renders'] ?? object.properties?.['renders']) as Readonly<Record<string, Fields>> | undefined;
  const maps = links.filter(({ rel }) => mapRels.includes(rel));
  const isPart = !('stac_version' in object);
  const declared = (url: string) => isPart || extensions.includes(url);
  const wrong = [
    ...(renders !== undefined && !declared(RENDER) ? ['render is not declared'] : []),
    ...(renders === undefined && extensions.includes(RENDER) ? ['there are no renders'] : []),
    ...(maps.length > 0 && !declared(LINKS) ? ['web-map-links is not declared'] : []),
    ...(maps.length === 0 && extensions.includes(LINKS) ? ['there are no map links'] : []),
    ...maps.filter(({ rel, 'wmts:layer': layer }) => rel === 'wmts' && (typeof layer !== 'string' || layer === '')).map(() => 'wmts has no layer'),
    ...maps.filter(({ href, rel }) => href.includes('{s}') || (rel === 'xyz' && !href.includes('/{z}/{x}/{y}'))).map(({ href }) => `${href} is no template of tiles`),
    ...(renders !== undefined && extensions.includes(LINKS) && !maps.some(({ render }) => typeof render === 'string' && render in renders) ? ['no link shows a render'] : []),
    ...Object.entries(renders ?? {}).flatMap(([name, render]) => renderProblems(render, object).map((problem) => `render ${name}: ${problem}`)),
  ];
  return [...wrong.map((problem) => `${object.id}: ${problem}`), ...features.flatMap((each) => mapProblems(each as StacLike))];
}

/** In the words of either version of STAC. */
const bandsIn = (part: Fields | undefined) => (part?.['bands'] ?? part?.['eo:bands']) as Asset['bands'];

function renderProblems({ assets: keys, bands, rescale, title }: Fields, object: StacLike): string[] {
  const assets = object.item_assets ?? object.assets ?? {};
  if (!Array.isArray(keys) || keys.length === 0) return ['it has no assets'];
  const [wanted, names, ranges] = [keys as string[], bands as string[][] | undefined, rescale as number[][] | undefined];
  const known = (key: string) => new Set((bandsIn(assets[key]) ?? bandsIn(object) ?? bandsIn(object['summaries'] as Fields) ?? []).map(({ name: band }) => band));
  return [
    ...(typeof title === 'string' ? [] : ['it has no title']),
    ...wanted.filter((key) => !(key in assets)).map((key) => `there is no asset ${key}`),
    ...(names && names.length !== wanted.length ? ['bands are not those of the assets'] : []),
    ...(names ?? []).flatMap((list, i) => list.filter((name) => !known(wanted[i]!).has(name)).map((name) => `${wanted[i]} has no band ${name}`)),
    ...(ranges && !ranges.every((range) => range.length === 2 && range[0]! < range[1]!) ? ['a range is none'] : []),
    ...(ranges && ranges.length !== (names ? names.flat().length : wanted.length) ? ['ranges are not those of the bands'] : []),
  ];
}
