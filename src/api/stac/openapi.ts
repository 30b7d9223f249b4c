/** The OpenAPI 3.0 document of the STAC API: exactly the routes that router.ts serves. */
import { comparisons } from '../../catalog/item-property.ts';
import { groupIntervals } from '../../catalog/item-query.ts';
import { DEFAULT_LIMIT, MAX_LIMIT } from './parse-query.ts';
import { GEOJSON_TYPE, JSON_TYPE, SCHEMA_TYPE } from './respond.ts';

type Json = Readonly<Record<string, unknown>>;

const reference = (kind: string, name: string) => ({ $ref: `#/components/${kind}/${name}` });
const parameters = (...names: string[]) => names.map((name) => reference('parameters', name));
const object = (description: string): Json => ({ type: 'object', description });

const path = (name: string, description: string): Json => ({ name, in: 'path', required: true, description, schema: { type: 'string' } });
const list = (name: string, description: string): Json => ({ name, in: 'query', description, style: 'form', explode: false, schema: { type: 'array', items: { type: 'string' } } });

function answers(type: string, schema: string, ...errors: string[]): Json {
  const failures = errors.map((status) => [status, reference('responses', status === '404' ? 'NotFound' : 'InvalidParameter')]);
  const success = { description: 'The answer', content: { [type]: { schema: reference('schemas', schema) } } };
  return { responses: { 200: success, ...Object.fromEntries(failures), default: reference('responses', 'ServerError') } };
}

/** A Bearer token is needed to change something. */
const userOnly = [{ Bearer: [] }];

/** Of a request that changes something: what is sent, and how it ends. */
function writes(status: number, body: 'Item' | null, ...names: string[]): Json {
  const failures = Object.fromEntries(['400', '401', '403', '404', '409'].map((code) => [code, reference('responses', code === '404' ? 'NotFound' : 'InvalidParameter')]));
  return {
    parameters: parameters(...names),
    ...(body === null ? {} : { requestBody: { required: true, content: { [GEOJSON_TYPE]: { schema: reference('schemas', body) } } } }),
    security: userOnly,
    responses: { [status]: { description: 'It is done' }, ...failures, default: reference('responses', 'ServerError') },
  };
}

const route = (operationId: string, summary: string, rest: Json): Json => ({ operationId, summary, tags: ['STAC'], ...rest });

const layerBody: Json = { requestBody: { required: true, content: { [JSON_TYPE]: { schema: { type: 'object', required: ['id', 'description', 'license', 'lamina:layer'], description: 'A STAC Collection with `lamina:layer`; what can be derived may be left out' } } } } };

/** Answers to who changes something; a Bearer token of the openEO API is needed. */
function changes(status: number, schema?: string): Json {
  const success = { description: 'Done', ...(schema === undefined ? {} : { content: { [JSON_TYPE]: { schema: reference('schemas', schema) } } }) };
  const failures = { 400: 'InvalidParameter', 401: 'Refused', 403: 'Refused', 404: 'NotFound', 409: 'Refused' };
  return { security: userOnly, responses: { [status]: success, ...Object.fromEntries(Object.entries(failures).map(([code, name]) => [code, reference('responses', name)])), default: reference('responses', 'ServerError') } };
}

function aggregationPaths(place: string, id: string, items: string, ...own: string[]): Json {
  const query = ['aggregations', 'datetime_frequency_interval', 'collections', 'ids', 'bbox', 'intersects', 'datetime', 'query', 'filter', 'filter-lang', 'filter-crs'];
  const found = answers(JSON_TYPE, 'Aggregations', '400', ...(own.length > 0 ? ['404'] : []));
  return {
    [`${place}/aggregations`]: { get: route(`get${id}s`, `What can be counted of ${items}`, { ...(own.length > 0 ? { parameters: parameters(...own) } : {}), ...answers(JSON_TYPE, 'Aggregations', ...(own.length > 0 ? ['404'] : [])) }) },
    [`${place}/aggregate`]: {
      get: route(`get${id}`, `Counts of ${items}`, { parameters: parameters(...own, ...query), ...found }),
      post: route(`post${id}`, `Counts of ${items}`, { ...(own.length > 0 ? { parameters: parameters(...own) } : {}), requestBody: { content: { [JSON_TYPE]: { schema: reference('schemas', 'SearchBody') } } }, ...found }),
    },
  };
}

