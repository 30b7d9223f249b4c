/** Operators as programs and people see them, and the questions of the Open Inference Protocol about models. */
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startOperatorService, type OperatorTestService } from './service.ts';

let service: OperatorTestService;
beforeAll(async () => void (service = await startOperatorService()));
afterAll(() => service.close());

async function get<T>(path: string, accept = 'application/json'): Promise<{ status: number; body: T; headers: Headers }> {
  const answer = await fetch(service.url + path, { headers: { Accept: accept } });
  return { status: answer.status, headers: answer.headers, body: (accept === 'text/html' ? await answer.text() : await answer.json()) as T };
}

interface Listed {
  readonly operators: readonly { name: string; version: string; is_available: boolean; links: { rel: string; href: string }[] }[];
}

describe('/operators', () => {
  it('lists the newest release of each', async () => {
    const { body, headers } = await get<Listed>('/operators');
    expect(body.operators.map(({ name, version, is_available: isAvailable }) => [name, version, isAvailable])).toEqual([['conv', '1.0.0', true], ['e2s/spectral', '2.1.0', true], ['other/spectral', '2.1.0', false], ['pca', '1.0.0', true]]);
    expect(headers.get('cache-control')).toContain('public');
  });

  it('describes each under every reference to it', async () => {
    const { body: list } = await get<Listed>('/operators');
    for (const { name, version, links } of list.operators) {
      const self = links.find(({ rel }) => rel === 'self')!.href;
      expect(await (await fetch(self)).json()).toMatchObject({ name, version });
    }
    const one = (await get<{ digest: string }>('/operators/e2s/spectral:2.1')).body;
    expect(one).toMatchObject({
      name: 'e2s/spectral', version: '2.1.0', latest: '2.1.0', versions: ['2.1.0', '2.0.0', '3.0.0-rc1'], kind: 'exec', runtime: 'bubblewrap',
      input: { bands: [{ name: 'B04' }, { name: 'B08' }], patch: 4, halo: 1, tensor: { name: 'pixels', datatype: 'FP32', shape: [-1, 2, -1, -1] } },
      output: { dimensions: 3, tensor: { shape: [-1, 3, -1, -1] } },
      parameters: [
        { name: 'gain', schema: { type: 'number', minimum: 0, maximum: 9 }, optional: false },
        { name: 'mode', schema: { type: 'string', enum: ['mean', 'median'] }, optional: true, default: 'mean' },
      ],
    });
    expect((await get(`/operators/e2s/spectral@${one.digest}`)).body).toEqual(one);
    expect((await get('/operators/e2s/spectral:3.0.0-rc1')).body).toMatchObject({ version: '3.0.0-rc1', latest: '2.1.0' });
  });

  it.each(['/operators/nothing', '/operators/pca:9', '/operators/podman/pca', '/operators/e2s/spectral%3Fgain=1', '/operators/PCA', '/operators/a/b/c/d'])('says of %s that it does not exist', async (path) => {
    expect(await get(path)).toMatchObject({ status: 404, body: { code: 'NotFound' } });
  });

  it('serves the schema of manifests under its own address, by which shipped ones are valid', async () => {
    const { href } = (await get<{ links: { rel: string; href: string }[] }>('/operators')).body.links.find(({ rel }) => rel === 'describedby')!;
    expect(href).toMatch(/^http:.*\/operators\/schemas\/v1\.0\.0\/operator\.schema\.json$/);
    const answer = await fetch(href);
    expect(answer.headers.get('content-type')).toMatch(/^application\/schema\+json/);
    expect(answer.headers.get('cache-control')).toContain('public');
    const schema = await answer.json() as { $id: string };
    expect(schema.$id).toBe(href);
    // By its address, as programs refer to it.
    const ajv = new Ajv2020({ strict: false });
    ajv.addSchema(schema);
    const validate = ajv.compile({ $ref: href });
    for (const name of ['pca', 'conv']) expect(validate(JSON.parse(readFileSync(`operators/${name}/operator.json`, 'utf8'))), name).toBe(true);
    expect(validate({ name: 'x' })).toBe(false);
  });

  it('shows people pages, whose texts are no markup', async () => {
    const list = await get<string>('/operators', 'text/html');
    expect(list.headers.get('content-type')).toMatch(/text\/html/);
    expect(list.body).toContain('<code>pca:1.0.0</code>');
    expect(list.body).toContain('(not here)');
    const page = (await get<string>('/operators/e2s/spectral', 'text/html')).body;
    expect(page).toContain('<title>Spectral &lt;indices&gt;');
    expect(page).not.toContain('<indices>');
    expect(page).toMatch(/requests\.post\(&quot;http[^&]*\/v2\/models\/e2s%2Fspectral\/versions\/2\.1\.0\/infer&quot;/);
    expect(page).toContain('must be given');
  });
});

describe('/v2', () => {
  it('says that it is alive and ready, and what it is', async () => {
    expect((await get('/v2')).body).toEqual({ name: 'lamina', version: '0.1.0', extensions: ['binary_tensor_data'] });
    expect(await get('/v2/health/live')).toMatchObject({ status: 200, body: { live: true } });
    expect(await get('/v2/health/ready')).toMatchObject({ status: 200, body: { ready: true } });
    expect((await get('/v2/models')).body).toEqual({ models: ['conv', 'e2s/spectral', 'other/spectral', 'pca'] });
  });

  it('describes models', async () => {
    const pca = {
      name: 'pca', versions: ['1.0.0'], platform: 'onnx_onnxv1',
      inputs: [{ name: 'pixels', datatype: 'FP32', shape: [-1, 9, -1, -1] }], outputs: [{ name: 'embedding', datatype: 'FP32', shape: [-1, 32, -1, -1] }],
    };
    expect((await get('/v2/models/pca')).body).toEqual(pca);
    expect((await get('/v2/models/pca/versions/1.0.0')).body).toEqual(pca);
    expect((await get('/v2/models/e2s/spectral')).body).toMatchObject({ name: 'e2s/spectral', versions: ['2.1.0', '2.0.0', '3.0.0-rc1'] });
    expect((await get('/v2/models/e2s/spectral/versions/2.0')).body).toEqual((await get('/v2/models/e2s%2Fspectral/versions/2')).body);
    expect((await get('/v2/models/e2s%2Fspectral/versions/2.0')).body).toMatchObject({ name: 'e2s/spectral', platform: 'lamina_exec' });
  });

  it('says which models can be called', async () => {
    expect(await get('/v2/models/pca/ready')).toMatchObject({ status: 200, body: { name: 'pca', ready: true } });
    expect(await get('/v2/models/pca/versions/1/ready')).toMatchObject({ status: 200 });
    expect(await get('/v2/models/other%2Fspectral/ready')).toMatchObject({ status: 503, body: { ready: false } });
    expect(await get('/v2/models/nothing/ready')).toMatchObject({ status: 404, body: { error: expect.stringContaining('pca:1.0.0') as unknown } });
  });

  it.each(['/v2/nothing', '/v2/models/pca/versions/1/train', '/v2/models/a/b/c'])('answers %s with an error that its clients read', async (path) => {
    expect(await get(path)).toMatchObject({ status: 404, body: { error: expect.stringContaining('/v2/models') as unknown, code: 'NotFound' } });
  });
});

describe('/v2/api', () => {
  interface Document {
    readonly servers: readonly { url: string }[];
    readonly paths: Readonly<Record<string, { get?: object; post?: { requestBody: { content: { 'application/json': { schema: { properties: Record<string, object>; required: string[] } } } } } }>>;
  }

  it('is a valid OpenAPI document, to which the list links', async () => {
    const list = (await get<{ links: { rel: string; href: string; type: string }[] }>('/operators')).body;
    const { href, type } = list.links.find(({ rel }) => rel === 'service-desc')!;
    const answer = await fetch(href);
    expect(answer.headers.get('content-type')).toBe(type);
    expect(await new Validator().validate(await answer.json() as Record<string, unknown>)).toMatchObject({ valid: true });
  });

  it('describes questions that are answered, and each operator with its parameters', async () => {
    const { body } = await get<Document>('/v2/api');
    const filled = (path: string) => path.replace('{name}', 'pca').replace('{version}', '1').replace('{reference}', 'pca:1');
    for (const [path, { get: question }] of Object.entries(body.paths)) if (question) expect([path, (await get(filled(path))).status]).toEqual([path, 200]);
    const { properties, required } = body.paths['/v2/models/e2s%2Fspectral/infer']!.post!.requestBody.content['application/json'].schema;
    expect(required).toEqual(['inputs', 'parameters']);
    expect(properties['parameters']).toMatchObject({ properties: { gain: { type: 'number', minimum: 0, maximum: 9 }, mode: { type: 'string', enum: ['mean', 'median'], default: 'mean' } }, required: ['gain'] });
    expect(Object.keys(body.paths).filter((path) => path.endsWith('/infer'))).toHaveLength(4);
  });
});
