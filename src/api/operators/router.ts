/** Operators over HTTP: listed and described at /operators, and as models of the Open Inference Protocol at /v2. */
import { Router } from 'express';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { OpenEOError } from '../../errors.ts';
import type { TaskQueues } from '../../jobs/queue.ts';
import { MANIFEST_SCHEMA_PATH, manifestSchema } from '../../operators/manifest-schema.ts';
import { qualifiedName } from '../../operators/reference.ts';
import { setCachePolicy } from '../http/cache-policy.ts';
import { asPage } from '../pages/view.ts';
import { describeOperator, describeOperators, openApiType } from './describe-operator.ts';
import { inferHandlers, referenceIn, type InferenceService } from './infer.ts';
import { describeApi } from './openapi.ts';
import { findOperator, latestOperators } from './operators.ts';
import { operatorPage, operatorsPage } from './pages.ts';
import { inputTensor, outputTensor } from './tensors.ts';

export interface OperatorService extends InferenceService {
  readonly baseUrl: (request: Request) => string;
  /** Asked whether workers could be given work. */
  readonly queues: Pick<TaskQueues, 'depth'>;
  /** Version of the service. */
  readonly version: string;
}

/** How long the queue may take to answer before the service counts as not ready. */
const READY_MS = 2000;

/** To mount at '/operators'. */
export function createOperatorRouter({ operators, baseUrl, canRun }: OperatorService): Router {
  const router = Router();
  const root = { text: 'Lamina', path: '/' };
  router.get('/', asPage(operatorsPage, { baseUrl, trail: [root] }), open, (request, response) => {
    response.json(describeOperators(latestOperators(operators), baseUrl(request), canRun));
  });
  // No operator has such a name.
  router.get(MANIFEST_SCHEMA_PATH.slice('/operators'.length), open, (request, response) => {
    response.type('application/schema+json').send(JSON.stringify(manifestSchema(`${baseUrl(request)}${MANIFEST_SCHEMA_PATH}`), null, 2));
  });
  router.get('/*reference', asPage(operatorPage, { baseUrl, trail: [root, { text: 'Operators', path: '/operators' }] }), open, (request, response) => {
    const segments = (request.params as unknown as { reference: readonly string[] }).reference;
    response.json(describeOperator(findOperator(operators, segments.join('/')), baseUrl(request), canRun));
  });
  return router;
}

/** Paths of a model. Some clients encode the slash behind a namespace ('e2s%2Fai-compressor'), others don't. */
const ofModel = (rest: string) => [`/models/:name{/versions/:version}${rest}`, `/models/:namespace/:name{/versions/:version}${rest}`];

/** To mount at '/v2'. */
export function createInferenceRouter(service: OperatorService): Router {
  const { operators, queues, canRun, version, baseUrl } = service;
  const router = Router();
  router.use(withErrorText);
  router.get('/', open, (_request, response) => void response.json({ name: 'lamina', version, extensions: ['binary_tensor_data'] }));
  router.get('/api', open, (request, response) => void response.set('Content-Type', openApiType).json(describeApi(latestOperators(operators), baseUrl(request), version)));
  router.get('/health/live', fresh, (_request, response) => void response.json({ live: true }));
  router.get('/health/ready', fresh, async (_request, response) => {
    const ready = await isAnswering(queues);
    response.status(ready ? 200 : 503).json({ ready });
  });
  router.get('/models', open, (_request, response) => void response.json({ models: latestOperators(operators).map(({ operator }) => qualifiedName(operator.manifest)) }));
  router.get(ofModel('/ready'), fresh, (request, response) => {
    const { operator } = findOperator(operators, referenceIn(request));
    const ready = canRun(operator);
    response.status(ready ? 200 : 503).json({ name: qualifiedName(operator.manifest), ready });
  });
  router.get(ofModel(''), open, (request, response) => {
    const { operator, versions } = findOperator(operators, referenceIn(request));
    const { manifest } = operator;
    response.json({ name: qualifiedName(manifest), versions, platform: manifest.kind === 'onnx' ? 'onnx_onnxv1' : `lamina_${manifest.kind}`, inputs: [inputTensor(manifest)], outputs: [outputTensor(manifest)] });
  });
  router.post(ofModel('/infer'), ...inferHandlers(service));
  router.use((request) => {
    throw new OpenEOError('NotFound', {}, { detail: `There is no ${request.method} ${request.baseUrl}${request.path}: GET ${request.baseUrl}/models lists the models.` });
  });
  return router;
}

const open: RequestHandler = (_request, response, next) => {
  setCachePolicy(response, 'open', true);
  next();
};

const fresh: RequestHandler = (_request, response, next) => {
  response.set('Cache-Control', 'no-store');
  next();
};

async function isAnswering(queues: Pick<TaskQueues, 'depth'>): Promise<boolean> {
  const late = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), READY_MS).unref());
  return Promise.race([queues.depth('sync').then(() => true, () => false), late]);
}

/** Clients of the protocol read `error`; the rest of the body is as everywhere in this service. */
function withErrorText(_request: Request, response: Response, next: NextFunction): void {
  const json = response.json.bind(response);
  response.json = (body: unknown) => {
    const { code, message } = (body ?? {}) as { code?: string; message?: string };
    return json(response.statusCode >= 400 && code !== undefined ? { error: message, ...(body as object) } : body);
  };
  next();
}
