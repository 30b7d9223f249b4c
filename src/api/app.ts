/** The HTTP service: common headers, the openEO API in its versions, assets, what others mount, and errors. */
import express from 'express';
import type { Express, Request } from 'express';
import { OpenEOError } from '../errors.ts';
import { assetsPath } from './assets/links.ts';
import { assetRouter } from './assets/route.ts';
import { LinkSigner } from './assets/sign.ts';
import { LoginGuard } from './auth/login-guard.ts';
import { OidcProvider } from './auth/oidc-provider.ts';
import { deriveKey } from './auth/secret.ts';
import { Tokens } from './auth/tokens.ts';
import type { ApiDependencies, Shared } from './dependencies.ts';
import { baseUrlOf } from './http/base-url.ts';
import { collapseSlashes, cors } from './http/cors.ts';
import { sendDocuments } from './http/documents.ts';
import { answerErrors } from './http/error-response.ts';
import { limitAddresses, RateLimiter } from './http/rate-limit.ts';
import { nameRequests } from './http/request-id.ts';
import { logRequests } from './http/request-log.ts';
import { requireHost } from './http/server.ts';
import { versions } from './openeo/endpoint.ts';
import type { ApiVersion } from './openeo/endpoint.ts';
import { openeoRouter } from './openeo/router.ts';
import { listVersions } from './openeo/well-known.ts';

/** Builds the service; it listens when the caller says so. */
export function createApp(dependencies: ApiDependencies): Express {
  const app = express();
  app.disable('x-powered-by');
  // Documents have ETags of their own.
  app.disable('etag');
  app.set('trust proxy', dependencies.trustedProxies ?? false);
  const shared = share(dependencies);
  app.use(nameRequests, logRequests(dependencies.log), cors, requireHost, collapseSlashes, sendDocuments);
  app.get('/health', (_request, response) => response.set('Cache-Control', 'no-store').json({ status: 'ok' }));
  app.use(limitAddresses(new RateLimiter(dependencies.rateLimits?.ofAddress ?? 0)));
  app.get(['/.well-known/openeo', '/openeo/.well-known/openeo'], listVersions(shared.baseUrl));
  for (const [version, path] of Object.entries(versions)) app.use(path, openeoRouter(version as ApiVersion, dependencies, shared));
  app.use('/openeo', refuseVersion);
  app.use(assetsPath, assetRouter(dependencies, shared));
  for (const { path, handler } of dependencies.mounts ?? []) app.use(path, handler(shared));
  app.use((request: Request) => {
    throw new OpenEOError('NotFound', {}, { detail: `There is nothing at ${request.path}.` });
  });
  app.use(answerErrors(dependencies.log));
  return app;
}

function share({ publicUrl, secret, users, sessions, rateLimits, tokenHours, linkHours, oidc = [], isBasicOn = true, log }: ApiDependencies): Shared {
  return {
    baseUrl: baseUrlOf(publicUrl),
    signer: new LinkSigner(deriveKey(secret, 'links'), linkHours),
    authentication: {
      users,
      tokens: new Tokens(deriveKey(secret, 'tokens'), tokenHours),
      ...(sessions && { sessions }),
      ...(rateLimits && { limiter: new RateLimiter(rateLimits.ofUser) }),
      guard: new LoginGuard(),
      providers: oidc.map((settings) => new OidcProvider(settings, log)),
      isBasicOn,
    },
  };
}

/** A path below /openeo that no version answered: the version is wrong, or what comes behind it. */
function refuseVersion(request: Request): never {
  const [, version = ''] = request.path.split('/');
  const known = Object.values(versions).map((path) => path.split('/').pop()!);
  if (known.includes(version)) throw new OpenEOError('NotFound', {}, { detail: `There is nothing at ${request.baseUrl}${request.path}.` });
  throw new OpenEOError('UnsupportedApiVersion', { version }, { detail: `There are ${known.join(' and ')}.` });
}
