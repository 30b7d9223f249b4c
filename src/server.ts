/** Composition root of the API: wires the catalog, the jobs and the routes, and listens. It never computes. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApp } from './api/app.ts';
import { signAsset } from './api/assets/links.ts';
import { visitorOf } from './api/auth/authenticate.ts';
import { readOidcSettings, type OidcSettings } from './api/auth/oidc-settings.ts';
import { loadSecret } from './api/auth/secret.ts';
import { Sessions } from './api/auth/sessions.ts';
import { configuredUsers, ensureDevelopmentUser, storedUsers, type NamedPassword, type UserDirectory } from './api/auth/users.ts';
import type { ApiDependencies, ServiceParts, Shared } from './api/dependencies.ts';
import { createHome } from './api/home.ts';
import { createHttpServer } from './api/http/server.ts';
import { createEventRouter } from './api/ingest/events.ts';
import { createLayerRouter } from './api/layers/embeddings.ts';
import { createMaterialisationRouter } from './api/layers/materialisations.ts';
import { Materialiser } from './api/layers/materialiser.ts';
import { createInferenceRouter, createOperatorRouter, type OperatorService } from './api/operators/router.ts';
import { ownResults } from './api/stac/own-results.ts';
import { createStacRouter } from './api/stac/router.ts';
import { MapCatalog } from './api/tiles/map-catalog.ts';
import { Admission } from './api/tiles/serve-tile.ts';
import { ServiceMaps } from './api/tiles/service-maps.ts';
import { servicesPath } from './api/tiles/service-links.ts';
import { createServiceRouter } from './api/tiles/services.ts';
import { createTileRouter } from './api/tiles/tiles.ts';
import { createMonitor } from './api/monitor/monitor.ts';
import { createViewer } from './api/viewer/viewer.ts';
import { ItemEditor } from './catalog/ingest/edit-items.ts';
import { combineItemSources, withState, type ItemSource } from './catalog/item-source.ts';
import { exportFolder } from './catalog/publish-items.ts';
import { LayerStates } from './catalog/layer-states.ts';
import { Materialisations } from './catalog/materialisations.ts';
import { definitionSource } from './catalog/remote/definitions.ts';
import { Unreadable } from './catalog/remote/download.ts';
import { guardedFetch } from './catalog/remote/guarded-fetch.ts';
import { Watches } from './catalog/watches.ts';
import { readConfig, type Config } from './config.ts';
import type { DefinitionSource } from './graph/link.ts';
import { acceleratorsOf, editorsOf, openDeployment, packageFolder, runtimeRules, type Deployment } from './deployment.ts';
import { OpenEOError } from './errors.ts';
import { RasterCache } from './formats/cog/raster-cache.ts';
import { resultFormats } from './formats/index.ts';
import { inputFormats } from './formats/input-formats.ts';
import type { Billing } from './jobs/billing.ts';
import { readBilling } from './jobs/billing-file.ts';
import { deleteObjects } from './jobs/files.ts';
import { Jobs } from './jobs/service.ts';
import { ThroughputStore } from './jobs/throughput.ts';
import { layerPolicies, startEvicting } from './layers/eviction.ts';
import { layerItems } from './layers/layer-items.ts';
import { keepOperators, OPERATOR_COLLECTION, withoutOperators } from './layers/operator-items.ts';
import { lazyEngine } from './layers/layer-trial.ts';
import { isVisible } from './layers/layer.ts';
import { LayerPublisher } from './layers/publish-layer.ts';
import { VirtualCatalog } from './layers/virtual-catalog.ts';
import { createStreamLog, type Log } from './log.ts';
import { ServiceLogs } from './services/logs.ts';
import { ServiceStore } from './services/store.ts';
import { serviceTilesPrefix } from './services/task.ts';
import { whyNoAccelerator } from './operators/accelerators.ts';
import { runtimeNamed } from './operators/reference.ts';
import { UserProcessStore } from './user-processes/store.ts';
import { prepareCatalog } from './prepare-catalog.ts';
import { UserFiles } from './storage/user-files.ts';

export interface RunningServer {
  /** Where clients reach it from this machine, or the configured public URL. */
  readonly url: string;
  /** Made at this start, because there was no user; null otherwise. */
  readonly developmentUser: NamedPassword | null;
  close(): Promise<void>;
}

