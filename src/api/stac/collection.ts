/** GET /collections/{collection_id} */
import type { RequestHandler } from 'express';
import type { StacCollection } from '../../catalog/types.ts';
import type { StacContext } from './dependencies.ts';
import { presentCollection } from './present.ts';
import { notFound, pathParameter, sendJson } from './respond.ts';

export function collection(context: StacContext): RequestHandler {
  return async (request, response) => {
    sendJson(response, presentCollection(await findCollection(context, pathParameter(request, 'collectionId')), context));
  };
}

/** Throws StacRequestError (404). */
export async function findCollection({ collections, user }: StacContext, id: string): Promise<StacCollection> {
  const found = await collections.collection(id, user);
  if (!found) throw notFound('collection', id);
  return found;
}
