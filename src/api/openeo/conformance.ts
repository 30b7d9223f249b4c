/** GET /conformance. GET / repeats the same list. */
import type { Response } from 'express';
import type { ApiVersion, Context } from './endpoint.ts';

export function conformanceClasses(version: ApiVersion): string[] {
  const own = `https://api.openeo.org/${version}`;
  // Plain JWTs came with 1.3.0; clients prefix their tokens otherwise, which is accepted everywhere.
  return [
    ...(version === '1.2.0' ? [own] : [own, `${own}/authentication/jwt`]),
    'https://api.openeo.org/extensions/remote-process-definition/0.1.0',
    'https://api.openeo.org/extensions/processing-parameters/0.1.0',
    // Clients of STAC can read the collections here, too; items are at the STAC API.
    'https://api.stacspec.org/v1.0.0/core',
    'https://api.stacspec.org/v1.0.0/collections',
  ];
}

export function describeConformance({ apiVersion }: Context, _request: unknown, response: Response): void {
  response.json({ conformsTo: conformanceClasses(apiVersion) });
}
