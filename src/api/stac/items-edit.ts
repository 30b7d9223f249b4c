/** POST /collections/{collection_id}/items; PUT, PATCH and DELETE of one item: items of raw collections come and go. */
import type { RequestHandler, Response } from 'express';
import { unsigned } from '../../catalog/ingest/check-item.ts';
import { INCOMPLETE } from '../../catalog/ingest/complete-item.ts';
import type { ItemEditor } from '../../catalog/ingest/edit-items.ts';
import type { StacItem } from '../../catalog/types.ts';
import { OpenEOError } from '../../errors.ts';
import type { StacContext } from './dependencies.ts';
import { collectionUrl, presentItem } from './present.ts';
import { GEOJSON_TYPE, pathParameter, sendJson } from './respond.ts';
import { conditionOf } from './state-tag.ts';

export function createItems(context: StacContext): RequestHandler {
  return async (request, response) => {
    const collection = pathParameter(request, 'collectionId');
    const editor = editorFor(context, response);
    const items = await editor.create(collection, request.body, context.user);
    const shown = items.map((item) => presentItem(item, context));
    const isOne = (request.body as { type?: unknown }).type !== 'FeatureCollection';
    const parent = `${collectionUrl(context, collection)}/items`;
    warnOfIncomplete(response, items);
    response.status(201).set('Location', isOne ? `${parent}/${encodeURIComponent(items[0]!.id)}` : parent);
    sendJson(response, isOne ? shown[0] : { type: 'FeatureCollection', features: shown, links: [] }, GEOJSON_TYPE);
  };
}

export function replaceItem(context: StacContext): RequestHandler {
  return async (request, response) => {
    const item = await editorFor(context, response).replace(pathParameter(request, 'collectionId'), pathParameter(request, 'itemId'), request.body, context.user, shownHrefs(context), conditionOf(request));
    warnOfIncomplete(response, [item]);
    response.status(204).end();
  };
}

export function patchItem(context: StacContext): RequestHandler {
  return async (request, response) => {
    const item = await editorFor(context, response).patch(pathParameter(request, 'collectionId'), pathParameter(request, 'itemId'), request.body, context.user, shownHrefs(context), conditionOf(request));
    warnOfIncomplete(response, [item]);
    response.status(204).end();
  };
}

export function deleteItem(context: StacContext): RequestHandler {
  return async (request, response) => {
    await editorFor(context, response).delete(pathParameter(request, 'collectionId'), pathParameter(request, 'itemId'), context.user, conditionOf(request));
    response.status(204).end();
  };
}

/** What was taken, and can't be loaded yet: said at once, and in the item itself. */
function warnOfIncomplete(response: Response, items: readonly StacItem[]): void {
  const found = items.find((item) => INCOMPLETE in item.properties);
  if (found) response.set('Warning', `199 - "The file of asset '${String((found.properties[INCOMPLETE] as string[])[0]).replaceAll(/[^ -~]|["\\\\]/g, '?')}' could not be reached: its pixels can not be loaded until it is"`);
}

function editorFor({ editor, user }: StacContext, response: Response): ItemEditor {
  if (!editor) throw new OpenEOError('FeatureUnsupported', {}, { detail: 'This catalog can only be read.' });
  if (user === null) response.set('WWW-Authenticate', 'Bearer realm="Lamina"');
  return editor;
}

/** A client that sends back an item as it got it names the files of this service by signed links. */
function shownHrefs(context: StacContext): (stored: StacItem) => Map<string, string> {
  return (stored) => {
    const shown = presentItem(stored, context).assets;
    return new Map(Object.entries(stored.assets).map(([key, { href }]) => [unsigned(shown[key]!.href), href]));
  };
}
