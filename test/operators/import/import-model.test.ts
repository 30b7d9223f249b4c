import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { silentLog } from '../../../src/log.ts';
import { importModel, type ModelOptions } from '../../../src/operators/import/import-model.ts';
import { valueInfo } from '../../../src/operators/import/onnx-nodes.ts';
import { bytesField, numberField } from '../../../src/operators/import/protobuf.ts';
import { describeOnnx } from '../../../src/operators/import/onnx-file.ts';
import { readOperator } from '../../../src/operators/manifest.ts';
import { encodeNpy } from '../../../src/operators/npy.ts';
import { checkGolden, goldenInput, largestDifference } from '../../../src/operators/package/golden.ts';
import { createOnnxRuntime } from '../../../src/operators/runtime/onnx.ts';

const models = fileURLToPath(new URL('models/', import.meta.url));
const expected = JSON.parse(readFileSync(`${models}expected.json`, 'utf8')) as Record<string, number[]>;
const work = mkdtempSync(join(tmpdir(), 'lamina-import-'));
const runtime = createOnnxRuntime({ threads: 1, log: silentLog });
afterAll(async () => {
  await runtime.close();
  rmSync(work, { recursive: true });
});

let count = 0;
const fresh = () => join(work, `op${count++}`);
const written = (name: string, content: string | Uint8Array) => {
  const path = join(work, `${count++}-${name}`);
  writeFileSync(path, content);
  return path;
};

const bandFacts = (...names: string[]) => names.map((name, i) => ({ name, 'eo:common_name': ['blue', 'green', 'red'][i], 'eo:center_wavelength': [0.493, 0.56, 0.665][i] }));
const item = (change: { properties?: object; input?: object } = {}) => ({
  type: 'Feature', stac_version: '1.1.0', id: 'x',
  properties: {
    'mlm:name': 'Demo Compressor', title: 'Demo', description: 'A demo.', license: 'Apache-2.0', version: '1.2.0', gsd: 10, bands: bandFacts('B02', 'B03', 'B04'),
    'mlm:input': [{ name: 'image', bands: ['B02', 'B03', 'B04'], input: { shape: [-1, 3, 8, 8], dim_order: ['batch', 'bands', 'height', 'width'], data_type: 'float32' },
      value_scaling: [[1000, 300], [1500, 500], [2000, 700]].map(([mean, stddev]) => ({ type: 'z-score', mean, stddev })), ...change.input }],
    'mlm:output': [{ name: 'tokens', result: {} }], ...change.properties,
  },
  assets: {},
});
const clay = `sentinel-2-l2a:
  band_order:
    - blue
    - green
    - red
  gsd: 10
  bands:
    mean:
      blue: 1000.
      green: 1500.
      red: 2000.
    std:
      blue: 300.
      green: 500.
      red: 700.
    wavelength:
      blue: 0.493
      green: 0.56
      red: 0.665
`;
const image = (bands: number) => goldenInput(bands * 8 * 16, { seed: 2, low: 200, high: 3000 });

/** Imports a model, fills in what only its author knows, and runs it as an operator. */
async function runImported(name: string, options: ModelOptions, input: Float32Array, rows: number, columns: number) {
  const folder = fresh();
  const draft = await importModel(`${models}${name}.onnx`, folder, options);
  const manifest = JSON.parse(readFileSync(join(folder, 'operator.json'), 'utf8'));
  const { dimensions } = manifest.output;
  const tables = {
    quantization: { int8: { scale: Array(dimensions).fill(1), offset: Array(dimensions).fill(0) } },
    rgb: { mean: Array(dimensions).fill(0), components: [0, 0, 0].map(() => Array(dimensions).fill(0)), low: [0, 0, 0], high: [1, 1, 1] },
  };
  const geometry = { input: { bands: (options.bands ?? ['a', 'b', 'c']).map((band) => ({ name: band })), fill: 0, gsd: 10, gsd_range: [5, 20] } };
  writeFileSync(join(folder, 'operator.json'), JSON.stringify({ license: 'MIT', ...geometry, ...tables, ...manifest }));
  const operator = await readOperator(folder);
  return { draft, operator, vectors: await runtime.run(operator, input, rows, columns) };
}

