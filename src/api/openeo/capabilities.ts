/** GET /: what this version of the API can do. */
import type { Request, Response } from 'express';
import { freeBilling } from '../../jobs/billing.ts';
import type { Billing } from '../../jobs/billing.ts';
import { conformanceClasses } from './conformance.ts';
import { openApiType } from './openapi.ts';
import type { Context, Endpoint } from './endpoint.ts';

const description = `Lamina stands beside Earth-observation data and computes **embeddings** of it on demand.

Embedding layers are collections like any other: list, load and process them. The process \`compress_embed\` makes embeddings of any data cube with an AI-compressor.`;

/** @param endpoints the table of what is served; each path is listed once with its methods */
export function describeCapabilities(endpoints: readonly Endpoint[]): Endpoint['handle'] {
  const listed = new Map<string, string[]>();
  for (const { path, method, isListed } of endpoints) {
    if (isListed !== false && path !== '/') listed.set(path, [...listed.get(path) ?? [], method.toUpperCase()]);
  }
  return ({ apiVersion, version, url, baseUrl, billing = freeBilling }: Context, request: Request, response: Response) => {
    const [api, base] = [url(request), baseUrl(request)];
    response.json({
      api_version: apiVersion,
      backend_version: version,
      stac_version: '1.1.0',
      type: 'Catalog',
      id: 'lamina',
      title: 'Lamina',
      description,
      production: false,
      conformsTo: conformanceClasses(apiVersion),
      billing: shownBilling(billing),
      endpoints: [...listed].map(([path, methods]) => ({ path, methods })),
      links: [
        { rel: 'self', href: `${api}/`, type: 'application/json', title: 'This document' },
        { rel: 'root', href: `${api}/`, type: 'application/json', title: 'This document' },
        { rel: 'version-history', href: `${base}/.well-known/openeo`, type: 'application/json', title: 'Supported versions of the openEO API' },
        { rel: 'service-desc', href: `${api}/api`, type: openApiType, title: 'Description of this API (OpenAPI)' },
        { rel: 'service-doc', href: `${api}/api.html`, type: 'text/html', title: 'Documentation of this API' },
        { rel: 'conformance', href: `${api}/conformance`, type: 'application/json', title: 'Conformance classes' },
        { rel: 'data', href: `${api}/collections`, type: 'application/json', title: 'Collections' },
        { rel: 'related', href: `${base}/stac`, type: 'application/json', title: 'The same collections as a STAC API' },
      ],
    });
  };
}

/** Prices and groups are the service's own: what a plan means for people is in its description. */
function shownBilling({ currency, defaultPlan, plans }: Billing): Record<string, unknown> {
  return {
    currency,
    ...(defaultPlan === null ? {} : { default_plan: defaultPlan }),
    plans: plans.map(({ name, description, paid, url }) => ({ name, description, paid, ...(url !== undefined && { url }) })),
  };
}
