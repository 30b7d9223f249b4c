/** POST /result: runs a process in a worker while the client waits, and sends what it wrote. */
import { Readable } from 'node:stream';
import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Request, Response } from 'express';
import { OpenEOError } from '../../errors.ts';
import { freeBilling } from '../../jobs/billing.ts';
import type { SyncAnswer } from '../../jobs/service.ts';
import { packerFor } from '../http/documents.ts';
import { withPlan } from './definition.ts';
import type { Context } from './endpoint.ts';
import { readProcessing } from './processing-parameters.ts';
import { checkPayment } from './job-results.ts';
import { enclosedDocument } from './result-document.ts';
import { tarOf } from './tar.ts';

export async function computeResult(context: Context, request: Request, response: Response): Promise<void> {
  const { jobs, userId, url, syncTimeoutSeconds } = context;
  const asked = withPlan(await readProcessing('synchronous', 'POST /result', context, request.body as Record<string, unknown>), context);
  const definition = { ...asked, ...(readsPythonsJson(request) && { non_finite: 'literal' as const }) };
  checkPayment(definition, context.billing ?? freeBilling, context.identity?.groups ?? []);
  const client = new AbortController();
  const leave = () => client.abort(new ClientLeft());
  response.once('close', leave);
  try {
    const signal = AbortSignal.any([client.signal, AbortSignal.timeout(syncTimeoutSeconds * 1000)]);
    const onAccepted = (id: string) => void response.set({ 'OpenEO-Identifier': id, Link: `<${url(request)}/result/${id}/logs>; rel="monitor"` });
    const answer = await jobs.compute(userId, definition, signal, { onAccepted, isLimited: true });
    try {
      await send(context, answer, request, response);
    } finally {
      await answer.discard();
    }
  } catch (error) {
    // Nobody is there to be told.
    if (!(error instanceof ClientLeft)) throw error;
  } finally {
    response.off('close', leave);
  }
}

class ClientLeft extends Error {}

/**
 * Whether the client reads results with Python's JSON module, which knows NaN and infinities, and whose users
 * would get texts among their numbers without them (ADR 0043). It can't be asked: openEO's client accepts anything.
 */
function readsPythonsJson(request: Request): boolean {
  return request.get('User-Agent')?.startsWith('openeo-python-client/') ?? false;
}

async function send(context: Context, answer: SyncAnswer, request: Request, response: Response): Promise<void> {
  for (const [name, value] of Object.entries(answer.facts ?? {})) response.set(`Lamina-${headerName(name)}`, String(value));
  const [file, ...more] = answer.files;
  if (file === undefined) throw new OpenEOError('Internal', { message: 'the process wrote no file.' });
  response.set('Cache-Control', 'no-store');
  if (typeof context.billing?.currency === 'string') response.set('OpenEO-Costs', String((await context.jobs.store.find(answer.id))?.costs ?? 0));
  if (more.length > 0) return sendTar(context, answer, request, response);
  const stream = await context.objects.stream(file.objectKey);
  if (stream === null) throw new OpenEOError('StorageFailure', {});
  response.set({ 'Content-Length': String(file.sizeBytes), 'Content-Disposition': disposition(file.name) });
  // Not response.set, which would add a charset to some types.
  response.setHeader('Content-Type', file.mediaType);
  const packer = packerFor(request, response, file.sizeBytes);
  await sendStream(packer ? [stream, packer] : [stream], response);
}

/** Several files go as one archive, with the STAC document that describes them. */
async function sendTar({ jobs, objects, baseUrl }: Context, answer: SyncAnswer, request: Request, response: Response): Promise<void> {
  const job = await jobs.store.find(answer.id);
  const files = answer.files.map((file) => ({ name: file.name, sizeBytes: file.sizeBytes, open: () => objects.stream(file.objectKey) }));
  if (job?.result) {
    const document = Buffer.from(JSON.stringify(enclosedDocument(job, job.result, baseUrl(request)), null, 2));
    files.push({ name: 'item.json', sizeBytes: document.length, open: async () => Readable.from([document]) });
  }
  response.set({ 'Content-Type': 'application/x-tar', 'Content-Disposition': disposition(`${answer.id}.tar`) });
  await sendStream([Readable.from(tarOf(files))], response);
}

async function sendStream(streams: readonly (Readable | Transform)[], response: Response): Promise<void> {
  await pipeline([...streams, response]).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  });
}

function disposition(name: string): string {
  return `attachment; filename*=UTF-8''${encodeURIComponent(name)}`;
}

/** blocks_cached → Blocks-Cached. */
function headerName(fact: string): string {
  return fact.split('_').map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('-');
}
