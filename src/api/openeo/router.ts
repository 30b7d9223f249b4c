/** One version of the openEO API: the table of endpoints as routes. */
import { Router } from 'express';
import type { Request, RequestHandler, Response } from 'express';
import { OpenEOError } from '../../errors.ts';
import type { ApiDependencies, Shared } from '../dependencies.ts';
import { bearerIdentity, visitorIdentity } from '../auth/authenticate.ts';
import type { Identity } from '../auth/identity.ts';
import { refuseBrokenPaths } from '../files/files.ts';
import { setCachePolicy } from '../http/cache-policy.ts';
import { jsonBody } from '../http/json-body.ts';
import { asPage, toPage } from '../pages/view.ts';
import type { ApiVersion, Context, Endpoint } from './endpoint.ts';
import { versions } from './endpoint.ts';
import { endpointsOf, unsupported } from './endpoints.ts';

export function openeoRouter(apiVersion: ApiVersion, dependencies: ApiDependencies, shared: Shared): Router {
  const router = Router();
  const endpoints = endpointsOf(dependencies);
  const common = { ...dependencies, ...shared, apiVersion, url: (request: Request) => shared.baseUrl(request) + versions[apiVersion] };
  router.use('/files', refuseBrokenPaths);
  for (const endpoint of endpoints) {
    const before = [...(endpoint.page ? [toPage(endpoint.page, shared.baseUrl)] : []), admit(endpoint, common), ...(endpoint.hasBody ? [jsonBody] : []), ...(endpoint.view ? [asPage(endpoint.view, { baseUrl: shared.baseUrl, trail: trailOf(endpoint.path, apiVersion) })] : [])];
    router[endpoint.method](expressPath(endpoint.path), ...before, (request, response) => endpoint.handle(contextOf(response), request, response));
  }
  router.use((request, response, next) => {
    if (!unsupported.some((pattern) => pattern.test(request.path)) && methodsOf(endpoints, request.path).length === 0) return next();
    const allowed = methodsOf(endpoints, request.path);
    if (allowed.length > 0) response.set('Allow', allowed.join(', '));
    throw new OpenEOError('FeatureUnsupported', {}, { detail: allowed.length > 0 ? `This endpoint has ${allowed.join(', ')} only.` : 'GET / lists what there is.' });
  });
  return router;
}

/** The pages above one of the API: those of collections and processes have a list. */
function trailOf(path: string, version: ApiVersion): { text: string; path: string }[] {
  const [, list = '', ...more] = path.split('/');
  return [
    { text: 'Lamina', path: '/' },
    ...(path === '/' ? [] : [{ text: `openEO ${version}`, path: `${versions[version]}/` }]),
    ...(more.length === 0 ? [] : [{ text: list === 'collections' ? 'Collections' : 'Processes', path: `${versions[version]}/${list}` }]),
  ];
}

type Common = Omit<Context, 'userId' | 'visitor' | 'identity'>;

/** Finds out who asks before a body is read: strangers need not be listened to. */
function admit(endpoint: Endpoint, common: Common): RequestHandler {
  return async (request, response, next) => {
    const identity = await identityFor(endpoint, request, common);
    if (endpoint.method === 'get') setCachePolicy(response, endpoint.access, identity === null);
    response.locals.context = contextFor(common, identity);
    next();
  };
}

async function identityFor({ access }: Endpoint, request: Request, { authentication }: Common): Promise<Identity | null> {
  if (access === 'user') return bearerIdentity(request, authentication);
  return access === 'visitor' ? visitorIdentity(request, authentication) : null;
}

function contextFor(common: Common, identity: Identity | null): Context {
  return {
    ...common,
    identity,
    visitor: identity?.userId ?? null,
    get userId(): string {
      if (identity === null) throw new OpenEOError('AuthenticationRequired', {});
      return identity.userId;
    },
  };
}

function contextOf(response: Response): Context {
  return response.locals.context as Context;
}

/** '/jobs/{job_id}' → '/jobs/:job_id'; ids of collections and paths of files may have slashes. */
function expressPath(path: string): string {
  return path.replace(/\{(collection_id|path)\}/, '*$1').replace(/\{(\w+)\}/g, ':$1');
}

function methodsOf(endpoints: readonly Endpoint[], path: string): string[] {
  return endpoints.filter((endpoint) => matches(endpoint.path, path)).map((endpoint) => endpoint.method.toUpperCase());
}

function matches(template: string, path: string): boolean {
  return new RegExp(`^${template.replace(/\{(collection_id|path)\}/, '.+').replace(/\{\w+\}/g, '[^/]+')}/?$`).test(path);
}
