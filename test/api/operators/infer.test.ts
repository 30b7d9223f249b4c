/** Operators called directly, in the Open Inference Protocol. */
import { request } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { OpenEOError } from '../../../src/errors.ts';
import { openRegistry } from '../../../src/operators/registry/installed.ts';
import { largestDifference, noise, readGolden } from '../../operators/golden.ts';
import { startOperatorService, type OperatorTestService } from './service.ts';

let service: OperatorTestService;
beforeAll(async () => void (service = await startOperatorService()));
afterAll(() => service.close());
beforeEach(() => {
  service.called.length = 0;
  service.answer((length) => new Float32Array(length).fill(0.5));
});

interface Answer {
  readonly model_name: string;
  readonly model_version: string;
  readonly id?: string;
  readonly outputs: readonly { name: string; datatype: string; shape: number[]; data: number[] }[];
}

const pca = (await openRegistry('operators')).resolve('pca');
const golden = readGolden(pca);
const spectralInput = (changes: object = {}) => ({ name: 'pixels', datatype: 'FP32', shape: [1, 2, 6, 10], data: Array.from({ length: 120 }, (_, i) => i), ...changes });
const SPECTRAL = '/v2/models/e2s%2Fspectral/infer';
const call = (changes: object = {}, parameters: object = { gain: 2 }, more: object = {}) => service.post(SPECTRAL, { inputs: [spectralInput(changes)], parameters, ...more });

describe('inference', () => {
  it.each(golden.cases.map((c) => [`${c.rows} × ${c.columns}`, c] as const))('gives the golden vectors of pca: %s', async (_, c) => {
    const bands = pca.manifest.input.bands.length;
    const data = Array.from(noise(bands * c.rows * c.columns, c));
    const answer = await service.post('/v2/models/pca/versions/1/infer', { id: 'mine', inputs: [{ name: 'pixels', datatype: 'UINT16', shape: [1, bands, c.rows, c.columns], data }] });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const body = await answer.json() as Answer;
    expect(body).toMatchObject({ model_name: 'pca', model_version: '1.0.0', id: 'mine', outputs: [{ name: 'embedding', datatype: 'FP32', shape: [1, ...c.shape] }] });
    expect(largestDifference(body.outputs[0]!.data, c.expected)).toBeLessThan(golden.tolerance);
  });

  it('takes and gives values as bytes, several blocks at a time, and the same numbers', async () => {
    const [first] = golden.cases;
    const bands = pca.manifest.input.bands.length;
    const one = noise(bands * first!.rows * first!.columns, first!);
    const values = new Float32Array([...one, ...one.toReversed()]);
    const input = { name: 'pixels', datatype: 'FP32', shape: [2, bands, first!.rows, first!.columns] };
    const json = Buffer.from(JSON.stringify({ inputs: [{ ...input, parameters: { binary_data_size: values.byteLength } }], outputs: [{ name: 'embedding', parameters: { binary_data: true } }] }));
    const body = Buffer.concat([json, Buffer.from(values.buffer)]);
    const answer = await service.post('/v2/models/pca/infer', body, { ...await service.token(), 'Content-Type': 'application/octet-stream', 'Inference-Header-Content-Length': String(json.length) });
    expect(answer.status).toBe(200);
    const bytes = Buffer.from(await answer.arrayBuffer());
    const length = Number(answer.headers.get('inference-header-content-length'));
    expect(JSON.parse(bytes.subarray(0, length).toString())).toMatchObject({ outputs: [{ shape: [2, 32, 1, 1], parameters: { binary_data_size: 256 } }] });
    const vectors = new Float32Array(new Uint8Array(bytes.subarray(length)).buffer);
    expect(largestDifference(vectors.subarray(0, 32), first!.expected)).toBeLessThan(golden.tolerance);
    const plain = await (await service.post('/v2/models/pca/infer', { inputs: [{ ...input, data: Array.from(values) }] })).json() as Answer;
    expect(plain.outputs[0]!.data).toEqual(Array.from(vectors));
  });

  it('hands parameters on, and takes lists in lists', async () => {
    const data = [[[[1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]], [[0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]]]];
    const answer = await call({ shape: [1, 2, 6, 6], data }, { gain: 1.5, mode: 'median' });
    expect(await answer.json()).toMatchObject({ model_name: 'e2s/spectral', model_version: '2.1.0', outputs: [{ name: 'embedding', shape: [1, 3, 1, 1], data: [0.5, 0.5, 0.5] }] });
    expect(service.called).toEqual([{ params: { gain: 1.5, mode: 'median' }, length: 72 }]);
  });

  it('leaves no files and no waiting request behind, and says what was used', async () => {
    expect((await call()).status).toBe(200);
    const left = await Array.fromAsync(service.objects.list('results/'));
    expect(left).toEqual([]);
    const [job] = await service.database.query<{ status: string; usage: Record<string, { value: number }>; definition: { title: string } }>('select status, usage, definition from jobs where kind = $1 order by created desc limit 1', ['sync']);
    expect(job).toMatchObject({ status: 'finished', usage: { embedding_blocks: { value: 1 }, input_pixel: { value: 120 } }, definition: { title: 'infer e2s/spectral:2.1.0' } });
  });
});

