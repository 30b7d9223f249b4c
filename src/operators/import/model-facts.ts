/** What others say of a model: an MLM item of STAC, or the settings that TerraTorch and Clay keep beside their weights. */
import type { OperatorBand } from '../operator.ts';

export interface ModelFacts {
  readonly name?: string;
  readonly version?: string;
  readonly title?: string;
  readonly description?: string;
  readonly license?: string;
  readonly bands?: readonly OperatorBand[];
  /** What the model expects: value · scale + offset of each band, or of all with one entry. */
  readonly scaling?: { readonly scale: readonly number[]; readonly offset: readonly number[] };
  readonly gsd?: number;
  /** Pixels along the edge of a chip. */
  readonly chip?: number;
  readonly input?: string;
  readonly output?: string;
  readonly remarks: readonly string[];
}

type Json = { readonly [key: string]: unknown };
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const textOf = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);
const numberOf = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : undefined);
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

type Known<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & { [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined> };

/** Leaves out what is not known. */
function known<T extends object>(facts: T): Known<T> {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as Known<T>;
}

/** The facts of an item with the MLM extension (1.x). Throws RangeError when it is none. */
export function factsOfItem(item: unknown): ModelFacts {
  const properties = isObject(item) ? item['properties'] : null;
  if (!isObject(properties) || properties['mlm:name'] === undefined) throw new RangeError("it is no STAC item with the MLM extension: 'mlm:name' is missing");
  const [input, output] = [listOf(properties['mlm:input'])[0], listOf(properties['mlm:output'])[0]].map((value) => (isObject(value) ? value : {})) as [Json, Json];
  const remarks: string[] = [];
  const { shape, dim_order: order } = isObject(input['input']) ? input['input'] : {};
  const height = listOf(order).findIndex((axis) => axis === 'height' || axis === 'y');
  const chip = numberOf(listOf(shape)[height]);
  const bands = bandsOfItem(item as Json, listOf(input['bands']));
  const name = textOf(properties['mlm:name']);
  return known({
    name: name?.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^[^a-z]+|-+$/g, '') || undefined,
    version: textOf(properties['version']), title: textOf(properties['title']) ?? name, description: textOf(properties['description']),
    license: textOf(properties['license']), gsd: numberOf(properties['gsd']),
    bands: bands.length > 0 ? bands : undefined,
    scaling: scalingOf(listOf(input['value_scaling']), remarks),
    chip: chip !== undefined && chip > 0 ? chip : undefined,
    input: textOf(input['name']), output: textOf(output['name']), remarks,
  });
}

/** What is known of a band stands beside its name, in the item's own list or in that of an asset. */
function bandsOfItem(item: Json, wanted: readonly unknown[]): OperatorBand[] {
  const lists = [item['properties'], ...Object.values(isObject(item['assets']) ? item['assets'] : {})].filter(isObject).flatMap((owner) => [...listOf(owner['bands']), ...listOf(owner['eo:bands'])]).filter(isObject);
  return wanted.flatMap((band) => {
    const name = isObject(band) ? textOf(band['name']) : textOf(band);
    if (name === undefined) return [];
    const facts = lists.filter((entry) => entry['name'] === name);
    const fact = (...keys: string[]) => facts.flatMap((entry) => keys.map((key) => entry[key])).find((value) => value !== undefined);
    return [known({ name, common_name: textOf(fact('eo:common_name', 'common_name')), center_wavelength: numberOf(fact('eo:center_wavelength', 'center_wavelength')) })];
  });
}

function scalingOf(entries: readonly unknown[], remarks: string[]): ModelFacts['scaling'] {
  const linear = entries.map((entry) => (isObject(entry) ? linearOf(entry) : null));
  const odd = entries.find((_, i) => linear[i] === null);
  if (odd !== undefined) remarks.push(`the item scales values with '${isObject(odd) ? String(odd['type'] as string) : '?'}', which must be inside the model: export it with that, the import adds only scales and offsets`);
  if (entries.length === 0 || odd !== undefined) return undefined;
  return { scale: linear.map((l) => l!.scale), offset: linear.map((l) => l!.offset) };
}

