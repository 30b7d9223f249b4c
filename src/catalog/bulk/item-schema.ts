/**
 * What every STAC 1.1 item must hold, and of what shape the fields are that this service reads: the specification in
 * short. Official schemas say more; who wants them keeps them in a folder (LAMINA_STAC_SCHEMAS).
 */
const text = { type: 'string' } as const;
const filled = { type: 'string', minLength: 1 } as const;
const instant = { type: ['string', 'null'], format: 'date-time' } as const;
const numbers = (...lengths: number[]) => ({ type: 'array', items: { type: 'number' }, anyOf: lengths.map((length) => ({ minItems: length, maxItems: length })) });
const listOf = (items: object) => ({ type: 'array', items });

/** As entries: an object with a member `then` is taken for a promise by some. */
const [IF, THEN] = ['if', 'then'];
const when = (condition: object, demand: object) => Object.fromEntries([[IF, condition], [THEN, demand]]);

const position = { type: 'array', minItems: 2, items: { type: 'number' } };
const line = { ...listOf(position), minItems: 2 };
const ring = { ...listOf(position), minItems: 4 };
const coordinates: Readonly<Record<string, object>> = {
  Point: position, MultiPoint: listOf(position), LineString: line, MultiLineString: listOf(line), Polygon: { ...listOf(ring), minItems: 1 }, MultiPolygon: listOf({ ...listOf(ring), minItems: 1 }),
};

const geometry = {
  type: ['object', 'null'],
  required: ['type'],
  properties: { type: { enum: [...Object.keys(coordinates), 'GeometryCollection'] } },
  allOf: [
    ...Object.entries(coordinates).map(([type, shape]) => when({ required: ['type'], properties: { type: { const: type } } }, { required: ['coordinates'], properties: { coordinates: shape } })),
    when({ required: ['type'], properties: { type: { const: 'GeometryCollection' } } }, { required: ['geometries'], properties: { geometries: listOf({ type: 'object' }) } }),
  ],
};

/** Fields that stand in properties, assets and bands alike. */
const common = {
  gsd: { type: 'number', exclusiveMinimum: 0 },
  'proj:code': { type: ['string', 'null'] },
  'proj:shape': { ...listOf({ type: 'integer', minimum: 0 }), minItems: 2, maxItems: 2 },
  'proj:transform': numbers(6, 9),
  'proj:bbox': numbers(4, 6),
  'raster:scale': { type: 'number' },
  'raster:offset': { type: 'number' },
  data_type: text,
} as const;

const bands = listOf({ type: 'object', properties: { ...common, name: filled, description: text, 'eo:common_name': text, 'eo:center_wavelength': { type: 'number', exclusiveMinimum: 0 } } });

const properties = {
  type: 'object',
  required: ['datetime'],
  properties: {
    ...common,
    bands,
    datetime: instant,
    ...Object.fromEntries(['start_datetime', 'end_datetime', 'created', 'updated'].map((name) => [name, instant])),
    ...Object.fromEntries(['title', 'description', 'license', 'platform', 'constellation', 'mission'].map((name) => [name, text])),
    instruments: listOf(text),
    keywords: listOf(text),
    'processing:level': text,
  },
  ...when({ required: ['datetime'], properties: { datetime: { type: 'null' } } }, { required: ['start_datetime', 'end_datetime'], properties: { start_datetime: { type: 'string' }, end_datetime: { type: 'string' } } }),
};

const asset = {
  type: 'object',
  required: ['href'],
  properties: { ...common, bands, href: filled, title: text, description: text, type: text, roles: listOf(text), 'file:size': { type: 'integer', minimum: 0 }, 'file:checksum': { type: 'string', pattern: '^[a-f0-9]+$' } },
};

export const itemSchema = {
  type: 'object',
  required: ['type', 'stac_version', 'id', 'geometry', 'properties', 'links', 'assets'],
  properties: {
    type: { const: 'Feature' },
    stac_version: { type: 'string', pattern: '^1\\.\\d+\\.\\d+' },
    stac_extensions: { ...listOf(text), uniqueItems: true },
    id: filled,
    collection: { type: ['string', 'null'] },
    geometry,
    bbox: numbers(4, 6),
    properties,
    links: listOf({ type: 'object', required: ['href', 'rel'], properties: { href: filled, rel: filled, type: text, title: text } }),
    assets: { type: 'object', additionalProperties: asset },
  },
  // An item with a place has a box.
  ...when({ required: ['geometry'], properties: { geometry: { type: 'object' } } }, { required: ['bbox'] }),
};
