/**
 * Our own STAC extension, `lamina:`: what no other one has words for. The service serves its schema, so that whoever
 * validates an object finds it; docs/lamina-extension.md tells the fields in words.
 */
import { BLOCK_PATCHES } from './patch-lattice.ts';
import type { OperatorManifest } from '../operators/operator.ts';

/** Where the schema is, below the STAC API. Another set of fields is another version; this one stays as it is. */
export const LAMINA_EXTENSION_PATH = '/extensions/lamina/v1.0.0/schema.json';

/** The URL by which objects of this service name the extension; `baseUrl` is that of the STAC API. */
export function laminaExtension(baseUrl: string): string {
  return `${baseUrl}${LAMINA_EXTENSION_PATH}`;
}

type Fields = Readonly<Record<string, unknown>>;

/** What a block costs that nobody has computed yet: blocks are what is computed, cached and shared between requests. */
export interface BlockCost {
  /** Rows and columns of vectors in a block. */
  readonly patches: readonly [number, number];
  /** Rows and columns of source pixels that are read for it. */
  readonly pixels: readonly [number, number];
  /** Source samples that are read: pixels times bands. */
  readonly samples: number;
  /** Of its vectors as they are cached, float32. */
  readonly bytes: number;
}

/** The cost of a block of an operator, which follows from its manifest. */
export function blockCost({ patch, halo, input, output }: Pick<OperatorManifest, 'patch' | 'halo' | 'input' | 'output'>): BlockCost {
  const edge = BLOCK_PATCHES * patch + 2 * halo;
  return {
    patches: [BLOCK_PATCHES, BLOCK_PATCHES],
    pixels: [edge, edge],
    samples: edge * edge * input.bands.length,
    bytes: BLOCK_PATCHES * BLOCK_PATCHES * output.dimensions * Float32Array.BYTES_PER_ELEMENT,
  };
}

/** Whether an item, a collection or one of their assets, bands or summaries has a field of the extension. */
export function usesLamina(object: object): boolean {
  const { properties, assets, item_assets: kinds, bands, summaries } = object as Readonly<Record<string, unknown>>;
  return hasField(object) || hasField(properties) || hasField(summaries) || hasBandField(bands) || hasAssetField(assets) || hasAssetField(kinds);
}

const hasField = (value: unknown) => typeof value === 'object' && value !== null && Object.keys(value).some((name) => name.startsWith('lamina:'));
const hasBandField = (bands: unknown) => Array.isArray(bands) && bands.some(hasField);
const hasAssetField = (assets: unknown) => typeof assets === 'object' && assets !== null && Object.values(assets).some((asset: unknown) => hasField(asset) || hasBandField((asset as Fields | null)?.['bands']));

const text = { type: 'string', minLength: 1 } as const;
const count = { type: 'integer', minimum: 0 } as const;
const pair = { type: 'array', items: { type: 'integer', minimum: 1 }, minItems: 2, maxItems: 2 } as const;
const graph = { type: 'object', additionalProperties: { type: 'object', required: ['process_id'] }, minProperties: 1 } as const;
const visibility = { enum: ['public', 'private'] } as const;
const views = { type: 'array', items: { enum: ['float32', 'float16', 'int8', 'int8_power2', 'int8_per_vector', 'binary'] }, minItems: 1, uniqueItems: true } as const;

const block = {
  description: 'What a block costs that nobody has computed yet.',
  type: 'object', required: ['patches', 'pixels', 'samples', 'bytes'], additionalProperties: false,
  properties: { patches: pair, pixels: pair, samples: { type: 'integer', minimum: 1 }, bytes: { type: 'integer', minimum: 1 } },
} as const;

const quantization = {
  description: 'How codes become values, where emb:quantization has no words for it.',
  type: 'object', required: ['method', 'original_dtype', 'quantized_dtype'],
  properties: { method: { enum: ['none', 'cast', 'linear', 'power', 'per_pixel_scale', 'binary'] }, original_dtype: text, quantized_dtype: text, formula: text },
} as const;

