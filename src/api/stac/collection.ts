/** GET /collections/{collection_id} */
import type { RequestHandler } from 'express';
import type { StacCollection } from '../../catalog/types.ts';
import type { StacDependencies } from './dependencies.ts';
import { presentCollection } from './present.ts';
import { notFound, pathParameter, sendJson } from './respond.ts';

export function collection(dependencies: StacDependencies): RequestHandler {
  return async (request, response) => {
    sendJson(response, presentCollection(await findCollection(dependencies, pathParameter(request, 'collectionId')), dependencies));
  };
}

/** Throws StacRequestError (404). */
export async function findCollection({ collections }: StacDependencies, id: string): Promise<StacCollection> {
  const found = await collections.collection(id);
  if (!found) throw notFound('collection', id);
  return found;
}
