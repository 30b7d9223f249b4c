/** GET /file_formats. */
import type { Response } from 'express';
import type { Context } from './endpoint.ts';

export function listFileFormats({ formats }: Context, _request: unknown, response: Response): void {
  response.json({ input: formats.input, output: formats.output });
}
