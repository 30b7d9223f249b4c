/** For tests: a web server over a directory, with ETags, that counts what it is asked and can be unreachable or lie. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface HttpDouble {
  readonly url: string;
  /** 'GET operators/… 200' */
  readonly requests: string[];
  isDown: boolean;
  /** Changes what is sent. */
  change: ((path: string, bytes: Buffer) => Buffer) | null;
  /** How long an answer takes. */
  delayMs: number;
  stop(): Promise<void>;
}

export async function serveDirectory(directory: string): Promise<HttpDouble> {
  const double = { url: '', requests: [] as string[], isDown: false, change: null as HttpDouble['change'], delayMs: 0, stop };
  const server = createServer((request, response) => {
    if (double.isDown) return void request.socket.destroy();
    const path = decodeURIComponent(request.url!.slice(1));
    void delay(double.delayMs).then(() => readFile(join(directory, path))).catch(() => null).then((found) => {
      const bytes = found && (double.change?.(path, found) ?? found);
      const etag = bytes && `"${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}"`;
      const status = !bytes ? 404 : request.headers['if-none-match'] === etag ? 304 : 200;
      double.requests.push(`${request.method} ${path} ${status}`);
      response.writeHead(status, etag ? { etag, ...(status === 200 ? { 'content-length': bytes.length } : {}) } : {});
      response.end(status === 200 ? bytes : undefined);
    });
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  double.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return double;

  async function stop(): Promise<void> {
    server.closeAllConnections();
    await new Promise((resolve) => { server.close(resolve); });
  }
}
