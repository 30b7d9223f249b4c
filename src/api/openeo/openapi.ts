/** The OpenAPI 3.0 document of one version: made from the table of endpoints that the routes are made from. */
import type { Endpoint } from './endpoint.ts';
import { operations, type Operation, type QueryName } from './operations.ts';

type Json = Readonly<Record<string, unknown>>;

export const openApiType = 'application/vnd.oai.openapi+json;version=3.0';

const text: Json = { type: 'string' };

const query: Readonly<Record<QueryName, Json>> = {
  limit: { description: 'How many entries a page has; without it all are sent', schema: { type: 'integer', minimum: 1 } },
  after: { description: 'Of the links to other pages', schema: text },
  offset: { description: 'Id of the last entry that was received', schema: text },
  level: { description: 'The lowest level of entries', schema: { type: 'string', enum: ['error', 'warning', 'info', 'debug'] } },
  partial: { description: 'Results that are there before the job has ended', schema: { type: 'boolean' } },
  all: { description: 'Every token of the user', schema: { type: 'boolean' } },
  f: { description: 'A page for browsers, or JSON, whatever the Accept header says', schema: { type: 'string', enum: ['html', 'json'] } },
};

const security: Readonly<Record<Endpoint['access'], readonly Json[]>> = { open: [], visitor: [{}, { Bearer: [] }], user: [{ Bearer: [] }], basic: [{ Basic: [] }] };

/** @param url where the version is served, without a slash at its end */
export function openApiDocument(endpoints: readonly Endpoint[], { url, version, apiVersion }: { url: string; version: string; apiVersion: string }): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const endpoint of endpoints) (paths[endpoint.path] ??= {})[endpoint.method] = described(endpoint);
  return {
    openapi: '3.0.3',
    info: { title: `Lamina: openEO API ${apiVersion}`, description: 'The operations that this service has, and nothing else. The openEO API describes their data in full: https://api.openeo.org', version, license: { name: 'Apache-2.0' } },
    servers: [{ url }],
    tags: [...new Set(endpoints.map((endpoint) => operationOf(endpoint).tag))].map((name) => ({ name })),
    paths,
    components,
  };
}

/** What is known of an endpoint. Each has an entry in operations.ts, as a test demands. */
export function operationOf({ method, path }: Endpoint): Operation {
  return operations[`${method} ${path}`] ?? { id: `${method}${path.replace(/\W+/g, '-')}`, summary: `${method.toUpperCase()} ${path}`, tag: 'Other' };
}

function described(endpoint: Endpoint): Json {
  const operation = operationOf(endpoint);
  const { id, summary, tag } = operation;
  const parameters = [
    ...[...endpoint.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: text })),
    ...(operation.query ?? []).map((name) => ({ name, in: 'query', ...query[name] })),
  ];
  return {
    operationId: id, summary, tags: [tag],
    ...(parameters.length > 0 && { parameters }),
    ...bodyOf(endpoint, operation),
    security: security[endpoint.access],
    responses: { [String(operation.status ?? 200)]: answerOf(operation), '4XX': { $ref: '#/components/responses/Error' }, '5XX': { $ref: '#/components/responses/Error' } },
  };
}

function bodyOf({ method, hasBody }: Endpoint, { body = [] }: Operation): Json {
  if (hasBody) return { requestBody: { required: true, content: { 'application/json': { schema: objectWith(body) } } } };
  return method === 'put' ? { requestBody: { required: true, content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } } } } : {};
}

function answerOf({ summary, answer, mediaType = answer && 'application/json' }: Operation): Json {
  if (mediaType === undefined) return { description: 'It is done' };
  const schema = answer ? objectWith(answer) : mediaType === '*/*' ? { type: 'string', format: 'binary' } : text;
  return { description: summary, content: { [mediaType]: { schema } } };
}

function objectWith(names: readonly string[]): Json {
  return names.length === 0 ? { type: 'object' } : { type: 'object', required: names, properties: Object.fromEntries(names.map((name) => [name, {}])) };
}

const components: Json = {
  securitySchemes: {
    Bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'The token of GET /credentials/basic, or of an identity provider of GET /credentials/oidc; with or without the prefix of API 1.2' },
    Basic: { type: 'http', scheme: 'basic' },
  },
  responses: { Error: { description: 'What went wrong', content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } } },
  schemas: {
    Error: {
      type: 'object', required: ['code', 'message'], properties: {
        id: { type: 'string', description: 'That of the request, as in X-Request-Id and in the log of the service' },
        code: { type: 'string', description: 'One of the codes of the standard, or of this service' }, message: text, links: { type: 'array', items: { type: 'object' } },
      },
    },
  },
};
