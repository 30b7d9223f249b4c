/** A small STAC server for tests: documents by path, files with byte ranges. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { guardedFetch } from '../../../src/catalog/remote/guarded-fetch.ts';
import { RemoteStac, type RemoteLoad, type RemoteStacOptions } from '../../../src/catalog/remote/remote-stac.ts';
import { RasterCache } from '../../../src/formats/cog/raster-cache.ts';
import type { LoadStacRequest } from '../../../src/graph/scope.ts';
import { createLog, type LogEntry } from '../../../src/log.ts';

export type Answer = object | ((request: IncomingMessage, response: ServerResponse) => void);

export interface StacServer {
  readonly url: string;
  /** 'host:port', as LAMINA_ALLOWED_HOSTS has it. */
  readonly host: string;
  /** Path → JSON document, or a function that answers. */
  readonly documents: Map<string, Answer>;
  /** Path → file. */
  readonly files: Map<string, string>;
  /** Paths with queries, in the order in which they were asked for. */
  readonly requests: string[];
  close(): Promise<void>;
}

export async function startStacServer(): Promise<StacServer> {
  const documents = new Map<string, Answer>();
  const files = new Map<string, string>();
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url!);
    const path = new URL(request.url!, 'http://x').pathname;
    const document = documents.get(path);
    const file = files.get(path);
    if (typeof document === 'function') document(request, response);
    else if (document) response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document));
    else if (file) sendRange(file, request, response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}`, host, documents, files, requests,
    close: () => new Promise((done) => {
      server.closeAllConnections();
      server.close(() => done());
    }),
  };
}

function sendRange(file: string, { headers }: IncomingMessage, response: ServerResponse): void {
  const content = readFileSync(file);
  const etag = `"${createHash('md5').update(content).digest('hex')}"`;
  const [, from, to] = /bytes=(\d+)-(\d+)/.exec(headers.range ?? '') ?? [];
  if (from === undefined) return void response.writeHead(200, { etag, 'content-length': content.length }).end(content);
  const part = content.subarray(Number(from), Number(to) + 1);
  response.writeHead(206, { etag, 'content-length': part.length, 'content-range': `bytes ${from}-${Number(from) + part.length - 1}/${content.length}` }).end(part);
}

/** load_stac over this server; `allowed` defaults to it. */
export function remoteStac(server: StacServer, options: Partial<RemoteStacOptions> & { readonly allowedHosts?: readonly string[] } = {}) {
  const { allowedHosts = [server.host], ...rest } = options;
  const fetch = guardedFetch({ allowedHosts });
  const cache = new RasterCache();
  const remote = new RemoteStac({ fetch, rasters: cache.forUrls({ fetch, attempts: 1 }), ...rest });
  const log: LogEntry[] = [];
  const load = (request: Partial<LoadStacRequest> & { readonly url: string }, run: Partial<RemoteLoad> = {}) => remote.load(
    { spatialExtent: null, temporalExtent: null, bands: null, properties: null, ...request },
    { signal: new AbortController().signal, log: createLog((entry) => void log.push(entry), 'debug'), bbox: null, ...run },
  );
  return { load, log, cache };
}

/** A STAC item of one asset or several; `more` goes over everything. */
export function item(id: string, assets: object, more: { readonly properties?: object; readonly [key: string]: unknown } = {}) {
  const { properties, ...rest } = more;
  return {
    type: 'Feature', stac_version: '1.1.0', stac_extensions: [], id, links: [] as object[],
    bbox: [4.4, 50.53, 4.43, 50.55], geometry: { type: 'Polygon', coordinates: [[[4.4, 50.53], [4.43, 50.53], [4.43, 50.55], [4.4, 50.55], [4.4, 50.53]]] },
    properties: { datetime: '2021-01-01T00:00:00Z', ...properties }, assets, ...rest,
  };
}
