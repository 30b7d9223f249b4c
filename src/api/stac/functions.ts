/** GET /functions: the functions that filters may call besides the operators of CQL2. */
import type { RequestHandler } from 'express';
import { functions } from '../../catalog/cql2/operations.ts';
import { sendJson } from './respond.ts';

export function functionList(): RequestHandler {
  const list = Object.entries(functions).map(([name, { takes, gives, description }]) => ({ name, description, arguments: takes.map((type) => ({ type: [type] })), returns: [gives] }));
  return (_request, response) => sendJson(response, { functions: list });
}
