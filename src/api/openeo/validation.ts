/** POST /validation: everything that is wrong with a process, without running it. Always 200 for a well-formed request. */
import type { Request, Response } from 'express';
import { validate } from '../../graph/parse.ts';
import { errorBody } from '../http/error-response.ts';
import type { Context } from './endpoint.ts';
import { linked } from './linked.ts';

export async function validateProcess(context: Context, request: Request, response: Response): Promise<void> {
  response.json({ errors: validate(request.body, await linked(context, request.body)).map((error) => errorBody(error)) });
}
