/** What whoever publishes a service can configure: one table, which GET /service_types shows and POST /services checks. */
import { OpenEOError } from '../errors.ts';
import { parseColour } from '../formats/colours.ts';
import { readOptions } from '../formats/options.ts';
import { pictureParameters, pictureSettings } from '../formats/picture/picture-options.ts';
import { visibilities, type ServiceDefinition, type Visibility } from './service.ts';

/** Zooms that there are at all. */
export const MAX_ZOOM = 22;

const { bands, min, max, colormap } = pictureParameters(4) as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
const fromGraph = 'Default: what the `save_result` (PNG or JPEG) of the process says, else';

/** Parameter name → JSON Schema. */
export const configurationSchemas: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  visibility: { description: 'Who sees the map: "private" its owner, "shared" all users who are logged in, "public" everybody. The URL of a service that is not public has a key in it, so that map clients, which log in nowhere, can show it: whoever is given that URL sees the map. `PATCH /services/{service_id}` with `"url": null` makes a new key.', type: 'string', enum: [...visibilities], default: 'private' },
  format: { description: 'Format of the tiles. JPEG is smaller and has no transparency. Default: JPEG when the process ends in `save_result` with format JPEG, else PNG.', type: 'string', enum: ['png', 'jpeg'] },
  bands: { ...bands!, description: `Names of the bands to show: one, or two or three as red, green and blue. A fourth one is opacity. ${fromGraph} red, green and blue where there are bands called so, else the first band.` },
  min: { ...min!, description: `Value that becomes darkest: one number, or one per band. ${fromGraph} what is told at \`max\`.` },
  max: { ...max!, description: `Value that becomes brightest: one number, or one per band. ${fromGraph} 255 for 8-bit data; other values are looked at when the service is created, and all but the outer 2 percent at both ends are shown (\`range\` in \`attributes\`).` },
  colormap: colormap!,
  background: { description: 'Colour of no-data in JPEG tiles: a text "#rrggbb" or an array [red, green, blue] of 0 to 255. Default: what `save_result` says, else white.', type: ['string', 'array'] },
  quality: { description: 'How well JPEG tiles keep the picture: 1 (smallest) to 100. Default: what `save_result` says, else 90.', type: 'integer', minimum: 1, maximum: 100 },
  tile_size: { description: 'Pixels along the edge of a tile. At 512 a tile has the same extent and twice the resolution.', type: 'integer', enum: [256, 512], default: 256 },
  minzoom: { description: 'There are no tiles further out than this zoom.', type: 'integer', minimum: 0, maximum: MAX_ZOOM, default: 0 },
  maxzoom: { description: 'There are no tiles further in than this zoom.', type: 'integer', minimum: 0, maximum: MAX_ZOOM, default: 18 },
};

/** Configuration with its defaults. */
export interface Configuration {
  readonly visibility: Visibility;
  readonly format?: 'png' | 'jpeg';
  /** Options as save_result's PNG and JPEG take them. */
  readonly picture: Readonly<Record<string, unknown>>;
  readonly tileSize: 256 | 512;
  readonly minZoom: number;
  readonly maxZoom: number;
}

/** Those that change nothing of what a tile looks like. */
const others = ['visibility', 'format', 'tile_size', 'minzoom', 'maxzoom'];

/** @throws ServiceConfigUnsupported for a setting that there is not, ServiceConfigInvalid for a value that does not fit */
export function readConfiguration(given: ServiceDefinition['configuration'] = {}): Configuration {
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(configurationSchemas, name)) {
      throw new OpenEOError('ServiceConfigUnsupported', { parameter: name.slice(0, 100) }, { detail: `There are ${Object.keys(configurationSchemas).join(', ')}.` });
    }
    values[name] = check(name, value);
  }
  const { visibility = 'private', tile_size: tileSize = 256, minzoom: minZoom = 0, maxzoom: maxZoom = 18, format } = values as Record<string, never>;
  if (minZoom > maxZoom) throw invalidSetting('minzoom', `it must not be greater than maxzoom (${maxZoom as number})`);
  const picture = Object.fromEntries(Object.entries(values).filter(([name]) => !others.includes(name)));
  blaming(picture, () => pictureSettings({ filename_prefix: 'tile', ...picture }));
  if (picture['background'] !== undefined) blaming(picture, () => parseColour(picture['background'], 255, '\'background\''));
  return { visibility, tileSize, minZoom, maxZoom, picture, ...(format === undefined ? {} : { format }) };
}

/** The value as its schema spells it. */
function check(name: string, value: unknown): unknown {
  const schema = { title: 'a service', description: '', gis_data_types: [], parameters: { [name]: configurationSchemas[name]! } };
  return blaming({ [name]: value }, () => readOptions(schema, { [name]: value })[name]);
}

/** Runs a check that words its refusals as for save_result, and words them for the service when it is a setting of it that is wrong. */
export function blaming<T>(settings: Readonly<Record<string, unknown>>, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof OpenEOError) || error.code !== 'ProcessParameterInvalid') throw error;
    const reason = error.message.split(' is invalid: ').slice(1).join(' is invalid: ');
    const name = [...reason.matchAll(/'(\w+)'/g)].map(([, word]) => word!).find((word) => Object.hasOwn(settings, word))
      ?? (/colormap|colour/.test(reason) && Object.hasOwn(settings, 'colormap') ? 'colormap' : undefined);
    throw name === undefined ? error : invalidSetting(name, reason);
  }
}

function invalidSetting(parameter: string, reason: string): OpenEOError<'ServiceConfigInvalid'> {
  return new OpenEOError('ServiceConfigInvalid', { parameter, reason });
}

/** The save_result that a process ends in; null when it ends in something else. Its arguments are not checked. */
function lastSave({ process }: Pick<ServiceDefinition, 'process'>): { readonly format?: unknown; readonly options?: Readonly<Record<string, unknown>> | null } | null {
  const nodes = Object.values(process.process_graph) as readonly { readonly process_id?: unknown; readonly arguments?: object; readonly result?: unknown }[];
  const last = nodes.find(({ result }) => result === true);
  return last?.process_id === 'save_result' ? last.arguments ?? {} : null;
}

/** Format of the tiles: what the configuration says, else JPEG when the process ends in save_result with that format. */
export function tileFormat(definition: Pick<ServiceDefinition, 'process' | 'configuration'>): 'png' | 'jpeg' {
  const { format } = readConfiguration(definition.configuration);
  if (format !== undefined) return format;
  const saved = lastSave(definition)?.format;
  return typeof saved === 'string' && /^jpe?g$/i.test(saved) ? 'jpeg' : 'png';
}

/** What JPEG tiles show where there is nothing, as `parseColour` takes it. */
export function tileBackground(definition: Pick<ServiceDefinition, 'process' | 'configuration'>): unknown {
  return readConfiguration(definition.configuration).picture['background'] ?? lastSave(definition)?.options?.['background'] ?? '#ffffff';
}
