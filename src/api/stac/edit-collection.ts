/** POST /collections, PUT and DELETE /collections/{collection_id}: layers are published, replaced, removed. */
import type { RequestHandler, Response } from 'express';
import { OpenEOError } from '../../errors.ts';
import type { LayerPublisher, PublishedLayer } from '../../layers/publish-layer.ts';
import type { StacContext } from './dependencies.ts';
import { collectionUrl, presentCollection } from './present.ts';
import { pathParameter, sendJson } from './respond.ts';
import { conditionOf } from './state-tag.ts';

export function createCollection(context: StacContext): RequestHandler {
  return async (request, response) => {
    const [publisher, user] = author(context, response);
    const published = await publisher.create(request.body, user);
    await answer(context, response, published, 201);
  };
}

export function replaceCollection(context: StacContext): RequestHandler {
  return async (request, response) => {
    const [publisher, user] = author(context, response);
    await answer(context, response, await publisher.replace(pathParameter(request, 'collectionId'), request.body, user, conditionOf(request)), 200);
  };
}

export function deleteCollection(context: StacContext): RequestHandler {
  return async (request, response) => {
    const [publisher, user] = author(context, response);
    await publisher.delete(pathParameter(request, 'collectionId'), user, conditionOf(request));
    response.status(204).end();
  };
}

/** Who publishes, and with what. Throws AuthenticationRequired for visitors. */
function author({ publisher, user }: StacContext, response: Response): [LayerPublisher, string] {
  if (!publisher) throw new OpenEOError('FeatureUnsupported', {}, { detail: 'This catalog can only be read.' });
  if (user === null) {
    response.set('WWW-Authenticate', 'Bearer realm="Lamina"');
    throw new OpenEOError('AuthenticationRequired', {});
  }
  return [publisher, user];
}

/** The collection as GET would show it; `resolved` tells to which files the names of operators led. */
async function answer(context: StacContext, response: Response, { collection, resolved, change }: PublishedLayer, status: number): Promise<void> {
  const shown = (await context.collections.collection(collection.id, context.user)) ?? collection;
  response.status(status).set('Location', collectionUrl(context, collection.id));
  sendJson(response, { ...presentCollection(shown, context), 'lamina:published': { change, operators: Object.fromEntries(resolved) } });
}
