/** GET /collections/{collection_id} */
import type { RequestHandler } from 'express';
import type { StacCollection } from '../../catalog/types.ts';
import type { StacContext } from './dependencies.ts';
import { presentCollection } from './present.ts';
import { notFound, pathParameter, sendJson } from './respond.ts';
import { tagOf } from './state-tag.ts';

export function collection(context: StacContext): RequestHandler {
  return async (request, response) => {
    const found = await findCollection(context, pathParameter(request, 'collectionId'));
    const shown = presentCollection(found, context);
    // What is shown has parts that change by themselves, such as what is cached.
    response.set('ETag', tagOf((await context.publisher?.stored(found.id)) ?? found, shown));
    sendJson(response, shown);
  };
}

/** Throws StacRequestError (404). */
export async function findCollection({ collections, user }: StacContext, id: string): Promise<StacCollection> {
  const found = await collections.collection(id, user);
  if (!found) throw notFound('collection', id);
  return found;
}
