/** What people and generators of clients want to know of an endpoint and its row in endpoints.ts does not say. */

export interface Operation {
  /** The standard's id of the operation. */
  readonly id: string;
  readonly summary: string;
  readonly tag: string;
  /** Names of query parameters. */
  readonly query?: readonly QueryName[];
  /** Properties that the JSON of the answer always has; absent: the answer is no JSON object, or has no body. */
  readonly answer?: readonly string[];
  /** Media type of the answer; default application/json when it has properties. */
  readonly mediaType?: string;
  /** Of success; default 200. */
  readonly status?: number;
  /** Properties that the JSON of the body must have. */
  readonly body?: readonly string[];
}

export type QueryName = 'limit' | 'after' | 'offset' | 'level' | 'partial' | 'all' | 'f';

const paged: readonly QueryName[] = ['limit', 'after'];
const [capabilities, discovery, account, processing, processes, jobs, services, files] = ['Capabilities', 'Discovery', 'Account', 'Processing', 'Processes', 'Batch jobs', 'Web services', 'Files'] as const;

/** Method and path → what there is to say. */
export const operations: Readonly<Record<string, Operation>> = {
  'get /': { id: 'capabilities', summary: 'What this version of the API can do', tag: capabilities, query: ['f'], answer: ['api_version', 'backend_version', 'stac_version', 'type', 'id', 'title', 'description', 'conformsTo', 'endpoints', 'links'] },
  'get /api': { id: 'service-description', summary: 'This document', tag: capabilities, mediaType: 'application/vnd.oai.openapi+json;version=3.0', answer: ['openapi', 'info', 'paths'] },
  'get /api.html': { id: 'service-documentation', summary: 'This document for people', tag: capabilities, mediaType: 'text/html' },
  'get /conformance': { id: 'conformance', summary: 'Conformance classes', tag: capabilities, answer: ['conformsTo'] },
  'get /file_formats': { id: 'list-file-types', summary: 'File formats that can be read and written', tag: capabilities, answer: ['input', 'output'] },
  'get /udf_runtimes': { id: 'list-udf-runtimes', summary: 'Languages of user-defined functions', tag: capabilities, answer: [] },
  'get /service_types': { id: 'list-service-types', summary: 'Kinds of web services', tag: capabilities, answer: [] },
  'get /processing_parameters': { id: 'list-processing-parameters', summary: 'Further parameters of requests to process something', tag: capabilities, answer: ['create_job_parameters', 'create_service_parameters', 'create_synchronous_parameters'] },
  'get /collections': { id: 'list-collections', summary: 'All collections that you may see', tag: discovery, query: [...paged, 'f'], answer: ['collections', 'links'] },
  'get /collections/{collection_id}': { id: 'describe-collection', summary: 'One collection', tag: discovery, query: ['f'], answer: ['id', 'description', 'license', 'extent', 'links', 'cube:dimensions', 'summaries'] },
  'get /collections/{collection_id}/queryables': { id: 'list-collection-queryables', summary: 'Properties that the items of a collection can be filtered by', tag: discovery, mediaType: 'application/schema+json', answer: ['properties'] },
  'get /processes': { id: 'list-processes', summary: 'Predefined processes', tag: discovery, query: [...paged, 'f'], answer: ['version', 'processes', 'links'] },
  'get /processes/{namespace}/{process_id}': { id: 'describe-shared-process', summary: 'A predefined process (namespace backend), or one that a user (@name) shares', tag: discovery, query: ['f'], answer: ['id'] },
  'get /credentials/basic': { id: 'authenticate-basic', summary: 'Log in with name and password', tag: account, answer: ['access_token'] },
  'delete /credentials/basic': { id: 'end-session', summary: 'End the token that is sent, or all tokens of its user', tag: account, query: ['all'], status: 204 },
  'get /credentials/oidc': { id: 'authenticate-oidc', summary: 'Identity providers whose tokens are taken', tag: account, answer: ['providers'] },
  'get /me': { id: 'describe-account', summary: 'Your account', tag: account, answer: ['user_id'] },
  'post /validation': { id: 'validate-custom-process', summary: 'All that is wrong with a process', tag: processing, answer: ['errors'], body: ['process_graph'] },
  'post /result': { id: 'compute-result', summary: 'Run a process and wait for its file, or an archive of several', tag: processing, mediaType: '*/*', body: ['process'] },
  'get /result/{request_id}/logs': { id: 'debug-request', summary: 'Log of a process that was waited for', tag: processing, answer: ['logs', 'links'] },
  'get /process_graphs': { id: 'list-custom-processes', summary: 'Your processes', tag: processes, query: paged, answer: ['processes', 'links'] },
  'get /process_graphs/{process_graph_id}': { id: 'describe-custom-process', summary: 'One of your processes', tag: processes, answer: ['id', 'process_graph'] },
  'put /process_graphs/{process_graph_id}': { id: 'store-custom-process', summary: 'Store a process', tag: processes, body: ['process_graph'] },
  'delete /process_graphs/{process_graph_id}': { id: 'delete-custom-process', summary: 'Delete a process', tag: processes, status: 204 },
  'get /files': { id: 'list-files', summary: 'Your files', tag: files, query: paged, answer: ['files', 'links'] },
  'get /files/{path}': { id: 'download-file', summary: 'The bytes of a file, or a range of them', tag: files, mediaType: '*/*' },
  'put /files/{path}': { id: 'upload-file', summary: 'Upload a file', tag: files, answer: ['path', 'size'] },
  'delete /files/{path}': { id: 'delete-file', summary: 'Delete a file', tag: files, status: 204 },
  'get /jobs': { id: 'list-jobs', summary: 'Your jobs, newest first', tag: jobs, query: paged, answer: ['jobs', 'links'] },
  'post /jobs': { id: 'create-job', summary: 'Create a job, which is not started', tag: jobs, status: 201, body: ['process'] },
  'get /jobs/{job_id}': { id: 'describe-job', summary: 'One job', tag: jobs, answer: ['id', 'process', 'status', 'created'] },
  'patch /jobs/{job_id}': { id: 'update-job', summary: 'Change a job that is not queued or running', tag: jobs, status: 204, body: [] },
  'delete /jobs/{job_id}': { id: 'delete-job', summary: 'Delete a job with its results', tag: jobs, status: 204 },
  'get /jobs/{job_id}/estimate': { id: 'estimate-job', summary: 'What a job would take', tag: jobs, answer: [] },
  'get /jobs/{job_id}/logs': { id: 'debug-job', summary: 'Log of a job', tag: jobs, query: ['offset', 'level', 'limit'], answer: ['logs', 'links'] },
  'get /jobs/{job_id}/results': { id: 'list-results', summary: 'Results of a job as a STAC document', tag: jobs, query: ['partial'], answer: ['type', 'assets', 'links'] },
  'post /jobs/{job_id}/results': { id: 'start-job', summary: 'Start a job', tag: jobs, status: 202 },
  'delete /jobs/{job_id}/results': { id: 'stop-job', summary: 'Stop a job', tag: jobs, status: 204 },
  'delete /jobs/{job_id}/results/links': { id: 'revoke-result-links', summary: 'Make the links to the results of a job that were handed out invalid', tag: jobs, status: 204 },
  'get /services': { id: 'list-services', summary: 'Your web services', tag: services, query: paged, answer: ['services', 'links'] },
  'post /services': { id: 'create-service', summary: 'Publish a process as a web service', tag: services, status: 201, body: ['process', 'type'] },
  'get /services/{service_id}': { id: 'describe-service', summary: 'One web service', tag: services, answer: ['id', 'url', 'type', 'enabled', 'process', 'configuration', 'attributes'] },
  'patch /services/{service_id}': { id: 'update-service', summary: 'Change a web service', tag: services, status: 204, body: [] },
  'delete /services/{service_id}': { id: 'delete-service', summary: 'Delete a web service', tag: services, status: 204 },
  'get /services/{service_id}/logs': { id: 'debug-service', summary: 'Log of a web service', tag: services, query: ['offset', 'level', 'limit'], answer: ['logs', 'links'] },
};
