/** A proxy between the service and a server that spoils answers on purpose, and counts what is asked. */
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/**
 * error: status 500; reset: the connection breaks before the answer; truncated: it breaks in the middle of the
 * body; slow: the second half of the body never comes; flipped: a bit of the body is wrong.
 */
export type Fault = 'error' | 'reset' | 'truncated' | 'slow' | 'flipped';

export interface FaultyProxy {
  readonly url: string;
  /** 'METHOD /path' of every request since the last `watch`. */
  readonly seen: string[];
  /** Decides about each request from now on; null lets it through. */
  watch(decide: (method: string, path: string, count: number) => Fault | null): void;
  close(): Promise<void>;
}

export async function startFaultyProxy(port: number): Promise<FaultyProxy> {
  const seen: string[] = [];
  let decide: Parameters<FaultyProxy['watch']>[0] = () => null;
  const server = createServer((request, response) => {
    const { method = '', url = '' } = request;
    const path = url.split('?')[0]!;
    seen.push(`${method} ${path}`);
    const fault = decide(method, path, seen.length);
    void answer(request, response, port, fault).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    watch(next) {
      seen.length = 0;
      decide = next;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, port: number, fault: Fault | null): Promise<void> {
  const sent = await buffer(request);
  if (fault === 'reset') return void request.socket.destroy();
  if (fault === 'error') return void response.writeHead(500, { 'content-type': 'application/xml' }).end('<Error><Code>InternalError</Code><Message>spoilt</Message></Error>');
  const upstream = forward({ host: '127.0.0.1', port, method: request.method, path: request.url, headers: request.headers });
  const answered = new Promise<IncomingMessage>((resolve, reject) => upstream.once('response', resolve).once('error', reject));
  upstream.end(sent);
  const original = await answered;
  const body = await buffer(original);
  response.writeHead(original.statusCode!, original.headers);
  if (request.method === 'HEAD') return void response.end();
  if (fault === 'flipped' && body.length > 0) body[body.length >> 1]! ^= 0x08;
  if (fault !== 'truncated' && fault !== 'slow') return void response.end(body);
  response.write(body.subarray(0, body.length >> 1), () => fault === 'truncated' && setTimeout(() => request.socket.destroy(), 20));
}
