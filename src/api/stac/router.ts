/** The STAC API: its table of contents. Every route is a file beside this one. */
import express, { type RequestHandler, type Router } from 'express';
import { aggregateByBody, aggregateByQuery, aggregationList } from './aggregate.ts';
import { browse } from './browse.ts';
import { children } from './children.ts';
import { collection } from './collection.ts';
import { collections } from './collections.ts';
import { createCollection, deleteCollection, replaceCollection } from './edit-collection.ts';
import { conformance } from './conformance.ts';
import type { StacContext, StacDependencies } from './dependencies.ts';
import { withPersonal } from './personal.ts';
import { item } from './item.ts';
import { items } from './items.ts';
import { isDeeperThan, MAX_JSON_DEPTH } from '../../graph/json-depth.ts';
import { LAMINA_EXTENSION_PATH } from '../../layers/lamina-extension.ts';
import { setCachePolicy } from '../http/cache-policy.ts';
import { requireUtf8 } from '../http/json-body.ts';
import { capabilitiesPage } from '../pages/capabilities-page.ts';
import { collectionPage, collectionsPage } from '../pages/collection-pages.ts';
import { itemPage, itemsPage } from '../pages/item-pages.ts';
import { asPage, type View } from '../pages/view.ts';
import { createItems, deleteItem, patchItem, replaceItem } from './items-edit.ts';
import { extensionSchema } from './extension.ts';
import { functionList } from './functions.ts';
import { landing } from './landing.ts';
import { serviceUrl } from './present.ts';
import { collectionQueryables, collectionSortables, queryables, sortables } from './queryables.ts';
import { answerInOldVersion, errorHandler, invalidParameter, OLD_VERSION, StacRequestError } from './respond.ts';
import { unknownRoute } from './unknown-route.ts';
import { searchByBody, searchByQuery } from './search.ts';
import { serviceDescription, serviceDocumentation } from './service-description.ts';

/** A router to mount where `baseUrl` points. Errors are answered here, in STAC's form. */
export function createStacRouter(dependencies: StacDependencies): Router {
  const router = express.Router();
  const { baseUrl } = dependencies;
  // Older clients: the same below another path, so that every link that they follow leads to what they understand.
  const old = `/${OLD_VERSION}`;
  router.use(old, (_request, response, next) => {
    answerInOldVersion(response);
    next();
  }, createVersionRouter({ ...dependencies, baseUrl: typeof baseUrl === 'string' ? baseUrl + old : (request) => baseUrl(request) + old }));
  router.use(createVersionRouter(dependencies));
  return router;
}

/** `?stac_version=1.0.0` of one request. Throws StacRequestError (400) for a version that is not spoken here. */
const chooseVersion: RequestHandler = (request, response, next) => {
  const version = request.query['stac_version'];
  if (version !== undefined && version !== '1.1.0' && version !== OLD_VERSION) return next(invalidParameter('stac_version', `it must be 1.1.0 or ${OLD_VERSION}`));
  if (version === OLD_VERSION) answerInOldVersion(response);
  next();
};

function createVersionRouter(dependencies: StacDependencies): Router {
  const router = express.Router();
  router.use(chooseVersion);
  const on = inContext(dependencies);
  const show = pagesOf(dependencies);
  router.get('/', show(capabilitiesPage), on(landing));
  router.get('/conformance', conformance());
  router.get('/api', on(serviceDescription));
  router.get('/api.html', on(serviceDocumentation));
  router.get('/queryables', on(queryables));
  router.get('/sortables', on(sortables));
  router.get('/collections-queryables', on(collectionQueryables));
  router.get('/collections-sortables', on(collectionSortables));
  router.get('/functions', functionList());
  router.get(LAMINA_EXTENSION_PATH, on(extensionSchema));
  router.get('/children', on(children));
  router.get('/collections', show(collectionsPage, { text: 'STAC', path: '/stac/' }), on(collections));
  const above = [{ text: 'STAC', path: '/stac/' }, { text: 'Collections', path: '/stac/collections' }];
  router.get('/collections/:collectionId', show(collectionPage, ...above), on(collection));
  const body = bodyUpTo('1mb');
  router.post('/collections', body, on(createCollection));
  router.put('/collections/:collectionId', body, on(replaceCollection));
  router.delete('/collections/:collectionId', on(deleteCollection));
  router.get('/collections/:collectionId/queryables', on(queryables));
  router.get('/collections/:collectionId/sortables', on(sortables));
  router.get('/collections/:collectionId/catalog', on(browse));
  router.get('/collections/:collectionId/items', show(itemsPage, ...above), on(items));
  router.get('/collections/:collectionId/items/:itemId', show(itemPage, ...above), on(item));
  const itemBody = bodyUpTo('8mb');
  router.post('/collections/:collectionId/items', itemBody, on(createItems));
  router.put('/collections/:collectionId/items/:itemId', itemBody, on(replaceItem));
  router.patch('/collections/:collectionId/items/:itemId', itemBody, on(patchItem));
  router.delete('/collections/:collectionId/items/:itemId', on(deleteItem));
  for (const place of ['', '/collections/:collectionId']) {
    router.get(`${place}/aggregations`, on(aggregationList));
    router.get(`${place}/aggregate`, on(aggregateByQuery));
    router.post(`${place}/aggregate`, body, on(aggregateByBody));
  }
  router.get('/search', show(itemsPage, { text: 'STAC', path: '/stac/' }), on(searchByQuery));
  router.post('/search', body, on(searchByBody));
  router.use(unknownRoute);
  router.use(errorHandler(dependencies.log));
  return router;
}

/** Reads JSON of any media type: some clients send none, or that of GeoJSON. */
function bodyUpTo(limit: string): RequestHandler[] {
  const refuseDeep: RequestHandler = (request, _response, next) => next(isDeeperThan(request.body, MAX_JSON_DEPTH) ? new StacRequestError(400, 'InvalidBody', `The body is nested more than ${MAX_JSON_DEPTH} deep.`) : undefined);
  return [express.json({ type: () => true, limit, strict: false, verify: requireUtf8 }), refuseDeep];
}

/** Shows answers to browsers as pages. */
function pagesOf({ baseUrl }: StacDependencies): (view: View, ...above: { text: string; path: string }[]) => RequestHandler {
  const urlOf = (request: express.Request) => serviceUrl(typeof baseUrl === 'string' ? baseUrl : baseUrl(request));
  return (view, ...above) => asPage(view, { baseUrl: urlOf, trail: [{ text: 'Lamina', path: '/' }, ...above] });
}

/** Gives each request its route with the base URL that its client knows, and with who asks. */
function inContext({ baseUrl, visitor, personal, ...rest }: StacDependencies): (route: (context: StacContext) => RequestHandler) => RequestHandler {
  return (route) => async (request, response, next) => {
    const user = visitor ? await visitor(request) : null;
    if (request.method === 'GET' || request.method === 'HEAD') setCachePolicy(response, 'visitor', user === null);
    const seen = personal && user !== null ? withPersonal(rest, personal, user) : {};
    const context = { ...rest, ...seen, user, baseUrl: typeof baseUrl === 'string' ? baseUrl : baseUrl(request) };
    return route(context)(request, response, next);
  };
}