const paths: Json = {
  '/': { get: route('getLandingPage', 'Landing page: the root catalog', answers(JSON_TYPE, 'Catalog')) },
  '/conformance': { get: route('getConformance', 'Conformance classes', answers(JSON_TYPE, 'Conformance')) },
  '/api': { get: route('getServiceDescription', 'This document', { responses: { 200: { description: 'OpenAPI 3.0' } } }) },
  '/api.html': { get: route('getServiceDocumentation', 'This document for people', { responses: { 200: { description: 'HTML' } } }) },
  '/queryables': { get: route('getQueryables', 'Queryable properties of all collections', answers(SCHEMA_TYPE, 'Schema')) },
  '/extensions/lamina/v1.0.0/schema.json': { get: route('getExtension', 'Schema of the fields lamina:*', answers(SCHEMA_TYPE, 'Schema')) },
  '/functions': { get: route('getFunctions', 'Functions that filters may call', answers(JSON_TYPE, 'Functions')) },
  '/sortables': { get: route('getSortables', 'Properties of all collections by which items can be sorted', answers(SCHEMA_TYPE, 'Schema')) },
  '/collections-queryables': { get: route('getQueryablesOfCollections', 'Properties by which collections can be searched for', answers(SCHEMA_TYPE, 'Schema')) },
  '/collections-sortables': { get: route('getSortablesOfCollections', 'Properties by which collections can be sorted', answers(SCHEMA_TYPE, 'Schema')) },
  '/children': { get: route('getChildren', 'The collections that the landing page links to', { parameters: parameters('pageLimit', 'after'), ...answers(JSON_TYPE, 'Children', '400') }) },
  '/collections': {
    get: route('getCollections', 'Collections: all, or those that are searched for', { parameters: parameters('bbox', 'datetime', 'q', 'query', 'filter', 'filter-lang', 'filter-crs', 'sortby', 'fields', 'pageLimit', 'after'), ...answers(JSON_TYPE, 'Collections', '400') }),
    post: route('createCollection', 'Publish a layer', { ...layerBody, ...changes(201, 'Collection') }),
  },
  '/collections/{collectionId}': {
    get: route('getCollection', 'One collection', { parameters: parameters('collectionId'), ...answers(JSON_TYPE, 'Collection', '404') }),
    put: route('replaceCollection', 'Replace a layer; other values make a new version', { parameters: parameters('collectionId'), ...layerBody, ...changes(200, 'Collection') }),
    delete: route('deleteCollection', 'Remove a layer with its older versions', { parameters: parameters('collectionId'), ...changes(204) }),
  },
  '/collections/{collectionId}/queryables': { get: route('getCollectionQueryables', 'Queryable properties of a collection', { parameters: parameters('collectionId'), ...answers(SCHEMA_TYPE, 'Schema', '404') }) },
  '/collections/{collectionId}/sortables': { get: route('getCollectionSortables', 'Properties by which items of a collection can be sorted', { parameters: parameters('collectionId'), ...answers(SCHEMA_TYPE, 'Schema', '404') }) },
  '/collections/{collectionId}/catalog': { get: route('getCollectionCatalog', 'A STAC Catalog with links to the items of a collection', { parameters: parameters('collectionId', 'token'), ...answers(JSON_TYPE, 'Catalog', '400', '404') }) },
  '/collections/{collectionId}/items': {
    get: route('getItems', 'Items of a collection, newest first', { parameters: parameters('collectionId', 'bbox', 'datetime', 'limit', 'token', 'sortby', 'query', 'filter', 'filter-lang', 'filter-crs', 'fields'), ...answers(GEOJSON_TYPE, 'ItemCollection', '400', '404') }),
    post: route('createItems', 'Create an item, or all of an ItemCollection', writes(201, 'Item', 'collectionId')),
  },
  '/collections/{collectionId}/items/{itemId}': {
    get: route('getItem', 'One item', { parameters: parameters('collectionId', 'itemId'), ...answers(GEOJSON_TYPE, 'Item', '404') }),
    put: route('replaceItem', 'Replace an item', writes(204, 'Item', 'collectionId', 'itemId')),
    patch: route('patchItem', 'Change an item by a JSON merge patch', writes(204, 'Item', 'collectionId', 'itemId')),
    delete: route('deleteItem', 'Withdraw an item', writes(204, null, 'collectionId', 'itemId')),
  },
  ...aggregationPaths('', 'Aggregation', 'all items'),
  ...aggregationPaths('/collections/{collectionId}', 'CollectionAggregation', 'the items of a collection', 'collectionId'),
  '/search': {
    get: route('getSearch', 'Items of all collections, newest first', { parameters: parameters('collections', 'ids', 'bbox', 'intersects', 'datetime', 'limit', 'token', 'sortby', 'query', 'filter', 'filter-lang', 'filter-crs', 'fields'), ...answers(GEOJSON_TYPE, 'ItemCollection', '400') }),
    post: route('postSearch', 'Items of all collections, newest first', { requestBody: { required: true, content: { [JSON_TYPE]: { schema: reference('schemas', 'SearchBody') } } }, ...answers(GEOJSON_TYPE, 'ItemCollection', '400') }),
  },
};

