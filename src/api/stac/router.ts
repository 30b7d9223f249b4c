/** The STAC API: its table of contents. Every route is a file beside this one. */
import express, { type Router } from 'express';
import { collection } from './collection.ts';
import { collections } from './collections.ts';
import { conformance } from './conformance.ts';
import type { StacDependencies } from './dependencies.ts';
import { item } from './item.ts';
import { items } from './items.ts';
import { landing } from './landing.ts';
import { queryables } from './queryables.ts';
import { errorHandler, unknownRoute } from './respond.ts';
import { searchByBody, searchByQuery } from './search.ts';
import { serviceDescription, serviceDocumentation } from './service-description.ts';

/** A router to mount where `baseUrl` points. Errors are answered here, in STAC's form. */
export function createStacRouter(dependencies: StacDependencies): Router {
  const router = express.Router();
  router.get('/', landing(dependencies));
  router.get('/conformance', conformance());
  router.get('/api', serviceDescription(dependencies));
  router.get('/api.html', serviceDocumentation(dependencies));
  router.get('/queryables', queryables(dependencies));
  router.get('/collections', collections(dependencies));
  router.get('/collections/:collectionId', collection(dependencies));
  router.get('/collections/:collectionId/queryables', queryables(dependencies));
  router.get('/collections/:collectionId/items', items(dependencies));
  router.get('/collections/:collectionId/items/:itemId', item(dependencies));
  router.get('/search', searchByQuery(dependencies));
  // Some clients send no content type, or that of GeoJSON.
  router.post('/search', express.json({ type: () => true, limit: '1mb', strict: false }), searchByBody(dependencies));
  router.use(unknownRoute);
  router.use(errorHandler(dependencies.log));
  return router;
}