/** What the service says of itself. */
const self = { title: 'Lamina', description: 'Raw Earth-observation collections and virtual embedding layers over them.' };

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };

/** How long a request may take to come in, uploads of files included. */
const UPLOAD_MS = 6 * 3600 * 1000;

/** Opens the deployment, prepares the catalog, and resolves when requests are answered. */
export async function startServer(config: Config, databaseUrl: string, log: Log): Promise<RunningServer> {
  const deployment = await openDeployment(config, databaseUrl, log);
  try {
    const { users, developmentUser } = await openUsers(config, deployment);
    await prepareCatalog(deployment, [packageFolder('collections'), ...(config.collections === null ? [] : [config.collections])]);
    await showOperators(deployment);
    const { database, jobs: store, jobLogs: logs, queues, objects } = deployment;
    const materialiser = new Materialiser({ store: new Materialisations(database), queues, objects, catalog: deployment.catalog, maxQueued: config.jobsMaxQueued, log });
    const jobs = new Jobs({ store, logs, queues, objects, log, limits: config, resultDays: config.resultDays, throughput: new ThroughputStore(database) });
    const app = createApp(apiDependencies(config, deployment, { jobs, materialiser, users, billing: await readBilling(config.billingFile), secret: await loadSecret(database, config.secret), oidc: await openProviders(config) }));
    const { port, close } = await listen(createHttpServer(app, { requestTimeout: UPLOAD_MS }), config);
    const stopCaring = [jobs.startCaring(), materialiser.startCaring()];
    const stopEvicting = startEvicting({ database, objects, policies: () => layerPolicies(deployment.catalog), maxBytes: config.storeBytes, log });
    return {
      url: config.publicUrl ?? `http://${/^(0\.0\.0\.0|::)$/.test(config.host) ? '127.0.0.1' : config.host}:${port}`,
      developmentUser,
      async close() {
        for (const stop of stopCaring) stop();
        await stopEvicting();
        await close();
        await deployment.close();
      },
    };
  } catch (error) {
    await deployment.close();
    throw error;
  }
}

/** In STAC, now and whenever one is published. */
async function showOperators({ catalog, operators, log }: Deployment): Promise<void> {
  const show = async () => {
    const isOurs = await keepOperators(catalog, operators.all());
    if (!isOurs) log.warning(`A collection '${OPERATOR_COLLECTION}' was there already; the operators are not shown in STAC.`);
  };
  await show();
  let last = Promise.resolve();
  operators.onChange(() => {
    last = last.then(show).catch((error: unknown) => log.warning(`Operators could not be written to the catalog: ${(error as Error).message}`));
  });
}

async function openUsers(config: Config, { database }: Deployment): Promise<{ users: UserDirectory; developmentUser: NamedPassword | null }> {
  if (config.basicUsers !== null) return { users: configuredUsers(config.basicUsers), developmentUser: null };
  if (config.basicAuth === 'off') return { users: storedUsers(database), developmentUser: null };
  return { users: storedUsers(database), developmentUser: await ensureDevelopmentUser(database) };
}

async function openProviders({ oidcFile, basicAuth }: Config): Promise<readonly OidcSettings[]> {
  if (oidcFile !== null) return readOidcSettings(oidcFile);
  if (basicAuth === 'off') throw new Error('Nobody could log in: LAMINA_BASIC_AUTH=off needs LAMINA_OIDC_FILE beside it.');
  return [];
}