const bbox: Json = { type: 'array', items: { type: 'number' }, minItems: 4, maxItems: 6 };
const limit: Json = { type: 'integer', minimum: 1, default: DEFAULT_LIMIT, maximum: MAX_LIMIT, description: `Larger values count as ${MAX_LIMIT}` };
const texts: Readonly<Record<string, string>> = {
  bbox: 'West, south, east, north in degrees, or with heights west, south, lowest, east, north, highest. West may be greater than east: the box crosses the antimeridian.',
  datetime: 'RFC 3339 instant, or an interval \'start/end\' with \'..\' for an open end',
  token: 'Of the link with rel=next',
  filter: 'CQL2: a condition on the properties that /queryables lists, and on others',
  'filter-lang': 'In which form the filter is written',
  query: `Properties and what is asked of them, such as {"eo:cloud_cover": {"lt": 10}}: ${comparisons.join(', ')}`,
};

const components: Json = {
  securitySchemes: { Bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'A token of the openEO API' } },
  parameters: {
    collectionId: path('collectionId', 'Id of a collection'),
    itemId: path('itemId', 'Id of an item'),
    bbox: { name: 'bbox', in: 'query', description: texts['bbox'], style: 'form', explode: false, schema: bbox },
    datetime: { name: 'datetime', in: 'query', description: texts['datetime'], schema: { type: 'string' } },
    limit: { name: 'limit', in: 'query', description: limit['description'], schema: limit },
    token: { name: 'token', in: 'query', description: texts['token'], schema: { type: 'string' } },
    collections: list('collections', 'Ids of collections'),
    ids: list('ids', 'Ids of items'),
    aggregations: { name: 'aggregations', in: 'query', description: 'Names of /aggregations; without them all', style: 'form', explode: false, schema: { type: 'array', items: { type: 'string' } } },
    datetime_frequency_interval: { name: 'datetime_frequency_interval', in: 'query', description: 'Length of the times of datetime_frequency', schema: { type: 'string', enum: groupIntervals, default: 'month' } },
    pageLimit: { name: 'limit', in: 'query', description: 'Entries of a page; without it all come', schema: { type: 'integer', minimum: 1 } },
    after: { name: 'after', in: 'query', description: 'Of the links to other pages', schema: { type: 'string' } },
    q: { name: 'q', in: 'query', description: 'Words of which one must occur in the id, the title, the description or the keywords', style: 'form', explode: false, schema: { type: 'array', items: { type: 'string' } } },
    sortby: { name: 'sortby', in: 'query', description: 'Names of fields; one with \'-\' before it sorts downwards. Items without the field come last', style: 'form', explode: false, schema: { type: 'array', items: { type: 'string' } } },
    query: { name: 'query', in: 'query', description: `JSON: ${texts['query']}`, schema: { type: 'string' } },
    fields: { name: 'fields', in: 'query', description: 'Members of items to send; one with \'-\' before it is left out', style: 'form', explode: false, schema: { type: 'array', items: { type: 'string' } } },
    filter: { name: 'filter', in: 'query', description: texts['filter'], schema: { type: 'string' } },
    'filter-lang': { name: 'filter-lang', in: 'query', description: texts['filter-lang'], schema: { type: 'string', enum: ['cql2-text', 'cql2-json'], default: 'cql2-text' } },
    'filter-crs': { name: 'filter-crs', in: 'query', description: 'Reference system of geometries in the filter', schema: { type: 'string', enum: ['http://www.opengis.net/def/crs/OGC/1.3/CRS84'] } },
    intersects: { name: 'intersects', in: 'query', description: 'GeoJSON geometry; not together with bbox', schema: { type: 'string' } },
  },
  responses: Object.fromEntries([['InvalidParameter', 'A parameter is invalid'], ['NotFound', 'There is nothing of that id'], ['Refused', 'You may not, or what is stored stands against it'], ['ServerError', 'The server failed']].map(
    ([name, description]) => [name, { description, content: { [JSON_TYPE]: { schema: reference('schemas', 'Error') } } }],
  )),
  schemas: {
    Catalog: object('STAC 1.1.0 Catalog with conformsTo'),
    Collection: object('STAC 1.1.0 Collection'),
    Item: object('STAC 1.1.0 Item'),
    Schema: object('JSON Schema'),
    Functions: { type: 'object', required: ['functions'], properties: { functions: { type: 'array', items: { type: 'object' } } } },
    Conformance: { type: 'object', required: ['conformsTo'], properties: { conformsTo: { type: 'array', items: { type: 'string' } } } },
    Collections: { type: 'object', required: ['collections', 'links'], properties: { collections: { type: 'array', items: reference('schemas', 'Collection') }, links: { type: 'array', items: { type: 'object' } } } },
    Aggregations: { type: 'object', required: ['type', 'aggregations'], properties: { type: { type: 'string', enum: ['AggregationCollection'] }, aggregations: { type: 'array', items: { type: 'object' } }, links: { type: 'array', items: { type: 'object' } } } },
    Children: { type: 'object', required: ['children', 'links'], properties: { children: { type: 'array', items: reference('schemas', 'Collection') }, links: { type: 'array', items: { type: 'object' } } } },
    ItemCollection: { type: 'object', required: ['type', 'features', 'links'], properties: {
      type: { type: 'string', enum: ['FeatureCollection'] }, features: { type: 'array', items: reference('schemas', 'Item') }, links: { type: 'array', items: { type: 'object' } }, numberMatched: { type: 'integer' }, numberReturned: { type: 'integer' },
    } },
    SearchBody: { type: 'object', properties: {
      collections: { type: 'array', items: { type: 'string' } }, ids: { type: 'array', items: { type: 'string' } }, bbox: { ...bbox, description: texts['bbox'] },
      intersects: object('GeoJSON geometry; not together with bbox'), datetime: { type: 'string', description: texts['datetime'] }, limit, token: { type: 'string', description: texts['token'] },
      filter: { description: 'CQL2 JSON; or a text, with filter-lang cql2-text' }, 'filter-lang': { type: 'string', enum: ['cql2-text', 'cql2-json'], default: 'cql2-json', description: texts['filter-lang'] }, 'filter-crs': { type: 'string' },
      sortby: { type: 'array', items: { type: 'object', required: ['field', 'direction'], properties: { field: { type: 'string' }, direction: { type: 'string', enum: ['asc', 'desc'] } } } },
      query: object(texts['query']!),
      fields: { type: 'object', properties: { include: { type: 'array', items: { type: 'string' } }, exclude: { type: 'array', items: { type: 'string' } } } },
    } },
    Error: { type: 'object', required: ['id', 'code', 'description', 'message'], properties: { id: { type: 'string' }, code: { type: 'string' }, description: { type: 'string' }, message: { type: 'string' } } },
  },
};

/** `url` is where the API is served. */
export function openApiDocument(url: string, title: string, description: string): Json {
  return { openapi: '3.0.3', info: { title, description, version: '1.0.0', license: { name: 'Apache-2.0' } }, servers: [{ url }], paths, components };
}

/** Method and path of every operation, e.g. ['get', '/search']. */
export function operations(): [method: string, path: string, summary: string][] {
  return Object.entries(paths).flatMap(([route, methods]) => Object.entries(methods as Record<string, { summary: string }>).map(([method, { summary }]): [string, string, string] => [method, route, summary]));
}