describe('a model', () => {
  it('that is an operator already is taken as it is; patch and halo are found by trying', async () => {
    const { draft, operator, vectors } = await runImported('grid', { bands: ['B02', 'B03'] }, goldenInput(2 * 64, { seed: 1, low: 200, high: 3000 }), 8, 8);
    expect(operator.manifest).toMatchObject({ patch: 4, halo: 2, output: { dimensions: 3 }, model: { input: 'image', output: 'vectors', opset: 13 } });
    expect(largestDifference(vectors, expected['grid']!)).toBeLessThan(1e-6);
    expect(draft.remarks.join()).not.toContain('seams');
    expect((await checkGolden(operator, runtime)).every((r) => r.isWithin)).toBe(true);
  });

  it('that looks beyond its patches is told of', async () => {
    const { remarks } = await importModel(`${models}padded.onnx`, fresh(), { bands: ['B02', 'B03'] });
    expect(remarks[0]).toMatch(/depend on pixels beyond a patch of 4 and a halo of 0: blocks would have seams/);
  });

  it.each([[undefined, 'tokens_mean'], ['class', 'tokens_class']] as const)('of tokens, with an MLM item, becomes vectors of chips (%s)', async (pooling, wanted) => {
    const path = written('item.json', JSON.stringify(item()));
    const { draft, operator, vectors } = await runImported('tokens', { item: path, ...(pooling && { pooling }) }, image(3), 8, 16);
    // PyTorch scaled the same pixels and ran the same weights, chip by chip.
    expect(largestDifference(vectors, expected[wanted]!)).toBeLessThan(2e-6);
    expect(operator.manifest).toMatchObject({
      name: 'demo-compressor', version: '1.2.0', license: 'Apache-2.0', patch: 8, halo: 0, output: { dimensions: 6 },
      input: { gsd: 10, bands: [{ name: 'B02', common_name: 'blue', center_wavelength: 0.493 }, { name: 'B03' }, { name: 'B04' }] },
    });
    expect(draft.missing).toEqual([expect.stringContaining('quantization is missing'), expect.stringContaining('rgb is missing')]);
    expect(draft.remarks.join()).toMatch(/scaling of values was put into the model.*one chip of 8 × 8/);
  });

  it('in the manner of Clay gets its wavelengths and resolution from the settings', async () => {
    const { draft, vectors } = await runImported('clay', { settings: written('metadata.yaml', clay), sensor: 'sentinel-2-l2a' }, image(3), 8, 16);
    expect(largestDifference(vectors, expected['clay']!)).toBeLessThan(5e-6);
    expect(draft.remarks).toEqual(expect.arrayContaining(["'waves' always gets [0.493, 0.56, 0.665]", "'gsd' always gets [10]", "'time' always gets [0, 0, 0, 0]"]));
  });

  it('in the manner of TerraTorch gets bands and scaling from its configuration', async () => {
    const settings = written('config.yaml', `model:\n  init_args:\n    model_args:\n      backbone_bands: [BLUE, GREEN, RED]\ndata:\n  init_args:\n    means: [1000., 1500.,\n      2000.]\n    stds:\n    - 300.\n    - 500.\n    - 700.\n`);
    const { operator, vectors } = await runImported('tokens', { settings }, image(3), 8, 16);
    expect(largestDifference(vectors, expected['tokens_mean']!)).toBeLessThan(2e-6);
    expect(operator.manifest.output.dimensions).toBe(6);
  });

  it('with samples is complete', async () => {
    const folder = fresh();
    const samples = written('samples.npy', encodeNpy([30, 3, 8, 16], goldenInput(30 * 3 * 128, { seed: 9, low: 200, high: 3000 })));
    const draft = await importModel(`${models}tokens.onnx`, folder, { item: written('item.json', JSON.stringify(item())), samples });
    expect(draft.missing).toEqual([]);
    const operator = await readOperator(folder);
    const { int8 } = operator.manifest.quantization;
    const vectors = await runtime.run(operator, goldenInput(3 * 128, { seed: 9, low: 200, high: 3000 }), 8, 16);
    for (let d = 0; d < 6; d++) for (const v of vectors.subarray(2 * d, 2 * d + 2)) expect(Math.abs((v - int8.offset[d]!) / int8.scale[d]!)).toBeLessThanOrEqual(127.01);
    const [a, b] = operator.manifest.rgb.components as [number[], number[]];
    expect([a.reduce((s, v) => s + v * v, 0), a.reduce((s, v, i) => s + v * b[i]!, 0)]).toEqual([expect.closeTo(1, 5), expect.closeTo(0, 5)]);
    expect((await checkGolden(operator, runtime)).every((r) => r.isWithin)).toBe(true);
  });
});