/** One entry of value_scaling as value · scale + offset. */
function linearOf({ type, mean, stddev, minimum, maximum, value }: Json): { scale: number; offset: number } | null {
  const of = (low: unknown, span: number) => (typeof low === 'number' && span > 0 ? { scale: 1 / span, offset: -low / span } : null);
  switch (type) {
    case 'z-score': return of(mean, Number(stddev));
    case 'min-max': return of(minimum, Number(maximum) - Number(minimum));
    case 'scale': return of(0, Number(value));
    case 'offset': return of(value, 1);
    default: return null;
  }
}

/** TerraTorch's words for bands. */
const COMMON: Readonly<Record<string, string>> = {
  COASTAL_AEROSOL: 'coastal', BLUE: 'blue', GREEN: 'green', RED: 'red', RED_EDGE_1: 'rededge071', RED_EDGE_2: 'rededge075', RED_EDGE_3: 'rededge078',
  NIR_BROAD: 'nir', NIR_NARROW: 'nir08', NIR: 'nir', WATER_VAPOR: 'nir09', CIRRUS: 'cirrus', SWIR_1: 'swir16', SWIR_2: 'swir22', REDEDGE1: 'rededge071', REDEDGE2: 'rededge075', REDEDGE3: 'rededge078', NIR08: 'nir08', SWIR16: 'swir16', SWIR22: 'swir22',
};

/**
 * The facts of settings: Clay's list of sensors (band_order, bands: mean, std, wavelength; gsd), of which `sensor` or the first is
 * taken, or TerraTorch's configuration with means, stds and bands somewhere in it.
 */
export function factsOfSettings(settings: unknown, sensor?: string): ModelFacts {
  const sensors = isObject(settings) ? Object.entries(settings).filter(([, value]) => isObject(value) && value['band_order'] !== undefined) : [];
  const chosen = sensor === undefined ? sensors[0] : sensors.find(([name]) => name === sensor);
  if (sensor !== undefined && !chosen) throw new RangeError(`the settings know no sensor '${sensor}'; they know ${sensors.map(([name]) => name).join(', ') || 'none'}`);
  if (chosen) return factsOfSensor(chosen[0], chosen[1] as Json, sensors.length);
  const find = (...keys: string[]) => keys.map((key) => findKey(settings, key)).find((value) => value !== undefined);
  const names = listOf(find('backbone_bands', 'model_bands', 'output_bands', 'dataset_bands', 'bands')).filter((v): v is string => typeof v === 'string');
  return known({
    bands: names.length > 0 ? names.map(bandNamed) : undefined,
    scaling: zScores(numbersOf(find('means', 'mean')), numbersOf(find('stds', 'std'))),
    chip: numberOf(find('img_size', 'image_size', 'pretrain_img_size')), remarks: [],
  });
}

function factsOfSensor(name: string, { band_order: order, bands, gsd }: Json, count: number): ModelFacts {
  const names = listOf(order).filter((v): v is string => typeof v === 'string');
  const table = (key: string) => (isObject(bands) && isObject(bands[key]) ? bands[key] : {});
  const of = (key: string) => names.map((band) => numberOf(table(key)[band])).filter((v) => v !== undefined);
  const wavelengths = of('wavelength');
  return known({
    bands: names.map((band, i) => ({ ...bandNamed(band), ...(wavelengths.length === names.length && { center_wavelength: wavelengths[i]! }) })),
    scaling: zScores(of('mean'), of('std')), gsd: numberOf(gsd),
    remarks: count > 1 ? [`bands and scaling are those of '${name}'; --sensor takes another of the ${count}`] : [],
  });
}

function bandNamed(name: string): OperatorBand {
  const common = COMMON[name.toUpperCase()];
  return common === undefined ? { name } : { name: name.toLowerCase(), common_name: common };
}

function zScores(means: readonly number[], stds: readonly number[]): ModelFacts['scaling'] {
  if (means.length === 0 || means.length !== stds.length || !stds.every((std) => std > 0)) return undefined;
  return { scale: stds.map((std) => 1 / std), offset: means.map((mean, i) => -mean / stds[i]!) };
}

/** Also of a mapping from bands to numbers, in its order. */
function numbersOf(value: unknown): readonly number[] {
  const list = isObject(value) ? Object.values(value) : listOf(value);
  return list.every((v) => typeof v === 'number') ? list as readonly number[] : [];
}

/** The first value of a key, wherever it stands. */
function findKey(value: unknown, key: string): unknown {
  if (!isObject(value)) return undefined;
  if (value[key] !== undefined && value[key] !== null) return value[key];
  return Object.values(value).map((inner) => findKey(inner, key)).find((found) => found !== undefined);
}