/** Of collections. */
const collectionFields: Fields = {
  'lamina:layer': {
    description: 'The definition of a layer: its items are computed from those of the first source.',
    type: 'object', required: ['process_graph'],
    properties: {
      process_graph: graph, sources: { type: 'array', items: text, minItems: 1 }, operator: text, views, visibility, owner: text, has_items: { type: 'boolean' }, policy: { enum: ['lazy', 'eager'] },
      grid: { type: 'object', required: ['crs', 'resolution'], properties: { crs: text, resolution: { type: 'number', exclusiveMinimum: 0 } } },
      cache: { type: 'object', properties: { max_bytes: count, max_age_days: { type: 'number', minimum: 0 }, pinned: { type: 'array', items: { type: 'array', items: { type: 'number' }, minItems: 4, maxItems: 4 } } } },
    },
  },
  'lamina:views': { description: 'The forms in which vectors are offered; the first is that of files.', ...views },
  'lamina:block': block,
  'lamina:operators': { description: 'The items are operators.', const: true },
  'lamina:files': { description: 'The items are files that this service wrote.', type: 'object', properties: { layer: text, owner: text, visibility } },
  'lamina:upstream': {
    description: 'Whose catalog the items of a collection lie in, and how they are read. Secrets are named, never held.',
    type: 'object', required: ['url', 'collection'],
    properties: {
      url: { type: 'string', format: 'uri' }, collection: text, headers: { type: 'object', additionalProperties: text }, timeout_seconds: { type: 'number', minimum: 0.1, maximum: 300 },
      bands: { type: 'object', additionalProperties: { type: 'object', required: ['asset'], properties: { asset: text, index: { type: 'integer', minimum: 0 }, alternate: text }, additionalProperties: false } },
      offset: { type: 'array', items: { type: 'object', required: ['offset'], properties: { when: { type: 'object' }, offset: { type: 'number' } }, additionalProperties: false } },
      access: { type: 'array', items: { type: 'object', required: ['type', 'prefix'], properties: { type: { enum: ['sas', 's3', 'signed'] }, prefix: text } } },
    },
    additionalProperties: false,
  },
};

/** Of properties of items. */
const itemFields: Fields = {
  'lamina:status': { description: 'Whether the pixels are there: computed when somebody reads them, computed ahead, or older than their source.', enum: ['virtual', 'computing', 'computed', 'outdated', 'withdrawn', 'failed'] },
  'lamina:reason': { description: 'Why it failed.', ...text },
  'lamina:cached': { description: 'Blocks that were computed ahead.', type: 'object', required: ['blocks'], additionalProperties: false, properties: { blocks: count, bytes: count } },
  'lamina:block': block,
  'lamina:quantization': quantization,
  'lamina:layer': { description: 'Of a file: the layer that it holds a part of.', ...text },
  'lamina:materialisation': { description: 'Of a file: the run that wrote it.', ...text },
  'lamina:job': { description: 'The batch job that wrote it.', ...text },
  'lamina:operator': { description: 'The name of an operator.', ...text },
  'lamina:digest': { description: 'The digest that pins an operator.', ...text },
  'lamina:kind': { description: 'How an operator runs.', ...text },
  'lamina:incomplete': { description: 'Keys of assets whose files could not be reached when the item came: their pixels can\'t be loaded.', type: 'array', items: text, minItems: 1 },
  'lamina:tags': { description: 'Tags that mean this version of an operator.', type: 'array', items: text },
  'lamina:signed_by': { description: 'Whose signature an operator bears.', ...text },
};

/** Of assets and of bands. */
const assetFields: Fields = {
  'lamina:quantization': quantization,
  'lamina:scale_of': { description: 'The key of the asset whose codes the values of this one scale.', ...text },
  'lamina:etag': { description: 'The mark of the object that was read.', type: 'string' },
  'lamina:cloud': { description: 'What codes of a band say about clouds.', type: 'object', required: ['method'] },
};

const only = (fields: string): Fields => ({ $ref: `#/definitions/${fields}` });
const withBands: Fields = { allOf: [only('asset_fields'), { properties: { bands: { type: 'array', items: only('asset_fields') } } }] };

/** The schema; `url` is where it is served, which objects name in `stac_extensions`. */
export function laminaSchema(url: string): Fields {
  // A name that is misspelt is no field of somebody else: the prefix is ours.
  const definition = (properties: Fields) => ({ type: 'object', properties, patternProperties: { '^(?!lamina:)': {} }, additionalProperties: false });
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: url,
    title: 'Lamina extension of STAC',
    description: 'Layers whose pixels are computed when somebody reads them: what they are made of, what a block costs, and whether it is there.',
    type: 'object',
    required: ['type', 'stac_extensions'],
    properties: { stac_extensions: { type: 'array', contains: { pattern: `${LAMINA_EXTENSION_PATH.replaceAll('.', '\\.')}$` } } },
    oneOf: [
      {
        title: 'Item', required: ['properties', 'assets'],
        properties: { type: { const: 'Feature' }, properties: { allOf: [only('item_fields'), { properties: { bands: { type: 'array', items: only('asset_fields') } } }] }, assets: { type: 'object', additionalProperties: withBands } },
      },
      {
        title: 'Collection', allOf: [only('collection_fields')],
        properties: { type: { const: 'Collection' }, bands: { type: 'array', items: only('asset_fields') }, assets: { type: 'object', additionalProperties: withBands }, item_assets: { type: 'object', additionalProperties: withBands } },
      },
      { title: 'Catalog', properties: { type: { const: 'Catalog' } } },
    ],
    definitions: { collection_fields: definition(collectionFields), item_fields: definition(itemFields), asset_fields: definition(assetFields) },
  };
}
