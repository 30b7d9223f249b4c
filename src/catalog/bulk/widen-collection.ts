/** A collection after more items came, without looking at those that were there. */
import { flatBox } from '../item-search.ts';
import { deriveCollection, unionBox, type CollectionText } from '../ingest/collection.ts';
import { unionInterval, type Interval } from '../interval.ts';
import type { StacBand, StacCollection, StacItem } from '../types.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * The collection with everything that the items add: extents, bands, dimensions, summaries, kinds of assets. What it
 * says already stays, also where items that made it so were replaced since.
 */
export function widenCollection(known: StacCollection, items: readonly StacItem[], text: CollectionText = {}): StacCollection {
  const more = deriveCollection(known.id, items, text, known);
  const bands = unionBands(known.bands ?? [], more.bands ?? []);
  const own = known.extent.spatial.bbox[0];
  const bbox = own === undefined ? more.extent.spatial.bbox[0]! : unionBox([flatBox(own), flatBox(more.extent.spatial.bbox[0]!)]);
  const interval = unionInterval(known.extent.temporal.interval[0], more.extent.temporal.interval[0]!);
  return {
    ...more,
    // What was made of the bands and reference systems of the first items is made anew only when they changed.
    description: text.description ?? known.description,
    keywords: text.keywords ?? [...new Set([...(known.keywords ?? []), ...codesOf(more)])],
    stac_extensions: [...new Set([...known.stac_extensions, ...more.stac_extensions])],
    extent: { spatial: { bbox: [bbox, ...known.extent.spatial.bbox.slice(1)] }, temporal: { interval: [interval, ...known.extent.temporal.interval.slice(1)] } },
    'cube:dimensions': unionDimensions(known['cube:dimensions'], more['cube:dimensions'], { bands, bbox, interval }) as StacCollection['cube:dimensions'],
    summaries: unionSummaries(known.summaries, more.summaries),
    bands,
    item_assets: { ...(more['item_assets'] as Fields | undefined), ...(known['item_assets'] as Fields | undefined) },
  };
}

const codesOf = ({ summaries }: StacCollection) => [summaries['proj:code'] ?? []].flat().map(String);

/** In the order in which they came; of a band that is in both, what was said first, with the finer resolution. */
function unionBands(known: readonly StacBand[], more: readonly StacBand[]): StacBand[] {
  const found = new Map(known.map((band) => [band.name, band]));
  for (const band of more) {
    const first = found.get(band.name);
    const [a, b] = [first?.['gsd'], band['gsd']];
    found.set(band.name, first ? { ...band, ...first, ...(typeof a === 'number' && typeof b === 'number' ? { gsd: Math.min(a, b) } : {}) } : band);
  }
  return [...found.values()];
}

interface Whole {
  readonly bands: readonly StacBand[];
  readonly bbox: readonly number[];
  readonly interval: Interval;
}

/** Axes of one reference system grow; of two they are told in degrees. */
function unionDimensions(known: Fields, more: Fields, { bands, bbox, interval }: Whole): Fields {
  return Object.fromEntries(Object.entries({ ...more, ...known }).map(([name, dimension]) => {
    const [a, b] = [dimension as Fields, (more[name] ?? dimension) as Fields];
    if (a['type'] === 'temporal') return [name, { ...a, extent: interval }];
    if (a['type'] === 'bands') return [name, { ...a, values: bands.map((band) => band.name) }];
    return [name, a['type'] === 'spatial' ? unionAxis(a, b, bbox) : a];
  }));
}

function unionAxis(a: Fields, b: Fields, [west, south, east, north]: readonly number[]): Fields {
  if (a['reference_system'] !== b['reference_system']) {
    const { step: _, ...rest } = a;
    return { ...rest, extent: a['axis'] === 'x' ? (west! > east! ? [-180, 180] : [west, east]) : [south, north], reference_system: 4326 };
  }
  const [[low, high], [lower, higher]] = [a['extent'] as number[], b['extent'] as number[]];
  const steps = [a['step'], b['step']].filter((step) => typeof step === 'number');
  return { ...a, extent: [Math.min(low!, lower!), Math.max(high!, higher!)], ...(steps.length > 0 ? { step: Math.min(...steps) } : {}) };
}

/** Lists hold the values of both, numbers in their order; what is no list stays. */
function unionSummaries(known: Fields, more: Fields): Record<string, unknown> {
  return Object.fromEntries(Object.entries({ ...more, ...known }).map(([name, value]) => {
    const added = more[name];
    if (!Array.isArray(value) || !Array.isArray(added)) return [name, value];
    const all = [...new Map([...(value as unknown[]), ...(added as unknown[])].map((entry) => [keyOf(entry), entry])).values()];
    return [name, all.every((entry) => typeof entry === 'number') ? all.toSorted((a, b) => a - b) : all];
  }));
}

/** Bands are told apart by their name. */
const keyOf = (entry: unknown) => (typeof entry === 'object' && entry !== null && 'name' in entry ? `name ${String((entry as Fields)['name'])}` : JSON.stringify(entry));
