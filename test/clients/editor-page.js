/**
 * What the openEO Web Editor asks of a back-end, in its order, by the same client library, in a page of another
 * origin. web-editor.test.ts serves and drives it.
 */
/* global OpenEO, OidcProvider, window, document, fetch, File, Image, setTimeout */
const session = {
  /** The page of a back-end: connect, then everything that is open. */
  async connect(url) {
    session.connection = await OpenEO.connect(url);
    const { connection } = session;
    const capabilities = connection.capabilities();
    const features = ['listCollections', 'listProcesses', 'listFileTypes', 'listServiceTypes', 'listUdfRuntimes', 'listProcessingParameters', 'listUserProcesses', 'describeCollectionQueryables', 'createJob', 'startJob', 'stopJob', 'estimateJob', 'downloadResults', 'debugJob', 'computeResult', 'validateProcess', 'createService', 'debugService', 'listFiles', 'uploadFile', 'describeAccount', 'authenticateBasic', 'authenticateOIDC'];
    const [collections, processes, fileTypes, serviceTypes, runtimes, parameters] = await Promise.all([
      connection.listCollections(), connection.listProcesses(), connection.listFileTypes(), connection.listServiceTypes(), connection.listUdfRuntimes(), connection.listProcessingParameters(),
    ]);
    return {
      version: capabilities.apiVersion(), title: capabilities.title(), currency: capabilities.currency(), plans: capabilities.listPlans().map(({ name }) => name),
      missing: features.filter((feature) => !capabilities.hasFeature(feature)),
      collections: collections.collections.map(({ id }) => id), processes: processes.processes.length, serviceTypes: Object.keys(serviceTypes), runtimes: Object.keys(runtimes),
      outputs: Object.keys(fileTypes.getOutputTypes()), parameters: Object.keys(parameters),
    };
  },

  async providers() {
    const providers = await session.connection.listAuthProviders();
    return providers.map((provider) => ({ type: provider.getType(), id: provider.getProviderId(), client: provider.clientId ?? null }));
  },

  /** In a fresh session, as after logging out. */
  async loginBasic(url, name, password) {
    session.connection = await OpenEO.connect(url);
    const provider = (await session.connection.listAuthProviders()).find((each) => each.getType() === 'basic');
    await provider.login(name, password);
    return session.account();
  },

  /** In a window of its own, with PKCE and the client that the back-end names. */
  async loginOidc() {
    OidcProvider.uiMethod = 'popup';
    const provider = (await session.connection.listAuthProviders()).find((each) => each.getType() === 'oidc');
    await provider.login();
    return session.account();
  },

  async account() {
    return (await session.connection.describeAccount()).user_id;
  },

  /** What the tabs of the editor list. */
  async lists() {
    const { connection } = session;
    const [jobs, services, processes, files] = await Promise.all([connection.listJobs(), connection.listServices(), connection.listUserProcesses(), connection.listFiles()]);
    return [jobs, services, processes, files].map((each) => [...each].length);
  },

  async collection(id) {
    const { connection } = session;
    const described = await connection.describeCollection(id);
    const queryables = await connection.describeCollectionQueryables(id);
    const items = await (await fetch(described.links.find(({ rel }) => rel === 'items').href)).json();
    const preview = described.links.find(({ rel }) => rel === 'xyz');
    return { dimensions: Object.keys(described['cube:dimensions']), queryables: queryables.type, items: items.features.length, preview: preview?.href ?? null, interval: described.extent.temporal.interval[0] };
  },

  async validate(process) {
    return (await session.connection.validateProcess(process)).map(({ code }) => code);
  },

  async compute(process) {
    const { data, type, logs } = await session.connection.computeResult(process);
    return { type, start: await data.slice(0, 2).text(), bytes: data.size, logs: logs.length };
  },

  /** A failure as the editor shows it. */
  async failure(process) {
    try {
      await session.connection.computeResult(process);
    } catch (error) {
      return { code: error.code, message: error.message };
    }
    return null;
  },

  async job(process) {
    const job = await session.connection.createJob(process, 'A job', null, null, null, { 'x-editor': true });
    const created = job.status;
    const estimate = await job.estimateJob();
    await job.updateJob({ title: 'Another title' });
    await job.startJob();
    const seen = new Set();
    while (!['finished', 'error', 'canceled'].includes((await job.describeJob()).status)) {
      seen.add(job.status);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    const logs = await job.debugJob('debug').nextLogs();
    const stac = await job.getResultsAsStac();
    const [asset] = Object.values(stac.assets).filter(({ roles }) => !roles?.includes('metadata'));
    const head = await fetch(asset.href, { method: 'HEAD' });
    const part = await fetch(asset.href, { headers: { Range: 'bytes=0-3' } });
    const shared = stac.links.find(({ rel }) => rel === 'canonical');
    const outcome = {
      created, ended: job.status, title: job.title, own: job.getAll()['x-editor'], estimate: Object.keys(estimate), logs: logs.map(({ id }) => typeof id), type: asset.type,
      length: Number(head.headers.get('content-length')), ranges: head.headers.get('accept-ranges'), part: [part.status, part.headers.get('content-range'), [...new Uint8Array(await part.arrayBuffer())]],
      shared: (await (await fetch(shared.href)).json()).type,
    };
    await job.deleteJob();
    return outcome;
  },

  /** Started and stopped. */
  async stopped(process) {
    const job = await session.connection.createJob(process);
    await job.startJob();
    await job.stopJob();
    const { status } = await job.describeJob();
    await job.deleteJob();
    return status;
  },

  async service(process, type, tile) {
    const service = await session.connection.createService(process, type, 'A map', 'Of the editor', true, { visibility: 'public' });
    const { type: named, url: template, enabled, attributes } = await service.describeService();
    const url = tile === null ? template : template.replace('{z}', tile[0]).replace('{x}', tile[1]).replace('{y}', tile[2]);
    const shown = tile === null ? (await (await fetch(`${url}?service=wmts&request=GetCapabilities`)).text()).slice(0, 20_000) : await session.picture(url);
    await service.updateService({ title: 'Another title', enabled: false });
    const after = await service.describeService();
    const logs = await service.debugService('debug').nextLogs();
    await service.deleteService();
    return { type: named, url: template, enabled: [enabled, after.enabled], title: after.title, attributes, logs: logs.length, shown };
  },

  /** As map libraries load tiles: [width, height], or null when it fails. */
  picture(url) {
    return new Promise((resolve) => {
      const image = new Image();
      image.crossOrigin = 'anonymous';
      image.onload = () => resolve([image.naturalWidth, image.naturalHeight]);
      image.onerror = () => resolve(null);
      image.src = url;
    });
  },

  async ownProcess(id, process) {
    const { connection } = session;
    const own = await connection.setUserProcess(id, process);
    const listed = [...await connection.listUserProcesses()].map((each) => each.id);
    const again = await (await connection.getUserProcess(id)).describeUserProcess();
    await own.replaceUserProcess({ ...process, summary: 'Replaced' });
    const replaced = (await own.describeUserProcess()).summary;
    await own.deleteUserProcess();
    return { listed, nodes: Object.keys(again.processGraph), replaced, left: [...await connection.listUserProcesses()].length };
  },

  async files(name, text) {
    const { connection } = session;
    const file = await connection.uploadFile(new File([text], 'local.txt'), name);
    const listed = [...await connection.listFiles()].map(({ path, size }) => [path, size]);
    const content = await (await file.retrieveFile()).text();
    await file.deleteFile();
    return { listed, content, left: [...await connection.listFiles()].length };
  },
};

window.session = session;
// The window that a login ends in hands its answer to the one that opened it.
if (window.location.search.includes('code=')) OidcProvider.signinCallback().catch((error) => (document.title = String(error)));