function apiDependencies(config: Config, deployment: Deployment, parts: { jobs: Jobs; materialiser: Materialiser; users: UserDirectory; billing: Billing; secret: string; oidc: readonly OidcSettings[] }): ApiDependencies {
  const { catalog, operators, registry, objects, queues, cache, log } = deployment;
  const virtual = new VirtualCatalog(catalog, operators);
  const userProcesses = new UserProcessStore(deployment.database);
  const opener = lazyEngine(deployment);
  const items = withState(() => catalog.state(), combineItemSources([catalog, layerItems(catalog, operators, opener, new LayerStates(deployment.database))]));
  const publisher = new LayerPublisher(catalog, opener, async (collection) => {
    await deleteObjects(objects, exportFolder(collection));
    await parts.materialiser.deleteAll(collection);
  });
  const editor = itemEditor(config, deployment);
  // Operators have items and no pixels: only STAC shows them.
  const rasters = withoutOperators(catalog);
  const [shown, shownRasters] = [shownCatalog(catalog, virtual, items), shownCatalog(rasters, virtual, items)];
  const layerFor = async (id: string, user: string | null) => {
    const stored = await catalog.collection(id);
    const layer = stored && isVisible(stored, user) ? await virtual.layer(id) : null;
    if (!layer) throw new OpenEOError('CollectionNotFound', { identifier: id });
    return layer;
  };
  const stac = (shared: Shared) => createStacRouter({
    baseUrl: (request) => `${shared.baseUrl(request)}/stac`,
    ...self,
    collections: shown,
    items,
    publisher,
    editor,
    visitor: (request) => visitorOf(request, shared.authentication),
    personal: ownResults({ jobs: deployment.jobs, signer: shared.signer, resultDays: config.resultDays }),
    signAsset: (collection, item, key, href) => (href.startsWith('/') ? href : signAsset(shared.signer, { collection, item, key, name: href.split(/[/:]/).pop()! }).path),
    log,
  });
  const layers = (shared: Shared) => createLayerRouter({ visitor: (request) => visitorOf(request, shared.authentication), virtual, items: catalog, jobs: parts.jobs, objects, timeoutSeconds: config.syncTimeoutSeconds, cache });
  const definitions = definitionSource(userProcesses, guardedFetch({ allowedHosts: config.allowedHosts, refuse: (reason) => new Unreadable(reason) }));
  const services = serviceParts(config, deployment, { virtual, definitions });
  const drawing = { queues, objects, cache, maxWaiting: config.tileMaxWaiting, deadlineMs: config.tileDeadlineSeconds * 1000 };
  const { materialiser: _, ...shared } = parts;
  return {
    ...shared,
    catalog: shownRasters,
    registry,
    userProcesses,
    definitions,
    services,
    objects,
    userFiles: new UserFiles(objects, { quotaBytes: config.userStorageBytes, fileBytes: config.uploadMaxBytes }),
    formats: { input: inputFormats, output: mapValues(resultFormats, (format) => format.description) },
    isBasicOn: config.basicAuth === 'on',
    publicUrl: config.publicUrl,
    sessions: new Sessions(deployment.database),
    rateLimits: { ofAddress: config.requestsPerAddress, ofUser: config.requestsPerUser },
    trustedProxies: config.trustedProxies,
    tokenHours: config.tokenHours,
    linkHours: config.linkHours,
    syncTimeoutSeconds: config.syncTimeoutSeconds,
    runtimeRules: runtimeRules(config),
    resultDays: config.resultDays,
    version,
    log,
    mounts: [
      { path: '/stac', handler: stac },
      { path: '/ingest', handler: () => createEventRouter({ queues, token: config.webhookToken }) },
      ...operatorMounts(config, deployment, parts),
      { path: '/layers', handler: layers },
      { path: '/layers', handler: (shared) => createMaterialisationRouter({ materialiser: parts.materialiser, layerFor, objects, editors: editorsOf(config), shared }) },
      { path: '/', handler: (shared) => createHome({ catalog: shownRasters, baseUrl: shared.baseUrl, version, ...self }) },
      { path: '/', handler: (shared) => createMonitor({ baseUrl: shared.baseUrl, isBasicOn: shared.authentication.isBasicOn }) },
      { path: '/', handler: (shared) => createViewer({ collection: async (id, request) => shownRasters.collection(id, await visitorOf(request, shared.authentication)), baseUrl: shared.baseUrl }) },
      { path: '/', handler: (shared) => createTileRouter({ catalog: rasters, virtual, ...drawing, publicUrl: shared.baseUrl, visitor: (request) => visitorOf(request, shared.authentication) }) },
      { path: servicesPath, handler: (shared) => createServiceRouter({ ...drawing, ...services, billing: parts.billing, log, admission: new Admission(), publicUrl: shared.baseUrl, visitor: (request) => visitorOf(request, shared.authentication) }) },
    ],
  };
}

/** Stored collections as users see them. */
function shownCatalog(stored: Pick<Deployment['catalog'], 'collection' | 'collections'>, virtual: VirtualCatalog, items: Pick<ItemSource, 'get'>) {
  return {
    collections: async (user: string | null = null) => Promise.all((await stored.collections()).filter((each) => isVisible(each, user)).map((each) => virtual.describe(each))),
    collection: async (id: string, user: string | null = null) => {
      const found = await stored.collection(id);
      return found && isVisible(found, user) ? virtual.describe(found) : null;
    },
    item: (collection: string, id: string) => items.get(collection, id),
  };
}