describe('refusals', () => {
  it.each<[string, object, object, RegExp]>([
    ['a missing parameter', {}, {}, /'gain'.*requires/],
    ['a parameter out of range', {}, { gain: 10 }, /'gain'.*9 at most/],
    ['a parameter of the wrong type', {}, { gain: '2' }, /'gain'.*a number/],
    ['an unknown parameter', {}, { gain: 2, patchsize: 3 }, /'patchsize'.*no such parameter/],
    ['another input', { name: 'image' }, { gain: 2 }, /inputs.*'pixels'/],
    ['no shape', { shape: undefined }, { gain: 2 }, /'shape'/],
    ['three dimensions', { shape: [2, 6, 10] }, { gain: 2 }, /'shape'.*\[blocks, 2, rows, columns\]/],
    ['another number of bands', { shape: [1, 3, 6, 10] }, { gain: 2 }, /bands are B04, B08/],
    ['rows that are no patches', { shape: [1, 2, 7, 10] }, { gain: 2 }, /multiple of 4 and 2 more.*7 is not/],
    ['only surroundings', { shape: [1, 2, 2, 10] }, { gain: 2 }, /2 is not/],
    ['a negative length', { shape: [1, 2, -6, 10] }, { gain: 2 }, /'shape'/],
    ['too many blocks', { shape: [65, 2, 6, 6] }, { gain: 2 }, /64 blocks at most/],
    ['too many values', { shape: [1, 2, 4002, 4002] }, { gain: 2 }, /32032008 values.*300000/],
    ['a shape without end', { shape: [1, 2, 1e300, 10] }, { gain: 2 }, /'shape'/],
    ['too few values', { data: [1, 2] }, { gain: 2 }, /2 values, and the shape 120/],
    ['a value that is no number', { data: Array.from({ length: 120 }, (_, i) => (i === 7 ? null : i)) }, { gain: 2 }, /value 7 is no number/],
    ['a value too large for 32 bits', { data: Array.from({ length: 120 }, () => 1e300) }, { gain: 2 }, /finite numbers.*0 in place/],
    ['another datatype', { datatype: 'BYTES' }, { gain: 2 }, /'datatype'.*FP32/],
    ['a datatype of the prototype', { datatype: 'constructor' }, { gain: 2 }, /'datatype'/],
    ['bytes that are not there', { data: undefined, parameters: { binary_data_size: 480 } }, { gain: 2 }, /480 bytes as FP32/],
  ])('of %s come before anything is queued', async (_, input, parameters, reason) => {
    const answer = await call(input, parameters);
    expect(answer.status).toBe(400);
    const body = await answer.json() as { error: string; code: string; message: string };
    expect(body.error).toMatch(reason);
    expect(body).toMatchObject({ code: 'ProcessParameterInvalid', message: body.error });
    expect(service.called).toEqual([]);
  });

  it.each<[string, string, number, RegExp]>([
    ['an operator that does not exist', '/v2/models/nothing/infer', 404, /pca:1\.0\.0/],
    ['a version that does not exist', '/v2/models/pca/versions/7/infer', 404, /pca:1\.0\.0/],
    ['a runtime in the name', '/v2/models/podman%2Fpca/infer', 404, /chooses the runtime/],
    ['parameters in the name', '/v2/models/e2s%2Fspectral%3Fgain=2/infer', 404, /parameters stand in the request/],
    ['an operator that does not run here', '/v2/models/other%2Fspectral/infer', 400, /does not run operators in 'podman'/],
  ])('of %s', async (_, path, status, reason) => {
    const answer = await service.post(path, { inputs: [spectralInput()], parameters: { gain: 1 } });
    expect(answer.status).toBe(status);
    expect((await answer.json() as { error: string }).error).toMatch(reason);
  });

  it.each<[string, string | Buffer<ArrayBuffer>, Record<string, string>, number, RegExp]>([
    ['no JSON', '{', {}, 400, /not valid JSON/],
    ['a list', '[]', {}, 400, /JSON object/],
    ['broken UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), {}, 400, /UTF-8/],
    ['deep nesting', `{"inputs":${'['.repeat(50_000)}${']'.repeat(50_000)}}`, {}, 400, /nested/],
    ['a length that is none', '{}', { 'Inference-Header-Content-Length': '-1' }, 400, /Inference-Header-Content-Length/],
    ['a length beyond the end', '{}', { 'Inference-Header-Content-Length': '99' }, 400, /Inference-Header-Content-Length/],
    ['more JSON than is read', Buffer.alloc(17 * 1024 * 1024, ' '), {}, 413, /bytes behind the JSON/],
  ])('of a body with %s', async (_, body, headers, status, reason) => {
    const answer = await fetch(service.url + SPECTRAL, { method: 'POST', body, headers: { ...await service.token(), ...headers } });
    expect(answer.status).toBe(status);
    expect((await answer.json() as { error: string }).error).toMatch(reason);
  });

  it('of more bytes than are held at once, until the others are gone', async () => {
    const token = await service.token();
    const { hostname, port } = new URL(service.url);
    // They say how long they are and send nothing; eight fill the room, and four are turned away.
    const refused: (number | undefined)[] = [];
    const stuck = Array.from({ length: 12 }, () => {
      const open = request({ hostname, port, path: SPECTRAL, method: 'POST', headers: { ...token, 'Content-Length': String(32 * 1024 * 1024) } });
      open.on('error', () => {}).on('response', (answer) => refused.push(answer.statusCode));
      open.write('{');
      return open;
    });
    await expect.poll(() => refused, { timeout: 15_000 }).toEqual([503, 503, 503, 503]);
    const refusal = await call();
    expect(refusal.headers.get('retry-after')).toMatch(/^\d+$/);
    expect((await refusal.json() as { code: string }).code).toBe('InfrastructureBusy');
    for (const open of stuck) open.destroy();
    await expect.poll(async () => (await call()).status, { timeout: 15_000 }).toBe(200);
  });

  it('of an empty body, and of strangers before their body is read', async () => {
    expect((await fetch(service.url + SPECTRAL, { method: 'POST', headers: await service.token() })).status).toBe(400);
    const answer = await fetch(service.url + SPECTRAL, { method: 'POST', body: 'no JSON' });
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ code: 'AuthenticationRequired', error: expect.any(String) as unknown });
  });

  it.each<[string, ((length: number) => Float32Array) | Error, RegExp]>([
    ['gives NaN', (length) => new Float32Array(length).fill(Number.NaN), /no finite numbers/],
    ['gives too few', (length) => new Float32Array(length - 1), /not the 6 of \[3, 1, 2\]/],
    ['fails', new OpenEOError('OperatorFailed', { operator: 'spectral', reason: 'exit code 3: band missing' }), /exit code 3: band missing/],
  ])('of an operator that %s', async (_, answers, reason) => {
    service.answer(answers);
    const answer = await call();
    expect(answer.status).toBe(500);
    expect((await answer.json() as { error: string }).error).toMatch(reason);
    expect(await Array.fromAsync(service.objects.list('results/'))).toEqual([]);
  });

  it('tells nothing of an unforeseen error', async () => {
    service.answer(new Error('the password is geheim, in /root/secret'));
    const answer = await call();
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toMatch(/geheim|root/);
  });

  it('of one request too many of a user', async () => {
    for (let i = 0; i < 8; i++) await service.jobs.store.createSync('ann', { process: { process_graph: {} } });
    const answer = await call();
    expect(answer.status).toBe(429);
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    await service.database.query("update jobs set status = 'error' where kind = 'sync' and status = 'queued'");
    expect((await call()).status).toBe(200);
  });
});
