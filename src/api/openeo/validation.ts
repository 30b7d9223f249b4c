/** POST /validation: everything that is wrong with a process, without running it. Always 200 for a well-formed request. */
import type { Request, Response } from 'express';
import { validate } from '../../graph/parse.ts';
import { errorBody } from '../http/error-response.ts';
import type { Context } from './endpoint.ts';

export function validateProcess({ registry }: Context, request: Request, response: Response): void {
  response.json({ errors: validate(request.body, registry).map((error) => errorBody(error)) });
}
