/**
 * What openEO's schema subtypes demand of a JSON value (processes 2.0.0-rc.2, meta/subtype-schemas.json,
 * reduced to what can be checked without knowing the service). Subtypes that are missing here, such as
 * band-name or output-format, are plain strings or objects whose content the process itself checks.
 */
const instant = { anyOf: [{ type: 'string', format: 'date-time' }, { type: 'string', format: 'date' }] };
const time = { type: 'string', pattern: '^([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d$' };
const year = { type: 'string', pattern: '^\\d{4}$' };
const interval = { type: 'array', minItems: 2, maxItems: 2, items: { anyOf: [...instant.anyOf, time, year, { type: 'null' }] } };

export const subtypeSchemas: Readonly<Record<string, object>> = {
  'bounding-box': {
    type: 'object',
    required: ['west', 'south', 'east', 'north'],
    properties: {
      west: { type: 'number' }, south: { type: 'number' }, east: { type: 'number' }, north: { type: 'number' },
      base: { type: ['number', 'null'] }, height: { type: ['number', 'null'] },
      crs: { type: ['integer', 'string', 'null'] },
    },
  },
  'collection-id': { type: 'string', pattern: '^[\\w\\-\\.~/]+$' },
  date: { type: 'string', format: 'date' },
  'date-time': { type: 'string', format: 'date-time' },
  'epsg-code': { type: 'integer', minimum: 1000 },
  geojson: {
    type: 'object',
    required: ['type'],
    properties: {
      type: { enum: ['Point', 'MultiPoint', 'LineString', 'MultiLineString', 'Polygon', 'MultiPolygon', 'GeometryCollection', 'Feature', 'FeatureCollection'] },
    },
  },
  kernel: { type: 'array', items: { type: 'array', items: { type: 'number' } } },
  'temporal-interval': interval,
  'temporal-intervals': { type: 'array', minItems: 1, items: interval },
  time,
  uri: { type: 'string', format: 'uri' },
  // Texts in temporal intervals, numbers in climatologies.
  year: { anyOf: [year, { type: 'integer' }] },
};

/** How a subtype is called in messages. */
export const subtypeNames: Readonly<Record<string, string>> = {
  'bounding-box': 'a bounding box with west, south, east and north',
  'collection-id': 'a collection id',
  datacube: 'a data cube',
  'raster-cube': 'a raster data cube',
  'vector-cube': 'a vector data cube',
  date: 'a date (YYYY-MM-DD)',
  'date-time': 'a date with time (RFC 3339)',
  'epsg-code': 'an EPSG code',
  geojson: 'GeoJSON',
  kernel: 'a kernel (array of arrays of numbers)',
  'labeled-array': 'a labeled array',
  'metadata-filter': 'a set of conditions on metadata properties',
  'process-graph': 'a process graph ({"process_graph": {…}})',
  'temporal-interval': 'a temporal interval ([start, end])',
  'temporal-intervals': 'a list of temporal intervals',
  time: 'a time (HH:MM:SS)',
  uri: 'a URI',
  year: 'a year (YYYY)',
};
