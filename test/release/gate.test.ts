/** Every check of the gate, with operators that are wrong in one way each. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { judged, shown, type Check } from '../../src/release/gate/check.ts';
import { checkCodec, checkRate, rateOf } from '../../src/release/gate/codec.ts';
import { checkDeterminism } from '../../src/release/gate/determinism.ts';
import { checkGolden } from '../../src/release/gate/golden.ts';
import { checkInterface } from '../../src/release/gate/interface.ts';
import { checkLayer } from '../../src/release/gate/layer.ts';
import { checkLicence } from '../../src/release/gate/licence.ts';
import { measureQuality } from '../../src/release/gate/quality.ts';
import { checkSecrets, secretsIn } from '../../src/release/gate/secrets.ts';
import { embedOne, noiseBlock, type Subject } from '../../src/release/gate/subject.ts';
import { checkThroughput } from '../../src/release/gate/speed.ts';
import { madeUpLandscapes } from '../../src/release/tasks/synthetic.ts';
import { manifest, subject } from './operators.ts';

const alone = { elsewhere: null, together: null };

describe('figures', () => {
  it('fail beyond their limits, with the numbers in the reason', () => {
    const check = judged('rate', [{ name: 'bytes', value: 40, unit: 'B', at_most: 32, previous: 32 }], 'fine');
    expect(check).toMatchObject({ status: 'failed', detail: 'bytes is 40 B, and may be at most 32 B (32 in the version before).' });
  });

  it('fail when they are no numbers, and survive JSON', () => {
    const check = judged('golden', [{ name: 'difference', value: NaN, at_most: 1 }, { name: 'other', value: Infinity }], 'fine');
    expect(check.status).toBe('failed');
    expect(JSON.parse(JSON.stringify(check)).figures).toEqual([{ name: 'difference', value: null, at_most: 1 }, { name: 'other', value: null }]);
    expect(check.detail).toBe('difference is not a finite number, and may be at most 1.');
  });

  it.each([[12, '12'], [0.123456, '0.1235'], [1e-6, '1.00e-6'], [123456.7, '123500'], [null, 'not a finite number']])('shows %s as %s', (value, text) => {
    expect(shown(value)).toBe(text);
  });
});

describe('interface', () => {
  it('passes an operator that keeps it', async () => {
    expect(await checkInterface(subject())).toMatchObject({ status: 'passed' });
  });

  it.each([
    ['too few numbers', { spoil: (v: Float32Array) => v.subarray(1) }, 'must give 4 × 1'],
    ['NaN', { spoil: (v: Float32Array) => v.with(0, NaN) }, 'NaN or infinite'],
    ['the same for every patch', { spoil: (v: Float32Array) => v.fill(3) }, 'dimensions that differ between patches is 0'],
  ])('refuses %s', async (_, ways, reason) => {
    const check = await checkInterface(subject(ways));
    expect(check.status).toBe('failed');
    expect(check.detail).toContain(reason);
  });

  it('refuses vectors that are not as long as the manifest says', async () => {
    const check = await checkInterface(subject({}, { output: { dimensions: 4, prefix_truncatable: false, norm: 'unit' } }));
    expect(check.detail).toContain('length of a unit vector');
  });
});

describe('golden', () => {
  let folder: string;
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'lamina-golden-'))));
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function withGolden(tolerance: number, change = 0) {
    const good = subject();
    const block = noiseBlock(good, 1, 2, 5, 100, 200);
    const expected = [...await embedOne(good, block)].map((v) => v + change);
    await writeFile(join(folder, 'golden.json'), JSON.stringify({ tolerance, cases: [{ rows: block.rows, columns: block.columns, seed: 5, low: 100, high: 200, shape: [4, 1, 2], expected }] }));
    return { ...good, operator: { ...good.operator, folder: async () => folder } };
  }

  it('passes vectors that are given again', async () => {
    expect(await checkGolden(await withGolden(1e-4))).toMatchObject({ status: 'passed' });
  });

  it('refuses others, saying by how much', async () => {
    expect((await checkGolden(await withGolden(1e-4, 0.5))).detail).toContain('largest difference is 0.5, and may be at most 1.00e-4');
  });

  it('refuses a tolerance that proves nothing', async () => {
    expect((await checkGolden(await withGolden(50, 3))).detail).toContain('tolerance of the file');
  });
});

describe('determinism', () => {
  it('passes an operator that gives a place one vector', async () => {
    const check = await checkDeterminism(subject(), { elsewhere: subject(), together: (blocks) => subject().embed(blocks) });
    expect(check).toMatchObject({ status: 'passed' });
    expect(check.figures).toHaveLength(7);
  });

  it.each([
    ['other numbers in every run', { shift: (_: unknown, call: number) => call * 1e-3 }, 'difference between two runs'],
    ['other numbers in company', { spoil: (v: Float32Array, together: number) => (together > 1 ? v.map((x) => x + 1) : v) }, 'alone and among others'],
    ['numbers that depend on the block', { shift: ({ samples }: { samples: Float32Array }) => samples.reduce((a, b) => a + b, 0) / samples.length }, 'in blocks of 1 × 1 patches'],
    ['numbers from beyond its halo', { reach: 4 }, 'in blocks of 1 × 1 patches'],
  ])('refuses %s', async (_, ways, reason) => {
    const check = await checkDeterminism(subject(ways), alone);
    expect(check.status).toBe('failed');
    expect(check.detail).toContain(reason);
  });

  it('refuses an operator whose batches differ, or whose numbers another process does not give', async () => {
    const off = subject({ shift: () => 5 });
    const check = await checkDeterminism(subject(), { elsewhere: off, together: (blocks) => off.embed(blocks) });
    expect(check.detail).toMatch(/6 blocks in one run.*difference in another process/);
  });

  it('notes a model that takes one block at a time', async () => {
    const check = await checkDeterminism(subject(), { elsewhere: null, together: async () => null });
    expect(check).toMatchObject({ status: 'passed', detail: expect.stringContaining('one block at a time') });
  });
});

describe('codec and rate', () => {
  const vectors = Float32Array.from({ length: 4 * 100 }, (_, i) => 2000 + 1500 * Math.sin(i * 1.7));

  it('pass scales that fit the vectors', () => {
    expect(checkCodec(vectors, manifest)).toMatchObject({ status: 'passed' });
  });

  it('refuse scales of other vectors', () => {
    const check = checkCodec(vectors.map((v) => 20 * v), manifest);
    expect(check.detail).toMatch(/share of elements that int8 clamps is 1,/);
    expect(check.detail).toContain("float16 can't hold numbers as large");
    expect(checkCodec(vectors, { ...manifest, quantization: { int8: { scale: [4000, 4000, 4000, 4000], offset: [0, 0, 0, 0] } } }).detail).toContain('mean cosine of int8');
  });

  it('know the entropy of codes', () => {
    const two = Float32Array.from({ length: 4 * 64 }, (_, i) => (i % 2 === 0 ? 2000 : 2040));
    expect(rateOf(two, manifest)).toMatchObject({ rawBytesPerPatch: 64, int8Bytes: 4, entropyBits: 4 });
  });

  it('refuse vectors that take more than before', () => {
    const rate = rateOf(vectors, manifest);
    expect(checkRate(rate, null).status).toBe('passed');
    expect(checkRate(rate, rate).status).toBe('passed');
    expect(checkRate(rate, { ...rate, entropyBits: rate.entropyBits / 2 }).detail).toContain('entropy of an int8 vector');
    expect(checkRate(rate, { ...rate, int8Bytes: 2 }).detail).toContain('bytes of an int8 vector is 4 B, and may be at most 2 B');
  });
});

describe('quality', () => {
  const sets = [madeUpLandscapes(3)];
  const good = subject();
  /** Every vector belongs to another patch of its block. */
  const mixed = subject({ spoil: (v) => Float32Array.from(v, (_, i) => v[Math.floor(i / (v.length / 4)) * (v.length / 4) + ((i * 7919) % (v.length / 4))]!) });

  it('refuses a version that is worse than the one before, with both numbers', async () => {
    const { check, likeness } = await measureQuality(mixed, good, sets);
    expect(check.status).toBe('failed');
    expect(check.detail).toMatch(/synthetic, cover, linear \(macro_f1\) is 0\.\d+, and must be at least 0\.\d+ \(0\.\d+ in the version before, 0\.\d+ from a trivial baseline\)/);
    expect(likeness).toBeLessThan(0.999);
  });

  it('sees no regression in a version that is the same', async () => {
    const { check, likeness, vectors } = await measureQuality(good, good, sets);
    expect(check.status).toBe('passed');
    for (const { previous, value } of check.figures) expect(value).toBeCloseTo(previous!, 9);
    expect(likeness).toBeCloseTo(1, 9);
    expect(vectors!.length % 4).toBe(0);
  });

  it('refuses the first version of an operator that is worth no more than a trivial baseline', async () => {
    const { check } = await measureQuality(mixed, null, sets);
    expect(check.detail).toMatch(/mean of all sets is 0\.\d+, and must be at least 0\.\d+ \(0\.\d+ from a trivial baseline\)/);
  });

  it('says why a set can\'t be used', async () => {
    const radar = subject({}, { input: { ...manifest.input, bands: [{ name: 'VV' }, { name: 'VH' }] } });
    expect((await measureQuality(radar, null, sets)).check).toMatchObject({ status: 'skipped', detail: expect.stringContaining('VV, VH') });
  });
});

