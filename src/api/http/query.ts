/** Query parameters, checked. */
import type { Request } from 'express';
import { invalidArgument } from '../../errors.ts';

/** The value of a parameter; undefined when it is absent or empty. A repeated one is refused. */
export function queryText(request: Request, name: string): string | undefined {
  const value = request.query[name];
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string') throw invalidArgument(endpointOf(request), name, 'it is given more than once.');
  return value;
}

/** A whole number of at least 1; undefined when it is absent. */
export function queryLimit(request: Request, name = 'limit'): number | undefined {
  const text = queryText(request, name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > Number.MAX_SAFE_INTEGER) throw invalidArgument(endpointOf(request), name, `it must be a whole number of at least 1, not '${text.slice(0, 40)}'.`);
  return value;
}

/** One of some words; undefined when it is absent. */
export function queryChoice<T extends string>(request: Request, name: string, choices: readonly T[]): T | undefined {
  const text = queryText(request, name);
  if (text === undefined) return undefined;
  const found = choices.find((choice) => choice === text.toLowerCase());
  if (found === undefined) throw invalidArgument(endpointOf(request), name, `it must be one of ${choices.join(', ')}, not '${text.slice(0, 40)}'.`);
  return found;
}

/** True for 'true', and for a parameter without a value. */
export function queryFlag(request: Request, name: string): boolean {
  if (request.query[name] === '') return true;
  return queryChoice(request, name, ['true', 'false']) === 'true';
}

/** '?a=1&b=2' for links. */
export function queryString(values: Readonly<Record<string, string | number>>): string {
  return `?${Object.entries(values).map((pair) => pair.map(encodeURIComponent).join('=')).join('&')}`;
}

function endpointOf(request: Request): string {
  return `${request.method} ${request.path}`;
}
