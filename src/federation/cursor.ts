/**
 * Tokens for pages of another catalog: how its link `next` differs from the first request, and how many items
 * of that page have been given already. A token holds no URL, so whoever makes one up reaches nothing else.
 */
import { createHash } from 'node:crypto';
import { ItemTokenError } from '../catalog/item-query.ts';
import { canonical } from '../catalog/item-match.ts';
import { queryString, type Parameters } from './translate.ts';

type Fields = Readonly<Record<string, unknown>>;

/** A page of the catalog; null: the first one. */
export type PageLink = {
  /** What is sent besides, or instead, of the parameters of the first page. */
  readonly add: Parameters;
  /** Path of the page below the catalog, where it is not that of the search. */
  readonly path?: string;
} | null;

export interface Cursor {
  readonly link: PageLink;
  /** Items of the page that were given before. */
  readonly skip: number;
  /** Pages turned so far. */
  readonly page: number;
  /** Digest of an earlier page: whoever meets it again walks in a circle. */
  readonly mark: string;
}

export const firstPage: Cursor = { link: null, skip: 0, page: 0, mark: '' };

const LONGEST_TOKEN = 16_384;

export function encodeCursor(collection: string, { link, skip, page, mark }: Cursor): string {
  return Buffer.from(JSON.stringify([collection, link, skip, page, mark])).toString('base64url');
}

/** Throws ItemTokenError for a token that is none of this collection. */
export function decodeCursor(collection: string, token: string): Cursor {
  try {
    if (token.length > LONGEST_TOKEN) throw new ItemTokenError();
    const [owner, link, skip, page, mark] = JSON.parse(Buffer.from(token, 'base64url').toString()) as unknown[];
    const isRight = owner === collection && isLink(link) && isCount(skip) && isCount(page) && typeof mark === 'string';
    if (isRight) return { link, skip, page, mark };
  } catch {
    // Not JSON, or no array: refused below like any other strange token.
  }
  throw new ItemTokenError();
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

function isLink(value: unknown): value is PageLink {
  if (value === null) return true;
  if (!isObject(value) || !isObject(value['add'])) return false;
  const { path } = value;
  return path === undefined || (typeof path === 'string' && isBelow(path));
}

/** A path that can't leave the catalog. */
const isBelow = (path: string) => path.startsWith('/') && !path.startsWith('//') && !/(^|\/)\.\.(\/|$)|[?#\\\s]/.test(path) && !/%2e|%2f|%5c/i.test(path);

/** What the answers of a page say of the next one; null when there is none. */
export function nextLink(fields: Fields, sent: { readonly catalog: string; readonly searchUrl: string; readonly parameters: Parameters; readonly method: 'GET' | 'POST' }, base: string): PageLink {
  const links = Array.isArray(fields['links']) ? (fields['links'] as unknown[]).filter(isObject) : [];
  const link = links.find((each) => each['rel'] === 'next' && typeof each['href'] === 'string');
  if (!link) return null;
  const { method } = link;
  if (typeof method === 'string' && method.toUpperCase() === 'POST') return isObject(link['body']) ? { add: changes(link['body'], sent.parameters) } : null;
  return fromUrl(link['href'] as string, sent, base);
}

/** Only the query of the URL counts, and its path where it is below the catalog: hosts of proxies are often wrong. */
function fromUrl(href: string, { catalog, searchUrl, parameters }: { readonly catalog: string; readonly searchUrl: string; readonly parameters: Parameters }, base: string): PageLink {
  if (!URL.canParse(href, base)) return null;
  const url = new URL(href, base);
  const add = changes(Object.fromEntries(url.searchParams), Object.fromEntries(queryString(parameters)));
  const root = new URL(catalog).pathname.replace(/\/$/, '');
  const path = url.pathname.startsWith(`${root}/`) ? url.pathname.slice(root.length) : undefined;
  const own = new URL(searchUrl).pathname.slice(root.length);
  return { add, ...(path === undefined || path === own || !isBelow(path) ? {} : { path }) };
}

function changes(body: Fields, parameters: Parameters): Parameters {
  return Object.fromEntries(Object.entries(body).filter(([name, value]) => canonical(value) !== canonical(parameters[name])));
}

/** The digest of a page by the ids of its items. */
export function pageDigest(ids: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(ids)).digest('base64url').slice(0, 12);
}

/**
 * The mark after one more page, or null when the catalog walks in a circle: marks are set ever more seldom
 * (at pages 1, 2, 4, 8, …), so that a circle of any length is met in the end (Brent, 1980).
 */
export function nextMark({ page, mark }: Cursor, digest: string): string | null {
  if (digest === mark) return null;
  const turned = page + 1;
  return (turned & (turned - 1)) === 0 ? digest : mark;
}
