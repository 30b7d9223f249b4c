/** GET /udf_runtimes. */
import type { Response } from 'express';
import { udfRuntimes } from '../../udf/runtimes.ts';

export function listUdfRuntimes(_context: unknown, _request: unknown, response: Response): void {
  response.json(udfRuntimes);
}
