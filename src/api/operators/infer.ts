/** POST /v2/models/{name}[/versions/{version}]/infer: an operator is called with a tensor; a worker computes, the API waits. */
import express from 'express';
import type { Request, RequestHandler, Response } from 'express';
import { isOpenEOError, OpenEOError } from '../../errors.ts';
import { choosePlan, freeBilling, type Billing } from '../../jobs/billing.ts';
import type { SyncAnswer } from '../../jobs/service.ts';
import type { Jobs } from '../../jobs/service.ts';
import { decodeNpy, encodeNpy, type NpyArray } from '../../operators/npy.ts';
import type { Operator, OperatorRegistry } from '../../operators/operator.ts';
import { checkAccelerator, type Accelerators } from '../../operators/accelerators.ts';
import { qualifiedName } from '../../operators/reference.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { bearerIdentity, type Authentication } from '../auth/authenticate.ts';
import type { Identity } from '../auth/identity.ts';
import type { CanRun } from './describe-operator.ts';
import { parseInference, type InferenceRequest } from './inference-request.ts';
import { findOperator } from './operators.ts';
import { outputTensor, refused } from './tensors.ts';

export interface InferenceService {
  readonly operators: OperatorRegistry;
  readonly canRun: CanRun;
  /** What the workers have; null: not known. Absent: nothing is refused for the lack of it. */
  readonly accelerators?: () => Accelerators | null;
  readonly jobs: Jobs;
  readonly objects: ObjectStore;
  readonly authentication: Authentication;
  readonly billing?: Billing;
  readonly timeoutSeconds: number;
  /** Values that the input of one request may have. */
  readonly maxSamples: number;
}

const MAX_BODY_BYTES = 32 * 1024 * 1024;
/** JSON of this size takes the API a fraction of a second; more has to come as bytes. */
const MAX_JSON_BYTES = 16 * 1024 * 1024;
/** Values that one request may bring, whatever their type: as many as fit into a body of float32. */
const MAX_VALUES = MAX_BODY_BYTES / 4;
/** Of all requests together: bodies are in memory while they are computed. */
const MAX_BYTES_AT_ONCE = 8 * MAX_BODY_BYTES;
/** How long a body may take to come in. */
const BODY_MS = 60_000;

/** Whoever calls must have an account: strangers are turned away before their body is read. */
export function inferHandlers(service: InferenceService): RequestHandler[] {
  const admit: RequestHandler = async (request, response, next) => {
    response.locals.identity = await bearerIdentity(request, service.authentication);
    next();
  };
  const read = express.raw({ type: () => true, limit: MAX_BODY_BYTES });
  return [admit, makeRoom(), read, (request, response) => inferTensor(service, request, response)];
}

/** Turns requests away whose bodies would not fit beside those that are here already. */
function makeRoom(): RequestHandler {
  let used = 0;
  return (request, response, next) => {
    // Packed or without a length it may become as long as is read.
    const isKnown = request.get('content-encoding') === undefined && request.get('content-length') !== undefined;
    const bytes = isKnown ? Math.min(Number(request.get('content-length')), MAX_BODY_BYTES) : MAX_BODY_BYTES;
    if (used + bytes > MAX_BYTES_AT_ONCE) throw new OpenEOError('InfrastructureBusy', {}, { detail: 'Too many large tensors are being computed.' });
    used += bytes;
    // Whoever claims room and sends nothing must not keep it from others.
    const late = setTimeout(() => request.complete || request.destroy(), BODY_MS);
    response.once('close', () => {
      clearTimeout(late);
      used -= bytes;
    });
    next();
  };
}

/** The path's model: name and version as a reference. */
export function referenceIn({ params }: Request): string {
  const { namespace, name = '', version } = params as { namespace?: string; name?: string; version?: string };
  return `${namespace === undefined ? '' : `${namespace}/`}${name}${version === undefined ? '' : `:${version}`}`;
}

