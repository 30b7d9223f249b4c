/** GET /conformance: what this API promises. Only what the tests in test/api/stac check. */
import type { RequestHandler } from 'express';
import { sendJson } from './respond.ts';

export const conformsTo: readonly string[] = [
  'https://api.stacspec.org/v1.0.0/core',
  'https://api.stacspec.org/v1.0.0/collections',
  'https://api.stacspec.org/v1.0.0/ogcapi-features',
  'https://api.stacspec.org/v1.0.0/item-search',
  'https://api.stacspec.org/v1.0.0/collections/extensions/transaction',
  'https://api.stacspec.org/v1.0.0/ogcapi-features/extensions/transaction',
  // The older name too: clients look for it.
  'https://api.stacspec.org/v1.0.0/item-search#sort',
  'https://api.stacspec.org/v1.1.0/item-search#sort',
  'https://api.stacspec.org/v1.1.0/ogcapi-features#sort',
  'https://api.stacspec.org/v1.0.0/item-search#fields',
  'https://api.stacspec.org/v1.0.0/ogcapi-features#fields',
  'https://api.stacspec.org/v1.0.0/item-search#query',
  'https://api.stacspec.org/v1.0.0/ogcapi-features#query',
  'https://api.stacspec.org/v1.0.0-rc.1/collection-search',
  'https://api.stacspec.org/v1.0.0-rc.1/collection-search#free-text',
  'https://api.stacspec.org/v1.0.0-rc.1/collection-search#fields',
  'https://api.stacspec.org/v1.0.0-rc.1/collection-search#filter',
  'https://api.stacspec.org/v1.0.0-rc.1/collection-search#query',
  'https://api.stacspec.org/v1.1.0/collection-search#sort',
  'https://api.stacspec.org/v0.3.0/aggregation',
  'https://api.stacspec.org/v0.3.0/aggregation#query',
  'https://api.stacspec.org/v0.3.0/aggregation#filter',
  'https://api.stacspec.org/v1.0.0-rc.2/children',
  'https://api.stacspec.org/v1.0.0-rc.3/browseable',
  'http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/simple-query',
  'http://www.opengis.net/spec/ogcapi-features-5/1.0/conf/sortables',
  'https://api.stacspec.org/v1.0.0-rc.3/item-search#filter',
  'http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core',
  'http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson',
  'http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30',
  'http://www.opengis.net/spec/ogcapi-features-4/1.0/conf/simpletx',
  'http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/filter',
  'http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/features-filter',
  'http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/queryables',
  // The last two are names of drafts, by which some clients and validators still look.
  ...[
    'basic-cql2', 'cql2-text', 'cql2-json', 'advanced-comparison-operators', 'case-insensitive-comparison', 'accent-insensitive-comparison',
    'basic-spatial-functions', 'basic-spatial-functions-plus', 'spatial-functions', 'temporal-functions', 'array-functions', 'property-property',
    'functions', 'arithmetic', 'basic-spatial-operators', 'temporal-operators',
  ].map((name) => `http://www.opengis.net/spec/cql2/1.0/conf/${name}`),
];

export function conformance(): RequestHandler {
  return (_request, response) => sendJson(response, { conformsTo });
}
