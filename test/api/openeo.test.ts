/** Discovery, accounts, validation and errors over HTTP, as clients meet them. */
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collection, startService } from './service.ts';
import type { TestService } from './service.ts';

let service: TestService;
let bearer: Record<string, string>;

beforeAll(async () => {
  service = await startService();
  bearer = await service.token();
});
afterAll(() => service.close());

const api = (path: string, init: RequestInit = {}, version = '1.3') => fetch(`${service.url}/openeo/${version}${path}`, init);
const json = async (answer: Response) => answer.json() as Promise<Record<string, never>>;
const post = (path: string, body: unknown, headers: Record<string, string> = bearer) => api(path, {
  method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body),
});

describe('discovery', () => {
  it('lists both versions with absolute URLs and the production flag', async () => {
    expect(await json(await fetch(`${service.url}/.well-known/openeo`))).toEqual({ versions: [
      { url: `${service.url}/openeo/1.2/`, api_version: '1.2.0', production: false },
      { url: `${service.url}/openeo/1.3/`, api_version: '1.3.0', production: false },
    ] });
  });

  it.each([['1.2', '1.2.0'], ['1.3', '1.3.0']])('describes version %s', async (path, version) => {
    const found = await json(await api('/', {}, path));
    expect(found).toMatchObject({ api_version: version, type: 'Catalog', id: 'lamina', production: false, backend_version: '0.1.0', stac_version: '1.1.0' });
    // Without a file of plans nothing costs anything.
    expect(found['billing']).toMatchObject({ currency: null, default_plan: 'free', plans: [{ name: 'free', paid: false }] });
    expect(found.conformsTo).toContain(`https://api.openeo.org/${version}`);
    expect(found).toMatchObject({ conformsTo: (await json(await api('/conformance', {}, path))).conformsTo });
    expect(found.endpoints).toEqual(expect.arrayContaining([
      { path: '/jobs', methods: ['GET', 'POST'] },
      { path: '/jobs/{job_id}', methods: ['GET', 'PATCH', 'DELETE'] },
      { path: '/jobs/{job_id}/results', methods: ['GET', 'POST', 'DELETE'] },
      { path: '/collections/{collection_id}', methods: ['GET'] },
      { path: '/credentials/basic', methods: ['GET'] },
    ]));
    const paths = (found.endpoints as unknown as { path: string }[]).map((endpoint) => endpoint.path);
    expect(new Set(paths).size).toBe(paths.length);
    expect(paths).not.toContain('/');
    expect(paths).not.toContain('/result/{request_id}/logs');
  });

  it('answers every endpoint that it lists, in both versions', async () => {
    for (const version of ['1.2', '1.3']) {
      const { endpoints } = await json(await api('/', {}, version)) as unknown as { endpoints: { path: string; methods: string[] }[] };
      for (const { path, methods } of endpoints) {
        for (const method of methods) {
          const answer = await api(path.replace(/\{\w+\}/, 'nothing'), { method, headers: bearer }, version);
          const { code } = answer.ok ? { code: '' } : await json(answer);
          expect(['NotFound', 'FeatureUnsupported', 'Internal'], `${method} ${path}`).not.toContain(code);
        }
      }
    }
  });

  it('names JWTs in 1.3.0 only, once', async () => {
    const classes = async (version: string) => ((await json(await api('/conformance', {}, version))).conformsTo as unknown as string[]).filter((name) => name.endsWith('/authentication/jwt'));
    expect(await classes('1.3')).toEqual(['https://api.openeo.org/1.3.0/authentication/jwt']);
    expect(await classes('1.2')).toEqual([]);
  });

  it('lists and describes collections, whose ids may have slashes, with links of this service', async () => {
    const { collections } = await json(await api('/collections')) as unknown as { collections: { id: string }[] };
    expect(collections.map(({ id }) => id)).toEqual(['S2/L2A']);
    for (const path of ['/collections/S2/L2A', '/collections/S2%2FL2A']) {
      const found = await json(await api(path)) as unknown as { links: { rel: string; href: string }[] };
      expect(found).toMatchObject({ id: 'S2/L2A', summaries: collection.summaries, 'cube:dimensions': collection['cube:dimensions'] });
      expect(found.links.filter(({ rel }) => rel === 'self')).toEqual([{ rel: 'self', href: `${service.url}/openeo/1.3/collections/S2/L2A`, type: 'application/json' }]);
      expect(found.links).toContainEqual({ rel: 'license', href: 'https://example.org/licence' });
      expect(found.links).toContainEqual({ rel: 'xyz', href: `${service.url}/tiles/S2/{z}/{x}/{y}.png` });
      expect(JSON.stringify(found)).not.toContain('file:');
    }
    const unknown = await api('/collections/NOPE');
    expect(unknown.status).toBe(404);
    expect(await json(unknown)).toMatchObject({ code: 'CollectionNotFound', message: expect.stringContaining('NOPE') });
  });

  it('lists processes with their version, and file formats', async () => {
    const found = await json(await api('/processes'));
    expect(found).toMatchObject({ version: '2.0.0-rc.2' });
    expect((found.processes as unknown as { id: string }[]).map(({ id }) => id)).toEqual(['add', 'load_collection', 'save_result', 'absolute']);
    expect(await json(await api('/file_formats'))).toMatchObject({ input: {}, output: { GTiff: { gis_data_types: ['raster'], parameters: {} } } });
  });
});

