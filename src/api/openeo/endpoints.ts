/** All endpoints of the openEO API that are served; GET / lists exactly these. */
import type { ApiDependencies } from '../dependencies.ts';
import { capabilitiesPage } from '../pages/capabilities-page.ts';
import { collectionPage, collectionsPage } from '../pages/collection-pages.ts';
import { processesPage, processPage } from '../pages/process-pages.ts';
import { authenticateBasic, describeAccount, endSession, listOidcProviders } from './account.ts';
import { deleteFile, downloadFile, listFiles, uploadFile } from '../files/files.ts';
import { describeCapabilities } from './capabilities.ts';
import { describeCollection, listCollections } from './collections.ts';
import { describeConformance } from './conformance.ts';
import { monitorPath } from '../monitor/monitor-path.ts';
import { pathVariable, type Endpoint } from './endpoint.ts';
import { estimateJob } from './estimate.ts';
import { listFileFormats } from './file-formats.ts';
import { listResults, revokeLinks, startJob, stopJob } from './job-results.ts';
import { createJob, deleteJob, describeJob, listJobs, updateJob } from './jobs.ts';
import { debugJob, debugRequest } from './logs.ts';
import { deleteProcessGraph, describeProcessGraph, describeShared, listProcessGraphs, storeProcessGraph } from './process-graphs.ts';
import { listProcesses } from './processes.ts';
import { listProcessingParameters } from './processing-parameters.ts';
import { describeQueryables } from './queryables.ts';
import { computeResult } from './result.ts';
import { listServiceTypes } from './service-types.ts';
import { debugService } from './service-logs.ts';
import { createService, deleteService, describeService, listServices, updateService } from './services.ts';
import { described } from './service-description.ts';
import { listUdfRuntimes } from './udf-runtimes.ts';
import { validateProcess } from './validation.ts';

const hasServices = ({ services }: ApiDependencies) => services !== undefined;

const served: readonly Endpoint[] = [
  { method: 'get', path: '/conformance', access: 'open', handle: describeConformance },
  { method: 'get', path: '/file_formats', access: 'open', handle: listFileFormats },
  { method: 'get', path: '/udf_runtimes', access: 'open', handle: listUdfRuntimes },
  { method: 'get', path: '/processing_parameters', access: 'open', handle: listProcessingParameters },
  { method: 'get', path: '/collections', access: 'visitor', view: collectionsPage, handle: listCollections },
  // Before the next one, which takes ids with slashes.
  { method: 'get', path: '/collections/{collection_id}/queryables', access: 'visitor', handle: describeQueryables },
  { method: 'get', path: '/collections/{collection_id}', access: 'visitor', view: collectionPage, handle: describeCollection },
  { method: 'get', path: '/processes', access: 'open', view: processesPage, handle: listProcesses },
  { method: 'get', path: '/processes/{namespace}/{process_id}', access: 'open', isListed: false, view: processPage, handle: describeShared },
  { method: 'get', path: '/process_graphs', access: 'user', handle: listProcessGraphs },
  { method: 'get', path: '/process_graphs/{process_graph_id}', access: 'user', handle: describeProcessGraph },
  { method: 'put', path: '/process_graphs/{process_graph_id}', access: 'user', hasBody: true, handle: storeProcessGraph },
  { method: 'delete', path: '/process_graphs/{process_graph_id}', access: 'user', handle: deleteProcessGraph },
  { method: 'get', path: '/credentials/basic', access: 'basic', isAvailable: ({ isBasicOn = true }) => isBasicOn, handle: authenticateBasic },
  { method: 'delete', path: '/credentials/basic', access: 'user', isListed: false, isAvailable: ({ isBasicOn = true, sessions }) => isBasicOn && sessions !== undefined, handle: endSession },
  { method: 'get', path: '/credentials/oidc', access: 'open', isAvailable: ({ oidc = [] }) => oidc.length > 0, handle: listOidcProviders },
  { method: 'get', path: '/me', access: 'user', handle: describeAccount },
  { method: 'get', path: '/files', access: 'user', handle: listFiles },
  { method: 'get', path: '/files/{path}', access: 'user', handle: downloadFile },
  { method: 'put', path: '/files/{path}', access: 'user', handle: uploadFile },
  { method: 'delete', path: '/files/{path}', access: 'user', handle: deleteFile },
  { method: 'post', path: '/validation', access: 'visitor', hasBody: true, handle: validateProcess },
  { method: 'post', path: '/result', access: 'user', hasBody: true, handle: computeResult },
  { method: 'get', path: '/result/{request_id}/logs', access: 'user', isListed: false, handle: debugRequest },
  { method: 'get', path: '/jobs', access: 'user', handle: listJobs },
  { method: 'post', path: '/jobs', access: 'user', hasBody: true, handle: createJob },
  { method: 'get', path: '/jobs/{job_id}', access: 'user', page: (request) => monitorPath(pathVariable(request, 'job_id')), handle: describeJob },
  { method: 'patch', path: '/jobs/{job_id}', access: 'user', hasBody: true, handle: updateJob },
  { method: 'delete', path: '/jobs/{job_id}', access: 'user', handle: deleteJob },
  { method: 'get', path: '/jobs/{job_id}/estimate', access: 'user', handle: estimateJob },
  { method: 'get', path: '/jobs/{job_id}/logs', access: 'user', handle: debugJob },
  { method: 'get', path: '/jobs/{job_id}/results', access: 'user', handle: listResults },
  { method: 'post', path: '/jobs/{job_id}/results', access: 'user', handle: startJob },
  { method: 'delete', path: '/jobs/{job_id}/results', access: 'user', handle: stopJob },
  { method: 'delete', path: '/jobs/{job_id}/results/links', access: 'user', isListed: false, handle: revokeLinks },
  { method: 'get', path: '/service_types', access: 'visitor', isAvailable: hasServices, handle: listServiceTypes },
  { method: 'get', path: '/services', access: 'user', isAvailable: hasServices, handle: listServices },
  { method: 'post', path: '/services', access: 'user', hasBody: true, isAvailable: hasServices, handle: createService },
  { method: 'get', path: '/services/{service_id}', access: 'user', isAvailable: hasServices, handle: describeService },
  { method: 'patch', path: '/services/{service_id}', access: 'user', hasBody: true, isAvailable: hasServices, handle: updateService },
  { method: 'delete', path: '/services/{service_id}', access: 'user', isAvailable: hasServices, handle: deleteService },
  { method: 'get', path: '/services/{service_id}/logs', access: 'user', isAvailable: hasServices, handle: debugService },
];

/** The endpoints of a deployment. */
export function endpointsOf(dependencies: ApiDependencies): readonly Endpoint[] {
  const available = served.filter(({ isAvailable }) => isAvailable?.(dependencies) ?? true);
  return described([{ method: 'get', path: '/', access: 'open', view: capabilitiesPage, handle: describeCapabilities(available) }, ...available]);
}

/**
 * Endpoints of the standard that are not served: a client that asks for one learns that it is the
 * service and not the address that lacks it.
 */
export const unsupported: readonly RegExp[] = [
  /^\/(service_types|services|credentials\/(basic|oidc))(\/|$)/,
];