describe('refuses', () => {
  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['a file that is no model', () => importModel(written('x.onnx', 'hello'), fresh()), /x\.onnx is no ONNX model/],
    ['one that is not there', () => importModel(join(work, 'none.onnx'), fresh()), /none\.onnx can't be read \(ENOENT\)/],
    ['half a model', () => importModel(written('half.onnx', readFileSync(`${models}grid.onnx`).subarray(0, 300)), fresh(), { bands: ['a', 'b'] }), /half\.onnx/],
    ['other bands than it has', () => importModel(`${models}grid.onnx`, fresh(), { bands: ['B02'] }), /takes 2 bands, and 1 are named/],
    ['an item without the extension', () => importModel(`${models}tokens.onnx`, fresh(), { item: written('i.json', '{"properties":{}}') }), /i\.json: it is no STAC item with the MLM extension/],
    ['an item that is no JSON', () => importModel(`${models}tokens.onnx`, fresh(), { item: written('i.json', '{') }), /i\.json: /],
    ['a class token where there is none', () => importModel(`${models}clay.onnx`, fresh(), {}), /wants wavelengths \('waves'\)/],
    ['another chip than it takes', () => importModel(`${models}tokens.onnx`, fresh(), { chip: 16 }), /takes 8 × 8 pixels, so --chip 16 can't be/],
    ['a sensor that the settings do not know', () => importModel(`${models}clay.onnx`, fresh(), { settings: written('m.yaml', clay), sensor: 'landsat' }), /no sensor 'landsat'; they know sentinel-2-l2a/],
    ['samples of another number of bands', () => importModel(`${models}grid.onnx`, fresh(), { bands: ['a', 'b'], samples: written('s.npy', encodeNpy([1, 3, 8, 8], new Float32Array(192))) }), /samples must be \[n, 2, rows, columns\]/],
    ['scales of another number of bands', () => importModel(`${models}grid.onnx`, fresh(), { item: written('i.json', JSON.stringify(item({ input: { bands: [] } }))) }), /scales are known for 3 bands, and the model takes 2/],
  ])('%s', async (_, work_, message) => {
    await expect(work_()).rejects.toThrow(expect.objectContaining({ name: 'ImportRefused', message: expect.stringMatching(message) }));
  });

  it('a model that gives NaN, and leaves nothing behind', async () => {
    const folder = fresh();
    const nan = item({ input: { value_scaling: [{ type: 'z-score', mean: 0, stddev: 1e-300 }] } });
    await expect(importModel(`${models}tokens.onnx`, folder, { item: written('i.json', JSON.stringify(nan)) })).rejects.toThrow(/NaN or infinity/);
    expect(existsSync(folder)).toBe(false);
  });

  it.each(['../../etc/passwd', '/etc/passwd', 'sub/weights.bin', 'weights.bin'])('weights in %s', async (location) => {
    const external = [bytesField(8, 'w'), bytesField(13, [bytesField(1, 'location'), bytesField(2, location)])];
    const graph = [bytesField(5, external), bytesField(11, valueInfo('x', ['n', 3, 'h', 'w'])), bytesField(12, valueInfo('y', ['n', 4, 'h', 'w']))];
    const model = written('external.onnx', Buffer.concat([numberField(1, 8), bytesField(7, graph), bytesField(8, [numberField(2, 13)])]));
    const reason = location === 'weights.bin' ? /which is not beside it/ : /they must lie beside it, or in it/;
    await expect(importModel(model, fresh(), { bands: ['a', 'b', 'c'] })).rejects.toThrow(reason);
  });

  it('to write where something is', async () => {
    const folder = fresh();
    mkdirSync(folder);
    cpSync(`${models}expected.json`, join(folder, 'mine.json'));
    await expect(importModel(`${models}grid.onnx`, folder, { bands: ['a', 'b'] })).rejects.toThrow(/is there already/);
    expect(existsSync(join(folder, 'mine.json'))).toBe(true);
  });
});

it('says what scaling it could not add', async () => {
  const clipped = item({ input: { value_scaling: [{ type: 'clip', minimum: 0, maximum: 1 }] } });
  const { remarks } = await importModel(`${models}tokens.onnx`, fresh(), { item: written('i.json', JSON.stringify(clipped)) });
  expect(remarks[0]).toContain("scales values with 'clip', which must be inside the model");
});

it('reads what a file says of itself', () => {
  const grid = describeOnnx(readFileSync(`${models}grid.onnx`));
  expect(grid).toMatchObject({ opset: 13, weights: [], inputs: [{ name: 'image', type: 1, shape: [null, 2, null, null] }], outputs: [{ name: 'vectors', shape: [null, 3, null, null] }] });
  expect(describeOnnx(readFileSync(`${models}clay.onnx`)).inputs.map(({ name, shape }) => [name, shape])).toEqual([['pixels', [null, 3, 8, 8]], ['time', [null, 4]], ['latlon', [null, 4]], ['waves', [3]], ['gsd', [1]]]);
});
