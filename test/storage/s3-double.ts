/**
 * An S3 server for tests: fauxqs, with the conditional writes of S3 in front of it, which it lacks.
 * It counts requests and can be made unreachable.
 */
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { startFauxqs } from 'fauxqs';

export interface S3Double {
  readonly port: number;
  /** 'GET /bucket/key 200', in the order of the answers. */
  readonly requests: string[];
  /** While true, connections are cut. */
  isDown: boolean;
  /** While true, conditions of writes are ignored, as some servers do. */
  isCareless: boolean;
  stop(): Promise<void>;
}

export async function startS3(): Promise<S3Double> {
  const upstream = await startFauxqs({ port: 0, host: '127.0.0.1', logger: false });
  const requests: string[] = [];
  const writes = new Map<string, Promise<void>>();
  const double = { port: 0, requests, isDown: false, isCareless: false, stop };
  const server = createServer((incoming, outgoing) => {
    if (double.isDown) return void incoming.socket.destroy();
    outgoing.on('finish', () => requests.push(`${incoming.method} ${incoming.url!.split('?')[0]} ${outgoing.statusCode}`));
    if (double.isCareless) ['if-match', 'if-none-match'].filter(() => incoming.method !== 'GET').forEach((name) => delete incoming.headers[name]);
    void answer(upstream.port, writes, incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  double.port = (server.address() as AddressInfo).port;
  return double;

  async function stop(): Promise<void> {
    server.closeAllConnections();
    await new Promise((resolve) => { server.close(resolve); });
    await upstream.stop();
  }
}

/** Conditional writes of one key take turns. */
async function answer(port: number, writes: Map<string, Promise<void>>, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = incoming.headers;
  const key = incoming.url!.split('?')[0]!;
  if (!['PUT', 'POST'].includes(incoming.method!) || (ifMatch === undefined && ifNoneMatch === undefined)) return send(port, incoming, outgoing);
  const body = await buffer(incoming);
  const turn = (writes.get(key) ?? Promise.resolve()).then(async () => {
    const current = await etagOf(port, key);
    const isRefused = ifMatch !== undefined ? current !== ifMatch : current !== null;
    if (!isRefused) return send(port, incoming, outgoing, body);
    const isAbsent = ifMatch !== undefined && current === null;
    outgoing.writeHead(isAbsent ? 404 : 412, { 'content-type': 'application/xml' })
      .end(`<Error><Code>${isAbsent ? 'NoSuchKey' : 'PreconditionFailed'}</Code></Error>`);
  });
  writes.set(key, turn.catch(() => {}));
  return turn;
}

function send(port: number, incoming: IncomingMessage, outgoing: ServerResponse, body?: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const { 'if-match': _, ...headers } = incoming.headers;
    const onward = forward({ port, host: '127.0.0.1', method: incoming.method, path: incoming.url, headers }, (answered) => {
      outgoing.writeHead(answered.statusCode!, answered.headers);
      answered.pipe(outgoing).on('finish', resolve).on('close', resolve);
    });
    onward.on('error', reject);
    if (body) onward.end(body);
    else incoming.pipe(onward);
  });
}

function etagOf(port: number, path: string): Promise<string | null> {
  return new Promise((resolve, reject) => {
    forward({ port, host: '127.0.0.1', method: 'HEAD', path }, (answered) => {
      answered.resume();
      resolve(answered.statusCode === 200 ? answered.headers.etag ?? '' : null);
    }).on('error', reject).end();
  });
}
