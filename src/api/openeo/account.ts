/** GET /credentials/basic and GET /me. */
import type { Request, Response } from 'express';
import { basicUser } from '../auth/authenticate.ts';
import type { Context } from './endpoint.ts';

export async function authenticateBasic({ authentication, url }: Context, request: Request, response: Response): Promise<void> {
  const userId = await basicUser(request, authentication);
  response.set('Cache-Control', 'no-store').json({ access_token: await authentication.tokens.issue(userId, `${url(request)}/credentials/basic`) });
}

/** Neither budget nor storage is limited; the fields are left out, because not every client takes null. */
export function describeAccount({ userId }: Context, _request: unknown, response: Response): void {
  response.json({ user_id: userId, name: userId, links: [] });
}