describe('accounts', () => {
  const basic = (credentials: string) => api('/credentials/basic', { headers: { Authorization: `Basic ${btoa(credentials)}` } });

  it('gives a token that works plainly and with the old prefix, in both versions', async () => {
    const answer = await basic('ann:secret');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const { access_token: token } = await json(answer) as unknown as { access_token: string };
    const [, payload] = token.split('.');
    expect(JSON.parse(Buffer.from(payload!, 'base64url').toString())).toMatchObject({ sub: 'ann', iss: expect.stringContaining('/credentials/basic'), exp: expect.any(Number) });
    for (const version of ['1.2', '1.3']) {
      for (const given of [token, `basic//${token}`]) {
        const me = await api('/me', { headers: { Authorization: `Bearer ${given}` } }, version);
        expect(await json(me)).toMatchObject({ user_id: 'ann', name: 'ann' });
      }
    }
  });

  it.each([
    ['no header', undefined, 401, 'AuthenticationRequired'],
    ['another scheme', `Basic ${btoa('ann:secret')}`, 403, 'AuthenticationSchemeInvalid'],
    ['another provider', 'Bearer oidc/egi/abc', 403, 'AuthenticationSchemeInvalid'],
    ['no token', 'Bearer', 403, 'TokenInvalid'],
    ['an empty token', 'Bearer basic//', 403, 'TokenInvalid'],
    ['nonsense', 'Bearer nonsense', 403, 'TokenInvalid'],
    ['an unsigned token', `Bearer ${btoa('{"alg":"none"}')}.${btoa('{"sub":"ann","iss":"x","exp":9999999999,"aud":"lamina"}')}.`, 403, 'TokenInvalid'],
  ])('refuses %s', async (_, authorization, status, code) => {
    const answer = await api('/me', { headers: authorization === undefined ? {} : { Authorization: authorization } });
    expect(answer.status).toBe(status);
    expect(await json(answer)).toMatchObject({ code });
    expect(answer.headers.has('www-authenticate')).toBe(status === 401);
  });

  it.each([['ann:wrong', 403, 'CredentialsInvalid'], ['eve:secret', 403, 'CredentialsInvalid'], ['ann', 403, 'CredentialsInvalid']])('refuses the credentials %s', async (credentials, status, code) => {
    const answer = await basic(credentials);
    expect(answer.status).toBe(status);
    expect(await json(answer)).toMatchObject({ code });
  });

  it('wants credentials of the right scheme', async () => {
    expect((await api('/credentials/basic')).status).toBe(401);
    expect(await json(await api('/credentials/basic', { headers: bearer }))).toMatchObject({ code: 'AuthenticationSchemeInvalid' });
  });

  it('makes whoever guesses wait, and nobody else', async () => {
    for (let i = 0; i < 10; i++) expect((await basic('bob:guess')).status).toBe(403);
    const locked = await basic('bob:other');
    expect(locked.status).toBe(403);
    expect(Number(locked.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await json(locked)).toMatchObject({ code: 'CredentialsInvalid', message: expect.stringContaining('try again in') });
    expect((await basic('ann:secret')).status).toBe(200);
  });
});

describe('validation', () => {
  const graph = (node: object) => ({ process_graph: { a: { process_id: 'add', arguments: { x: 1, y: 2 }, result: true, ...node } } });

  it('finds nothing wrong with a good process, nulls and all, for anybody', async () => {
    const answer = await post('/validation', { id: null, description: null, ...graph({ description: null }) }, {});
    expect(answer.status).toBe(200);
    expect(await json(answer)).toEqual({ errors: [] });
  });

  it.each([
    ['an unknown process', graph({ process_id: 'nope' }), 'ProcessUnsupported', /'nope'.*'a'|'a'.*'nope'/],
    ['a missing argument', graph({ arguments: { x: 1 } }), 'ProcessParameterRequired', /'add'.*'y'/],
    ['a mistyped argument', graph({ arguments: { x: 1, y: 'two' } }), 'ProcessParameterInvalid', /'y'.*'add'/],
    ['two result nodes', { process_graph: { ...graph({}).process_graph, b: { process_id: 'add', arguments: { x: 1, y: 2 }, result: true } } }, 'ProcessGraphInvalid', /'a', 'b'/],
    ['no process graph', {}, 'ProcessGraphMissing', /./],
  ])('tells of %s with 200', async (_, process, code, message) => {
    const answer = await post('/validation', process);
    expect(answer.status).toBe(200);
    const { errors } = await json(answer) as unknown as { errors: { code: string; message: string; id: string }[] };
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ code, id: expect.any(String) });
    expect(errors[0]!.message).toMatch(message);
  });

  it.each([
    ['malformed JSON', '{"process_graph": {', 'application/json', 'ProcessInvalid'],
    ['an array', '[]', 'application/json', 'ProcessInvalid'],
    ['a bare text', '"text"', 'application/json', 'ProcessInvalid'],
    ['null', 'null', 'application/json', 'ProcessInvalid'],
    ['nothing', '', 'application/json', 'ProcessInvalid'],
    ['another media type', 'a=b', 'application/x-www-form-urlencoded', 'ContentTypeInvalid'],
    ['another charset', '{}', 'application/json; charset=utf-9', 'ContentTypeInvalid'],
    ['too much', `{"a":"${'x'.repeat(9 * 1024 * 1024)}"}`, 'application/json', 'BodyTooLarge', 413],
  ])('refuses %s', async (_, body, type, code, status = 400) => {
    const answer = await post('/validation', body, { 'Content-Type': type });
    expect(answer.status).toBe(status);
    expect(await json(answer)).toMatchObject({ code, message: expect.any(String), id: expect.any(String), links: [] });
    expect((await api('/')).status).toBe(200);
  });
});