it('refuses a version that is much slower than the one before, measured side by side', async () => {
  const taking = (ms: number): Subject => ({ ...subject(), embed: async (blocks) => delay(ms, blocks.map(() => new Float32Array(1))) });
  const [fast, slow] = [taking(2), taking(60)];
  expect((await checkThroughput(slow, fast)).detail).toMatch(/throughput against the version before is 0\.\d+, and must be at least 0\.8/);
  expect((await checkThroughput(fast, slow)).status).toBe('passed');
});

describe('layer', () => {
  const figure = (check: Check, name: string) => check.figures.find((each) => each.name === name)!.value;

  it('is published, read and drawn for a good operator, with the vectors that it gives by itself', async () => {
    const check = await checkLayer(subject());
    expect(check).toMatchObject({ check: 'layer', status: 'passed' });
    expect(check.detail).toMatch(/^A layer over 48 × 48 patches gives the operator's vectors, and a tile of it in [\d.]+ ms/);
    // An edge of blocks goes through the middle of the scene.
    expect(figure(check, 'blocks computed for the tile')).toBe(4);
    expect(figure(check, 'share of the tile that is drawn')).toBe(1);
    expect(figure(check, 'colours of the tile')).toBeGreaterThan(50);
  });

  it('works for bands that no sunlight has', async () => {
    const radar = await checkLayer(subject({}, { input: { ...manifest.input, bands: manifest.input.bands.map((_, i) => ({ name: `C${i}` })) } }));
    expect(radar).toMatchObject({ status: 'passed', detail: expect.stringMatching(/over 8 × 8 patches/) as unknown });
  });

  it.each([
    ['gives other vectors in blocks of another size', { spoil: (v: Float32Array) => v.map((x) => x + v.length / 1000) }, 'difference of the layer from the operator'],
    ['gives the same vector everywhere', { spoil: (v: Float32Array) => v.fill(1) }, 'colours of the tile is 1, and must be at least 2'],
  ])('refuses an operator that %s', async (_, ways, reason) => {
    const check = await checkLayer(subject(ways));
    expect(check.status).toBe('failed');
    expect(check.detail).toContain(reason);
  });

  it('throws what the layer says of an operator that can\'t be one', async () => {
    await expect(checkLayer(subject({ spoil: (v) => v.subarray(1) }))).rejects.toThrow(/values instead of/);
  });

  it('is left out for patches whose blocks no gate should compute', async () => {
    expect(await checkLayer(subject({}, { patch: 2048 }))).toMatchObject({ status: 'skipped', detail: expect.stringMatching(/samples with patches of 2048 pixels/) as unknown });
  });
});

describe('licence', () => {
  it.each(['Apache-2.0', 'MIT OR Apache-2.0', '(MIT AND CC-BY-4.0) OR GPL-3.0-only WITH Classpath-exception-2.0'])('takes %s', (license) => {
    expect(checkLicence(license, []).status).toBe('passed');
  });

  it.each([
    ['Apache 2', 'no expression of SPDX'], ['proprietary', "'proprietary' is no identifier"], ['MIT OR', 'no expression'], ['LicenseRef-Ours', 'put it into a file LICENSE'], ['(MIT', 'no expression'],
  ])('refuses %s', (license, reason) => {
    expect(checkLicence(license, ['model.onnx']).detail).toContain(reason);
  });

  it('takes an unusual one with its text', () => {
    expect(checkLicence('LicenseRef-Ours', ['LICENSE.txt']).status).toBe('passed');
  });
});

describe('secrets', () => {
  const found = (text: string, file = 'run.py') => secretsIn(file, Buffer.from(text));
  // Put together here, so that this file holds none.
  const examples: [string, string][] = [
    ['a private key', `-----BEGIN RSA ${'PRIVATE'} KEY-----`],
    ['an access key of AWS', `key = "AKIA${'A1B2C3D4E5F6G7H8'}"`],
    ['a token of GitHub', `ghp_${'a1'.repeat(18)}`],
    ['a token of GitLab', `glpat-${'x'.repeat(20)}`],
    ['a token of Hugging Face', `hf_${'a'.repeat(34)}`],
    ['a password in an address', `cos://accesskey:${'hush-hush'}@s3.example.org/bucket`],
    ['a password in an assignment', `SECRET_ACCESS_KEY = '${'wJalrXUtnFEMIK7MDENG'}'`],
  ];

  it.each(examples)('finds %s, and does not repeat it', (kind, text) => {
    const [first] = found(`import os\n${text}\n`);
    expect(first).toBe(`run.py, line 2: ${kind}`);
    expect(checkSecrets([first!], 1, 10).status).toBe('failed');
  });

  it('finds them in metadata of binary files too', () => {
    expect(secretsIn('model.onnx', Buffer.concat([Buffer.alloc(30_000, 200), Buffer.from(`token ghp_${'a1'.repeat(18)} `), Buffer.alloc(30_000, 3)]))).toEqual(['model.onnx, line 1: a token of GitHub']);
  });

  it('knows files that are for secrets', () => {
    expect(['.env', 'conf/.netrc', 'id_rsa', 'certs/server.pem'].flatMap((file) => found('', file))).toHaveLength(4);
    expect(found('', '.env.example')).toEqual([]);
  });

  it.each(["password = os.environ['PASSWORD']", 'https://example.org/a:b@c', 'secret: "${SECRET}"', 'access_token = ""'])('lets %s pass', (text) => {
    expect(found(text)).toEqual([]);
  });
});
