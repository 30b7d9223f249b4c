/** GET /collections/{collection_id}/queryables: the properties of items that load_collection can filter by. */
import type { Request, Response } from 'express';
import { OpenEOError } from '../../errors.ts';
import type { Context } from './endpoint.ts';
import { pathVariable } from './endpoint.ts';

/** Of bands and assets, not of items. */
const notOfItems = ['bands', 'eo:bands', 'raster:bands', 'gsd'];

/** What the summaries of the collection tell of them; items may have more. */
export async function describeQueryables({ catalog, visitor, url }: Context, request: Request, response: Response): Promise<void> {
  const id = pathVariable(request, 'collection_id');
  const collection = await catalog.collection(id, visitor);
  if (collection === null) throw new OpenEOError('CollectionNotFound', { identifier: id });
  const summaries = Object.entries((collection.summaries ?? {}) as Readonly<Record<string, unknown>>).filter(([name]) => !notOfItems.includes(name));
  response.setHeader('Content-Type', 'application/schema+json');
  response.json({
    $schema: 'https://json-schema.org/draft/2019-09/schema',
    $id: `${url(request)}/collections/${id.split('/').map(encodeURIComponent).join('/')}/queryables`,
    type: 'object',
    title: `Properties of the items of ${collection.title ?? id}`,
    properties: Object.fromEntries(summaries.map(([name, summary]) => [name, { title: name, ...schemaOf(summary) }])),
    additionalProperties: true,
  });
}

/** A summary is a list of all values, a range, or a JSON Schema itself (STAC 1.1.0). */
function schemaOf(summary: unknown): Record<string, unknown> {
  if (Array.isArray(summary)) return { ...typeOf(summary), enum: summary };
  if (typeof summary !== 'object' || summary === null) return {};
  const { minimum, maximum } = summary as { minimum?: unknown; maximum?: unknown };
  const isRange = Object.keys(summary).every((key) => key === 'minimum' || key === 'maximum');
  if (!isRange) return { ...summary };
  return typeof minimum === 'number' && typeof maximum === 'number' ? { type: 'number', minimum, maximum } : { type: 'string' };
}

function typeOf(values: readonly unknown[]): Record<string, string> {
  const types = new Set(values.map((value) => typeof value));
  const [only] = types;
  return types.size === 1 && (only === 'string' || only === 'number' || only === 'boolean') ? { type: only } : {};
}