describe('every answer', () => {
  it('may be read by scripts of any origin, errors too', async () => {
    for (const path of ['/', '/me', '/nothing', '/collections/NOPE']) {
      const { headers } = await api(path, { headers: { Origin: 'https://editor.openeo.org' } });
      expect(headers.get('access-control-allow-origin')).toBe('*');
      const exposed = headers.get('access-control-expose-headers')!.split(', ');
      expect(exposed).toEqual(expect.arrayContaining(['Link', 'Location', 'OpenEO-Costs', 'OpenEO-Identifier']));
      expect(exposed).not.toEqual(expect.arrayContaining(['Content-Type']));
    }
  });

  it.each(['/openeo/1.3/jobs', '/openeo/1.3/nothing', '/assets/results/a/1/b.tif', '/.well-known/openeo', '/stac'])('has OPTIONS %s', async (path) => {
    const answer = await fetch(service.url + path, { method: 'OPTIONS' });
    expect(answer.status).toBe(204);
    expect(await answer.text()).toBe('');
    for (const name of ['Authorization', 'Content-Type', 'Range']) expect(answer.headers.get('access-control-allow-headers')).toContain(name);
    for (const name of ['GET', 'POST', 'PATCH', 'DELETE']) expect(answer.headers.get('access-control-allow-methods')).toContain(name);
  });

  it('is the same with doubled and trailing slashes', async () => {
    expect(await json(await fetch(`${service.url}//openeo/1.3//conformance/`))).toHaveProperty('conformsTo');
  });

  it.each([
    ['/openeo/1.1/collections', 404, 'UnsupportedApiVersion'],
    ['/openeo/0.4', 404, 'UnsupportedApiVersion'],
    ['/openeo/1.3/no/such/path', 404, 'NotFound'],
    ['/nothing', 404, 'NotFound'],
    ['/openeo/1.3/collections/%ff', 404, 'NotFound'],
    ['/openeo/1.3/credentials/oidc', 501, 'FeatureUnsupported'],
  ])('to %s is %d %s', async (path, status, code) => {
    const answer = await fetch(service.url + path);
    expect(answer.status).toBe(status);
    expect(await json(answer)).toMatchObject({ code });
  });

  it('says which methods an endpoint has', async () => {
    const answer = await api('/collections', { method: 'DELETE' });
    expect(answer.status).toBe(501);
    expect(answer.headers.get('allow')).toBe('GET');
  });

  it('keeps unforeseen errors to the log', async () => {
    const answer = await fetch(`${service.url}/broken`);
    expect(answer.status).toBe(500);
    const body = await answer.text();
    expect(body).not.toMatch(/secret of the house|\.ts|\/work/);
    const { id, code } = JSON.parse(body) as { id: string; code: string };
    expect(code).toBe('Internal');
    const entry = service.logged.find(({ data }) => (data as { error_id?: string } | undefined)?.error_id === id);
    expect(entry?.message).toContain('secret of the house');
  });

  it('is compressed when it is long and the client likes it', async () => {
    const read = (encoding: string, more: Record<string, string> = {}) => new Promise<{ status: number; etag: string; encoding: string | undefined; vary: string | undefined; sizeBytes: number }>((resolve, reject) => {
      httpRequest(`${service.url}/openeo/1.3/processes`, { headers: { 'Accept-Encoding': encoding, ...more } }, (answer) => {
        let sizeBytes = 0;
        const { etag, vary, 'content-encoding': used } = answer.headers;
        answer.on('data', (chunk: Buffer) => (sizeBytes += chunk.length));
        answer.on('end', () => resolve({ status: answer.statusCode!, etag: etag!, encoding: used, vary, sizeBytes }));
      }).on('error', reject).end();
    });
    const plain = await read('identity');
    expect(plain.encoding).toBeUndefined();
    for (const encoding of ['zstd', 'br', 'gzip']) {
      const packed = await read(encoding);
      expect(packed).toMatchObject({ encoding, vary: expect.stringContaining('Accept-Encoding') });
      expect(packed.sizeBytes).toBeLessThan(plain.sizeBytes / 2);
    }
    expect(await read('br', { 'If-None-Match': (await read('br')).etag })).toMatchObject({ status: 304, sizeBytes: 0 });
  });

  it('answers HEAD', async () => {
    const answer = await api('/processes', { method: 'HEAD' });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe('');
  });

  it('takes its URL from the Host header, never from forwarding headers, and from no evil host', async () => {
    const selfOf = (headers: Record<string, string>) => new Promise<string>((resolve, reject) => {
      httpRequest(`${service.url}/.well-known/openeo`, { headers }, (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
        answer.on('end', () => resolve((JSON.parse(text) as { versions: { url: string }[] }).versions[0]!.url));
      }).on('error', reject).end();
    });
    expect(await selfOf({ Host: 'eo.example:81' })).toBe('http://eo.example:81/openeo/1.2/');
    expect(await selfOf({ Host: 'eo.example', 'X-Forwarded-Host': 'evil', 'X-Forwarded-Proto': 'https', Forwarded: 'host=evil' })).toBe('http://eo.example/openeo/1.2/');
    expect(await selfOf({ Host: 'a"<b>' })).toBe('http://localhost/openeo/1.2/');
  });

  it('is there for health checks', async () => {
    expect(await json(await fetch(`${service.url}/health`))).toEqual({ status: 'ok' });
  });
});
