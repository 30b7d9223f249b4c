/** The OpenAPI documents are valid, and describe exactly the routes that there are. */
import { Validator } from '@seriousme/openapi-schema-validator';
import type { Router } from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { versions } from '../../src/api/openeo/endpoint.ts';
import type { ApiVersion } from '../../src/api/openeo/endpoint.ts';
import { endpointsOf } from '../../src/api/openeo/endpoints.ts';
import { openApiDocument, operationOf } from '../../src/api/openeo/openapi.ts';
import { operations } from '../../src/api/openeo/operations.ts';
import { openeoRouter } from '../../src/api/openeo/router.ts';
import type { ApiDependencies, Shared } from '../../src/api/dependencies.ts';
import { startService } from './service.ts';
import type { TestService } from './service.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService({ oidc: [{ id: 'idp', title: 'IdP', issuer: 'https://idp.example.org', scopes: ['openid'], user_claim: 'sub' }] });
});
afterAll(() => service.close());

/** A deployment that has whatever may be there, and one that has as little as possible. */
const everything = { oidc: [{}], sessions: {}, services: {} } as unknown as ApiDependencies;
const nothing = { isBasicOn: false } as unknown as ApiDependencies;

interface Document {
  readonly openapi: string;
  readonly servers: readonly { url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, { operationId: string }>>>>;
}

/** 'get /jobs/:job_id' of every route of a router. */
function routesOf(router: Router): string[] {
  return router.stack.flatMap(({ route }) => (route ? Object.keys((route as unknown as { methods: Record<string, boolean> }).methods).map((method) => `${method} ${String(route.path)}`) : []));
}

describe.each(Object.entries(versions) as [ApiVersion, string][])('openEO %s', (version, path) => {
  const read = async () => (await (await fetch(`${service.url}${path}/api`)).json()) as Document;

  it('has a valid document, to which its capabilities link', async () => {
    const { links } = await (await fetch(`${service.url}${path}/`)).json() as { links: { rel: string; href: string; type: string }[] };
    const { href, type } = links.find(({ rel }) => rel === 'service-desc')!;
    const answer = await fetch(href);
    expect(answer.headers.get('content-type')).toBe(type);
    const result = await new Validator().validate(await answer.json() as Record<string, unknown>);
    expect(result.errors).toBeUndefined();
    expect(result.valid).toBe(true);
    const page = await fetch(links.find(({ rel }) => rel === 'service-doc')!.href);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await page.text()).toContain('<code>GET /collections</code>');
  });

  it('describes what is routed, no more and no less', async () => {
    for (const dependencies of [everything, nothing]) {
      const { paths } = openApiDocument(endpointsOf(dependencies), { url: 'http://x', version: '1', apiVersion: version }) as unknown as Document;
      const described = Object.entries(paths).flatMap(([template, methods]) => Object.keys(methods).map((method) => `${method} ${template.replace(/\{(collection_id|path)\}/, '*$1').replace(/\{(\w+)\}/g, ':$1')}`));
      const router = openeoRouter(version, dependencies, { baseUrl: () => 'http://x' } as unknown as Shared);
      expect(described.toSorted()).toEqual(routesOf(router).toSorted());
      expect(described.length).toBeGreaterThan(25);
    }
    expect((await read()).servers).toEqual([{ url: service.url + path }]);
  });

  it('describes all that the capabilities list', async () => {
    const { endpoints } = await (await fetch(`${service.url}${path}/`)).json() as { endpoints: { path: string; methods: string[] }[] };
    const { paths } = await read();
    for (const endpoint of endpoints) expect(Object.keys(paths[endpoint.path]!)).toEqual(expect.arrayContaining(endpoint.methods.map((method) => method.toLowerCase())));
  });
});

describe('the table of operations', () => {
  it('knows every endpoint, each under an id of its own', () => {
    const endpoints = endpointsOf(everything);
    expect(endpoints.filter(({ method, path }) => !Object.hasOwn(operations, `${method} ${path}`)).map(({ method, path }) => `${method} ${path}`)).toEqual([]);
    const ids = endpoints.map((endpoint) => operationOf(endpoint).id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
