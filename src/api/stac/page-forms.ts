/** A page of items in the form that a client asks for: GeoJSON, lines of JSON, or a stac-geoparquet table. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Request, Response } from 'express';
import { exportItems, NDJSON_TYPE, PARQUET_TYPE } from '../../catalog/bulk/export-items.ts';
import type { StacLink } from '../../catalog/types.ts';
import { GEOJSON_TYPE, inVersion, invalidParameter, JSON_TYPE, sendJson } from './respond.ts';

type Form = 'json' | 'ndjson' | 'parquet';

/** As `f` names them → media types by which `Accept` asks for them. */
const forms: Readonly<Record<Form, string>> = { json: GEOJSON_TYPE, ndjson: NDJSON_TYPE, parquet: PARQUET_TYPE };

/**
 * Answers with a page as `presentPage` made it. Forms that have no room for links tell the next page in a header `Link`,
 * and the number of matches in `OGC-NumberMatched`. Throws StacRequestError (400) for a form that there is not.
 */
export async function sendPage(request: Request, response: Response, page: Readonly<Record<string, unknown>>): Promise<void> {
  response.vary('Accept');
  const form = formOf(request);
  if (form === 'json') return sendJson(response, page, GEOJSON_TYPE);
  const { features, links } = inVersion(response, page) as { features: readonly object[]; links: readonly StacLink[] };
  const next = links.find(({ rel, method = 'GET' }) => rel === 'next' && method === 'GET');
  if (next) response.set('Link', `<${next.href}>; rel="next"; type="${forms[form]}"`);
  if (typeof page['numberMatched'] === 'number') response.set('OGC-NumberMatched', `${page['numberMatched']}`);
  response.set('Content-Type', forms[form]);
  response.send(form === 'parquet' ? await tableOf(features) : Buffer.from(features.map((feature) => `${JSON.stringify(feature)}\n`).join('')));
}

function formOf(request: Request): Form {
  const { f } = request.query;
  if (f !== undefined && f !== 'html') {
    if (typeof f === 'string' && Object.hasOwn(forms, f)) return f as Form;
    throw invalidParameter('f', `it must be one of ${Object.keys(forms).join(', ')}`);
  }
  // Programs that take anything get GeoJSON.
  const wanted = request.accepts([GEOJSON_TYPE, JSON_TYPE, NDJSON_TYPE, PARQUET_TYPE]);
  return wanted === NDJSON_TYPE ? 'ndjson' : wanted === PARQUET_TYPE ? 'parquet' : 'json';
}

/** A page is never so large that its table would not fit into memory. */
async function tableOf(features: readonly object[]): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'lamina-items-'));
  try {
    const path = join(folder, 'items.parquet');
    await exportItems(each(features), path, 'parquet');
    return await readFile(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function* each(features: readonly object[]): AsyncGenerator<object> {
  yield* features;
}