/** Operators, described and called directly. */
function operatorMounts(config: Config, { operators, objects, queues, fleet }: Deployment, { jobs, billing }: { readonly jobs: Jobs; readonly billing: Billing }): NonNullable<ApiDependencies['mounts']> {
  const runtimes = new Set(config.runtimes.map(runtimeNamed));
  const service = ({ baseUrl, authentication }: Shared): OperatorService => ({
    operators, objects, queues, jobs, billing, baseUrl, authentication, version,
    canRun: (operator) => runtimes.has(runtimeNamed(operator.runtime)) && whyNoAccelerator(operator, acceleratorsOf(fleet)) === null,
    accelerators: () => acceleratorsOf(fleet),
    timeoutSeconds: config.syncTimeoutSeconds, maxSamples: config.syncMaxPixels,
  });
  return [
    { path: '/operators', handler: (shared) => createOperatorRouter(service(shared)) },
    { path: '/v2', handler: (shared) => createInferenceRouter(service(shared)) },
  ];
}

/** Processes that users publish as maps. */
function serviceParts(config: Config, { catalog, database, objects, queues, registry }: Deployment, { virtual, definitions }: { readonly virtual: VirtualCatalog; readonly definitions: DefinitionSource }): ServiceParts {
  const store = new ServiceStore(database);
  return {
    store,
    logs: new ServiceLogs(database),
    maps: new ServiceMaps({ services: store, maps: new MapCatalog(withoutOperators(catalog), virtual), queues, registry, definitions }),
    limit: config.servicesMaxPerUser,
    forgetTiles: (id) => deleteObjects(objects, serviceTilesPrefix(id)),
  };
}

/** Takes what editors write. */
function itemEditor(config: Config, { catalog, database, objects }: Deployment): ItemEditor {
  const rasters = new RasterCache({ store: objects, blockBytes: 0 });
  const { allowedHosts } = config;
  const urls = rasters.forUrls({ fetch: guardedFetch({ allowedHosts }), attempts: 2, timeoutMs: 10_000 });
  return new ItemEditor({
    store: catalog,
    watches: new Watches(database),
    rasters: { open: (href) => (href.startsWith('object:') ? rasters : urls).open(href) },
    allowedHosts,
    editors: editorsOf(config),
    ownBucket: config.s3?.bucket ?? 'lamina',
  });
}

function mapValues<T, R>(record: Readonly<Record<string, T>>, change: (value: T) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

/** Throws an Error with one line when the port is taken or may not be used. Asked before anything that takes time. */
export async function checkPort(config: Config): Promise<void> {
  const { close } = await listen(createServer(), config);
  await close();
}

/** Throws as `checkPort` does. */
async function listen(server: ReturnType<typeof createServer>, { host, port }: Config): Promise<{ port: number; close: () => Promise<void> }> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reasons: Record<string, string> = { EADDRINUSE: 'is in use by another program', EACCES: 'may not be used by this user' };
    throw new Error(`port ${port} on ${host} ${reasons[code ?? ''] ?? `can't be listened on (${code})`}; LAMINA_PORT chooses another one`, { cause: error });
  }
  const close = async () => {
    const closed = once(server, 'close');
    server.close();
    // Clients that keep connections open must not keep the service open.
    setTimeout(() => server.closeAllConnections(), 1000).unref();
    server.closeIdleConnections();
    await closed;
  };
  return { port: (server.address() as AddressInfo).port, close };
}

/** `lamina api`: only the API, for deployments with workers elsewhere. Runs until it is told to end. */
export async function runApi(environment: NodeJS.ProcessEnv): Promise<void> {
  const config = readConfig(environment);
  const log = createStreamLog(process.stdout, config.logLevel);
  if (config.databaseUrl === null) throw new Error('An API of its own needs LAMINA_DATABASE_URL: `lamina serve` brings a database along.');
  const server = await startServer(config, config.databaseUrl, log);
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve());
  log.info(`The API answers on ${server.url}.`);
  await promise;
  await server.close();
  process.exit(0);
}
