/** An endpoint of the openEO API, as one row of the table in endpoints.ts. */
import type { Request, Response } from 'express';
import { OpenEOError } from '../../errors.ts';
import type { Identity } from '../auth/identity.ts';
import type { View } from '../pages/view.ts';
import type { ApiDependencies, Shared } from '../dependencies.ts';

export type ApiVersion = '1.2.0' | '1.3.0';

/** Version → where it is served. */
export const versions: Readonly<Record<ApiVersion, string>> = { '1.2.0': '/openeo/1.2', '1.3.0': '/openeo/1.3' };

/** What a handler is given besides request and response. */
export interface Context extends ApiDependencies, Shared {
  readonly apiVersion: ApiVersion;
  /** URL of this version of the API, without a slash at its end. */
  readonly url: (request: Request) => string;
  /** The authenticated user; throws AuthenticationRequired where the endpoint is open to all and none was given. */
  readonly userId: string;
  /** Who asks where no account is needed; null without one. */
  readonly visitor: string | null;
  /** The same with name and groups. */
  readonly identity: Identity | null;
}

export interface Endpoint {
  readonly method: 'get' | 'post' | 'patch' | 'put' | 'delete';
  /** As in the standard, variables in braces: GET / lists exactly this. */
  readonly path: string;
  /** open: anybody; visitor: anybody, and users see more; user: Bearer token needed; basic: HTTP Basic credentials needed. */
  readonly access: 'open' | 'visitor' | 'user' | 'basic';
  /** True when the request has a JSON object as its body. */
  readonly hasBody?: boolean;
  /** Absent: always. */
  readonly isAvailable?: (dependencies: ApiDependencies) => boolean;
  /** False for what the standard does not know. */
  readonly isListed?: boolean;
  /** Shows the answer in a browser; absent: as JSON. */
  readonly view?: View;
  /** A page beside, for browsers that have no token to ask with: its path from the root of the service. Absent: there is none. */
  readonly page?: (request: Request) => string;
  readonly handle: (context: Context, request: Request, response: Response) => Promise<void> | void;
}

/** A variable of the path. */
export function pathVariable(request: Request, name: string): string {
  const value = request.params[name];
  // Ids of collections may have slashes.
  const text = Array.isArray(value) ? value.join('/').replace(/\/$/, '') : value;
  if (text === undefined || text === '') throw new OpenEOError('NotFound', {});
  return text;
}
