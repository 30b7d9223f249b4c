/** GET /credentials/basic and GET /me. */
import type { Request, Response } from 'express';
import { basicUser } from '../auth/authenticate.ts';
import type { Context } from './endpoint.ts';

export async function authenticateBasic({ authentication, url }: Context, request: Request, response: Response): Promise<void> {
  const userId = await basicUser(request, authentication);
  response.set('Cache-Control', 'no-store').json({ access_token: await authentication.tokens.issue(userId, `${url(request)}/credentials/basic`) });
}

/** There is no budget; the field is left out, because not every client takes null. */
export async function describeAccount({ userId, userFiles }: Context, _request: unknown, response: Response): Promise<void> {
  const { quotaBytes } = userFiles.limits;
  const free = Math.max(0, quotaBytes - await userFiles.usedBytes(userId));
  response.json({ user_id: userId, name: userId, storage: { free, quota: quotaBytes }, links: [] });
}
