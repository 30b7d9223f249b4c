/**
 * GET /queryables, /sortables and the same of a collection: properties that searches know, as JSON Schema. What
 * they are is found in the items. Others are no error: an item that comes tomorrow may have them.
 */
import type { RequestHandler, Response } from 'express';
import type { ItemField } from '../../catalog/item-query.ts';
import { collectionProperties } from './collection-fields.ts';
import { findCollection } from './collection.ts';
import type { StacContext } from './dependencies.ts';
import { collectionUrl } from './present.ts';
import { pathParameter, SCHEMA_TYPE, sendJson } from './respond.ts';

type Schema = Readonly<Record<string, unknown>>;

const ofItems: Readonly<Record<string, Schema>> = {
  id: { title: 'Item id', type: 'string' },
  collection: { title: 'Collection id', type: 'string' },
  geometry: { title: 'Footprint', description: 'GeoJSON geometry in longitude and latitude (WGS 84)', $ref: 'https://geojson.org/schema/Geometry.json' },
  datetime: { title: 'Acquisition time', description: 'Of an item that covers a time its beginning', type: 'string', format: 'date-time' },
};

/** Properties that are times by the standard. */
const times = ['datetime', 'start_datetime', 'end_datetime', 'created', 'updated', 'published', 'expires'];

export function queryables(context: StacContext): RequestHandler {
  return documentOf(context, 'queryables', (fields) => ({ ...ofItems, ...fromFields(fields, () => true) }));
}

/** Lists and objects have no order; a geometry has none either. */
export function sortables(context: StacContext): RequestHandler {
  const { geometry: _, ...rest } = ofItems;
  return documentOf(context, 'sortables', (fields) => ({ ...rest, ...fromFields(fields, ({ types }) => types.some((type) => type !== 'array' && type !== 'object')) }));
}

/** GET /collections-queryables: properties of the collections that a visitor sees. */
export function collectionQueryables(context: StacContext): RequestHandler {
  return collectionDocument(context, 'queryables', () => true);
}

/** GET /collections-sortables. */
export function collectionSortables(context: StacContext): RequestHandler {
  return collectionDocument(context, 'sortables', ({ type }) => type !== undefined && type !== 'array' && type !== 'object');
}

function collectionDocument(context: StacContext, kind: 'queryables' | 'sortables', isWanted: (schema: Schema) => boolean): RequestHandler {
  return async (_request, response) => {
    const properties = collectionProperties(await context.collections.collections(context.user));
    const wanted = Object.fromEntries(Object.entries(properties).filter(([, schema]) => isWanted(schema)));
    sendSchema(response, `${context.baseUrl}/collections-${kind}`, kind === 'queryables' ? 'Queryables of collections' : 'Sortables of collections', wanted);
  };
}

function documentOf(context: StacContext, kind: 'queryables' | 'sortables', properties: (fields: readonly ItemField[]) => Readonly<Record<string, Schema>>): RequestHandler {
  return async (request, response) => {
    const id = pathParameter(request, 'collectionId');
    const subject = id === '' ? null : await findCollection(context, id);
    const fields = (await context.items.fields?.({ user: context.user, ...(subject ? { collections: [subject.id] } : {}) })) ?? [];
    const title = kind === 'queryables' ? 'Queryables' : 'Sortables';
    sendSchema(response, `${subject ? collectionUrl(context, subject.id) : context.baseUrl}/${kind}`, subject ? `${title} of ${subject.title ?? subject.id}` : `${title} of all collections`, properties(fields));
  };
}

function sendSchema(response: Response, id: string, title: string, properties: Readonly<Record<string, Schema>>): void {
  sendJson(response, { $schema: 'https://json-schema.org/draft/2019-09/schema', $id: id, type: 'object', title, properties, additionalProperties: true }, SCHEMA_TYPE);
}

function fromFields(fields: readonly ItemField[], isWanted: (field: ItemField) => boolean): Record<string, Schema> {
  return Object.fromEntries(fields.filter((field) => !Object.hasOwn(ofItems, field.name) && isWanted(field)).map((field) => [field.name, schemaOf(field)]));
}

function schemaOf({ name, types, range, values }: ItemField): Schema {
  const type = types.length === 1 ? types[0]! : types;
  if (times.includes(name)) return { title: name, type, format: 'date-time' };
  return { title: name, type, ...(range ? { minimum: range[0], maximum: range[1] } : {}), ...(values ? { enum: values } : {}) };
}
