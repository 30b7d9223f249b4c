/** How to log in, and GET /me. */
import type { Request, Response } from 'express';
import { basicUser, bearerIdentity } from '../auth/authenticate.ts';
import type { Context } from './endpoint.ts';

export async function authenticateBasic({ authentication, url }: Context, request: Request, response: Response): Promise<void> {
  const userId = await basicUser(request, authentication);
  response.set('Cache-Control', 'no-store').json({ access_token: await authentication.tokens.issue(userId, `${url(request)}/credentials/basic`) });
}

/** The standard's description of the providers; the first is the one that clients take by default. */
export function listOidcProviders({ oidc = [] }: Context, _request: Request, response: Response): void {
  response.json({
    providers: oidc.map(({ id, issuer, title, description, scopes, default_clients: clients }) => ({
      id, issuer, title, ...(description !== undefined && { description }), scopes, ...(clients && { default_clients: clients }),
    })),
  });
}

/** There is no budget; the field is left out, because not every client takes null. */
export async function describeAccount({ authentication, userFiles }: Context, request: Request, response: Response): Promise<void> {
  const { userId, name } = await bearerIdentity(request, authentication);
  const { quotaBytes } = userFiles.limits;
  const free = Math.max(0, quotaBytes - await userFiles.usedBytes(userId));
  response.json({ user_id: userId, name, storage: { free, quota: quotaBytes }, links: [] });
}