async function inferTensor(service: InferenceService, request: Request, response: Response): Promise<void> {
  const { operators, jobs, objects, canRun, timeoutSeconds, maxSamples } = service;
  const { userId, groups } = response.locals.identity as Identity;
  const found = findOperator(operators, referenceIn(request)).operator;
  const inference = parseInference(bodyOf(request), jsonBytesOf(request), found.manifest, Math.min(maxSamples, MAX_VALUES));
  const operator = operators.resolve(pinned(found), inference.options);
  checkAccelerator(operator, service.accelerators?.() ?? null);
  if (!canRun(operator)) throw new OpenEOError('OperatorRuntimeUnavailable', { operator: `${operator.manifest.name}:${operator.manifest.version}`, reason: `this service does not run operators in '${operator.runtime}'` });
  const plan = choosePlan(service.billing ?? freeBilling, undefined, groups).name;
  const definition = { process: { process_graph: {} }, title: `infer ${qualifiedName(operator.manifest)}:${operator.manifest.version}`, plan };
  const client = new AbortController();
  const leave = () => client.abort(new ClientLeft());
  response.once('close', leave);
  try {
    const signal = AbortSignal.any([client.signal, AbortSignal.timeout(timeoutSeconds * 1000)]);
    const answer = await jobs.compute(userId, definition, signal, { isLimited: true, inference: { operator: operator.reference, input: encodeNpy(inference.shape, inference.data) } });
    send(response, operator, inference, await takeOutput(objects, answer));
  } catch (error) {
    // Nobody is there to be told.
    if (error instanceof ClientLeft) return;
    if (isOpenEOError(error, 'RequestTimeout')) throw new OpenEOError('RequestTimeout', {}, { detail: `It took longer than ${timeoutSeconds} s; send fewer blocks in a request.` });
    throw error;
  } finally {
    response.off('close', leave);
  }
}

class ClientLeft extends Error {}

/** Without parameters: those of the request come in their place. */
function pinned({ manifest, digest }: Operator): string {
  return `${qualifiedName(manifest)}@${digest}`;
}

function bodyOf(request: Request): Buffer {
  if (!Buffer.isBuffer(request.body) || request.body.length === 0) throw refused('body', 'the request has none');
  if (jsonBytesOf(request) === null && request.body.length > MAX_JSON_BYTES) throw new OpenEOError('BodyTooLarge', { limit: MAX_JSON_BYTES }, { detail: `Send values as bytes behind the JSON (up to ${MAX_BODY_BYTES}), or fewer blocks.` });
  return request.body;
}

/** Of the binary extension: where the JSON ends. null: it is all JSON. */
function jsonBytesOf(request: Request): number | null {
  const header = request.get('inference-header-content-length');
  if (header === undefined) return null;
  const length = /^\d{1,9}$/.test(header) ? Number(header) : Number.NaN;
  if (!(length > 0 && length <= MAX_JSON_BYTES && length <= (request.body as Buffer).length)) throw refused('Inference-Header-Content-Length', 'it must be the number of bytes of the JSON at the beginning of the body');
  return length;
}

/** Reads what the worker wrote, and deletes it: numbers of this size are sent from memory. */
async function takeOutput(objects: ObjectStore, answer: SyncAnswer): Promise<NpyArray> {
  const [file] = answer.files;
  try {
    const bytes = file ? await objects.get(file.objectKey) : null;
    if (bytes === null) throw new OpenEOError('StorageFailure', {});
    return decodeNpy(bytes);
  } finally {
    await answer.discard();
  }
}

function send(response: Response, { manifest }: Operator, { id, isBinary }: InferenceRequest, { shape, data }: NpyArray): void {
  const { name, datatype } = outputTensor(manifest);
  const values = isBinary ? { parameters: { binary_data_size: data.byteLength } } : { data: Array.from(data) };
  const answer = {
    model_name: qualifiedName(manifest), model_version: manifest.version, ...(id === undefined ? {} : { id }),
    outputs: [{ name, datatype, shape, ...values }],
  };
  response.set('Cache-Control', 'no-store');
  if (!isBinary) return void response.json(answer);
  const json = Buffer.from(JSON.stringify(answer));
  response.set({ 'Content-Type': 'application/octet-stream', 'Inference-Header-Content-Length': String(json.length) });
  response.send(Buffer.concat([json, Buffer.from(data.buffer, data.byteOffset, data.byteLength)]));
}
