/**
 * Pictures of collections and of items of layers, in the words of the render extension. Each of them is drawn by the map tiles
 * too, when they are asked as `query` says: a picture that is told of and one that is seen do not differ. Raw items have
 * that of their collection: they are as somebody wrote them, who may send them back.
 */
import type { StacAsset, StacCollection, StacItem, StacLink } from '../catalog/types.ts';
import type { DType } from '../cube/dtype.ts';
import { dimensionRange, type Range } from './tile-style.ts';
import { storedRange, trueColour } from './tile-bands.ts';
import type { Operator } from '../operators/operator.ts';

/** A Render Object of the extension. */
export interface Render {
  readonly title: string;
  /** Keys of assets: one that has all bands, or one for each band. */
  readonly assets: readonly string[];
  /** For each asset the names of its bands; absent where they have no others. */
  readonly bands?: readonly (readonly string[])[];
  /** Stored values that are black and white, for each band. */
  readonly rescale: readonly Range[];
  readonly colormap_name?: 'gray';
  readonly resampling: 'nearest';
}

export interface Picture {
  readonly name: string;
  readonly render: Render;
  /** Parameters of map tiles, without a time. */
  readonly query: string;
}

/** A band that is drawn, and where it is. */
interface Drawn {
  readonly band: string;
  readonly asset: string;
  /** How many bands the asset has. */
  readonly of: number;
  readonly range: Range;
}

/** What is known of an asset before its pixels are read. */
type Kind = Pick<StacAsset, 'bands'> & { readonly data_type?: unknown; readonly gsd?: unknown };

/** The picture of a raw collection as its map shows it; null for one that does not tell in which assets its bands are. */
export function collectionPicture(collection: StacCollection): Picture | null {
  const kinds = Object.entries((collection['item_assets'] ?? {}) as Readonly<Record<string, Kind>>);
  const drawn = trueColour(collection).map((band): Drawn | null => {
    const holders = kinds.filter(([, { bands }]) => bands?.some(({ name }) => name === band));
    // The finest file counts, as when it is read.
    const [asset, kind] = holders.toSorted(([, a], [, b]) => stepOf(a) - stepOf(b))[0] ?? [];
    return asset === undefined || kind?.data_type === undefined ? null : { band, asset, of: kind.bands!.length, range: storedRange(collection.bands?.find(({ name }) => name === band), { dtype: kind.data_type as DType }) };
  });
  return pictureOf(drawn);
}

const stepOf = ({ gsd }: Kind) => (typeof gsd === 'number' ? gsd : Infinity);

/** The first dimensions of an embedding as colours; null where the files of the layer hold no such numbers. */
export function embeddingPicture({ manifest }: Operator, asset: string, view: string, labels: readonly string[]): Picture | null {
  const count = labels.length < 3 ? 1 : 3;
  // The codes of int8 are the steps in which its table counts, so the range is the same for all of them.
  const { offset, scale } = manifest.quantization.int8;
  const codes = (range: Range, i: number): Range => [Math.round((range[0] - offset[i]!) / scale[i]!), Math.round((range[1] - offset[i]!) / scale[i]!)];
  if (labels.length !== manifest.output.dimensions || !['float32', 'float16', 'int8'].includes(view)) return null;
  const drawn = labels.slice(0, count).map((band, i): Drawn => {
    const range = dimensionRange(manifest, i);
    return { band, asset, of: labels.length, range: view === 'int8' ? codes(range, i) : range };
  });
  const picture = pictureOf(drawn)!;
  // Tiles know the ranges of an operator; those of codes mean nothing to them.
  return { ...picture, name: 'dimensions', query: bandsQuery(drawn), render: { ...picture.render, title: count === 1 ? 'The first dimension' : 'The first three dimensions as red, green and blue' } };
}

/** The picture of a layer without operator: red, green and blue, or its first band. */
export function resultPicture(collection: StacCollection, asset: string): Picture | null {
  const names = (collection.bands ?? []).map(({ name }) => name);
  const dtype = collection['data_type'] as DType;
  const shown = trueColour(collection).filter((name) => names.includes(name));
  return pictureOf(shown.map((band) => ({ band, asset, of: names.length, range: storedRange(collection.bands!.find(({ name }) => name === band), { dtype }) })));
}

function pictureOf(found: readonly (Drawn | null)[]): Picture | null {
  const drawn = found.filter((one) => one !== null);
  if (drawn.length !== found.length || (drawn.length !== 1 && drawn.length !== 3)) return null;
  const assets = [...new Set(drawn.map(({ asset }) => asset))];
  const isOne = assets.length === 1;
  // Two files of three bands have no order in which clients would find them.
  if (!isOne && (assets.length !== drawn.length || drawn.some(({ of }) => of > 1))) return null;
  const [{ range }] = drawn as [Drawn];
  const isSame = drawn.every((one) => String(one.range) === String(range));
  return {
    name: drawn.length === 3 ? 'true-colour' : 'first-band',
    query: `${bandsQuery(drawn)}${isSame ? `&rescale=${range.join(',')}` : ''}`,
    render: {
      title: drawn.length === 3 ? 'True colour' : `Band ${drawn[0]!.band}`,
      assets,
      ...(isOne ? { bands: [drawn.map(({ band }) => band)] } : {}),
      rescale: drawn.map((one) => one.range),
      ...(drawn.length === 1 ? { colormap_name: 'gray' as const } : {}),
      resampling: 'nearest',
    },
  };
}

const bandsQuery = (drawn: readonly Drawn[]) => `bands=${drawn.map(({ band }) => encodeURIComponent(band)).join(',')}`;

/** A collection or an item's properties with its picture. */
export function rendersOf(picture: Picture | null): { readonly renders?: Readonly<Record<string, Render>> } {
  return picture ? { renders: { [picture.name]: picture.render } } : {};
}

/** The link to the tiles that draw a picture, of a collection (as a path of the service) or of one of its items. */
export function pictureLinks(picture: Picture | null, collection: string, item?: StacItem): StacLink[] {
  if (!picture) return [];
  const time = item ? `datetime=${timeOf(item)}&` : '';
  return [{ rel: 'xyz', href: `/tiles/${encodeURIComponent(collection)}/{z}/{x}/{y}.png?${time}${picture.query}`, type: 'image/png', title: `${picture.render.title}, as map tiles`, render: picture.name }];
}

/** An instant means its day to tiles; items that cover a time are found by its beginning. */
function timeOf({ properties: { datetime, start_datetime: start } }: StacItem): string {
  return encodeURIComponent((datetime ?? String(start)).slice(0, 10));
}
