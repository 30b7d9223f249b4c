/** For tests: an OCI registry in memory, as the distribution specification has it, that wants a token for everything. */
import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface OciDouble {
  /** 'host:port' */
  readonly host: string;
  /** 'GET /v2/… 200' */
  readonly requests: string[];
  /** By digest. */
  readonly blobs: Map<string, Buffer>;
  /** While false, nobody may ask what there is. */
  hasCatalog: boolean;
  stop(): Promise<void>;
}

const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const BASIC = `Basic ${Buffer.from('anna:secret word').toString('base64')}`;

export async function startOciDouble(): Promise<OciDouble> {
  const blobs = new Map<string, Buffer>();
  const manifests = new Map<string, Buffer>();
  const token = randomUUID();
  const double = { host: '', requests: [] as string[], blobs, hasCatalog: true, stop };
  const server = createServer((incoming, outgoing) => {
    outgoing.on('finish', () => double.requests.push(`${incoming.method} ${incoming.url} ${outgoing.statusCode}`));
    void answer(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  double.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return double;

  async function stop(): Promise<void> {
    server.closeAllConnections();
    await new Promise((resolve) => { server.close(resolve); });
  }

  async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(incoming.url!, 'http://x');
    const end = (status: number, headers: Record<string, string> = {}, body: Buffer | string = '') => void outgoing.writeHead(status, headers).end(incoming.method === 'HEAD' ? '' : body);
    if (pathname === '/token') return incoming.headers.authorization === BASIC ? end(200, {}, JSON.stringify({ token })) : end(401);
    if (incoming.headers.authorization !== `Bearer ${token}`) {
      await buffer(incoming);
      return end(401, { 'www-authenticate': `Bearer realm="http://${double.host}/token",service="double",scope="repository:x:pull,push"` });
    }
    if (pathname === '/v2/_catalog') return double.hasCatalog ? end(200, {}, JSON.stringify({ repositories: [...new Set([...manifests.keys()].map((key) => key.split(':')[0]!))] })) : end(404);
    const [, repository, kind, rest] = /^\/v2\/(.+)\/(tags|manifests|blobs)\/(.+)$/.exec(pathname) ?? [];
    if (kind === 'tags') {
      const tags = [...manifests.keys()].filter((key) => key.startsWith(`${repository}:`)).map((key) => key.slice(repository!.length + 1));
      return tags.length === 0 ? end(404) : end(200, {}, JSON.stringify({ name: repository, tags }));
    }
    if (kind === 'manifests' && incoming.method === 'PUT') {
      const bytes = await buffer(incoming);
      const { config, layers } = JSON.parse(bytes.toString()) as { config: { digest: string }; layers: { digest: string }[] };
      if (![config, ...layers].every(({ digest }) => blobs.has(digest))) return end(404);
      manifests.set(`${repository}:${rest}`, bytes);
      return end(201);
    }
    const found = kind === 'manifests' ? manifests.get(`${repository}:${rest}`) : blobs.get(rest ?? '');
    if (['GET', 'HEAD'].includes(incoming.method!)) return found ? end(200, { 'docker-content-digest': digestOf(found), 'content-length': String(found.length) }, found) : end(404);
    if (incoming.method === 'POST') return end(202, { location: `/v2/${repository}/blobs/uploads/${randomUUID()}?state=x` });
    const body = await buffer(incoming);
    if (digestOf(body) !== searchParams.get('digest') || searchParams.get('state') !== 'x') return end(400);
    blobs.set(digestOf(body), body);
    return end(201);
  }
}
