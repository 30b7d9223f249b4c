/** How to log in, and GET /me. */
import type { Request, Response } from 'express';
import { OpenEOError } from '../../errors.ts';
import { freeBilling, plansOpenTo } from '../../jobs/billing.ts';
import { basicUser, issueToken } from '../auth/authenticate.ts';
import { queryFlag } from '../http/query.ts';
import type { Context } from './endpoint.ts';

export async function authenticateBasic({ authentication, url }: Context, request: Request, response: Response): Promise<void> {
  const userId = await basicUser(request, authentication);
  response.set('Cache-Control', 'no-store').json({ access_token: await issueToken(userId, `${url(request)}/credentials/basic`, authentication) });
}

/**
 * DELETE /credentials/basic, an addition to the standard: ends the token that is sent, or with `all` every
 * token that the user has from this service.
 */
export async function endSession({ authentication: { sessions }, identity, userId }: Context, request: Request, response: Response): Promise<void> {
  const token = identity?.token;
  if (sessions === undefined || token === undefined) throw new OpenEOError('AuthenticationSchemeInvalid', {}, { detail: 'Tokens of an identity provider are ended by the provider.' });
  await (queryFlag(request, 'all') ? sessions.endAll(userId) : sessions.end(token.id, token.expires));
  response.status(204).end();
}

/** The standard's description of the providers; the first is the one that clients take by default. */
export function listOidcProviders({ oidc = [] }: Context, _request: Request, response: Response): void {
  response.json({
    providers: oidc.map(({ id, issuer, title, description, scopes, default_clients: clients, authorization_parameters: parameters }) => ({
      id, issuer, title, ...(description !== undefined && { description }), scopes, ...(clients && { default_clients: clients }), ...(parameters && { authorization_parameters: parameters }),
    })),
  });
}

/**
 * GET /me. There is no budget of a user; the field is left out, because not every client takes null. The groups
 * are an addition to the standard: users see why they have a plan, or have it not.
 */
export async function describeAccount({ identity, userId, userFiles, billing = freeBilling }: Context, _request: unknown, response: Response): Promise<void> {
  const groups = identity?.groups ?? [];
  const plan = plansOpenTo(billing, groups).find(({ name }) => name.toLowerCase() === billing.defaultPlan?.toLowerCase());
  const { quotaBytes } = userFiles.limits;
  const free = Math.max(0, quotaBytes - await userFiles.usedBytes(userId));
  response.json({
    user_id: userId,
    name: identity?.name ?? userId,
    ...(plan && { default_plan: plan.name }),
    storage: { free, quota: quotaBytes },
    ...(groups.length > 0 && { 'lamina:groups': groups }),
    links: [],
  });
}
