/** GET /conformance. GET / repeats the same list. */
import type { Response } from 'express';
import type { ApiVersion, Context } from './endpoint.ts';

export function conformanceClasses(version: ApiVersion): string[] {
  const own = `https://api.openeo.org/${version}`;
  // Plain JWTs came with 1.3.0; clients prefix their tokens otherwise, which is accepted everywhere.
  return version === '1.2.0' ? [own] : [own, `${own}/authentication/jwt`];
}

export function describeConformance({ apiVersion }: Context, _request: unknown, response: Response): void {
  response.json({ conformsTo: conformanceClasses(apiVersion) });
}
