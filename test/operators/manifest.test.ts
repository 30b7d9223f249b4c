import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { OperatorPackageInvalid, parseManifest, readOperator } from '../../src/operators/manifest.ts';
import { operatorsDirectory } from './golden.ts';

const folder = mkdtempSync(join(tmpdir(), 'lamina-operators-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Json {
  [key: string]: Json;
}
const wrong = (value: unknown) => value as Json;
const list = (value: Json | undefined) => value as unknown as unknown[];
const original = readFileSync(join(operatorsDirectory, 'pca/operator.json'), 'utf8');

/** The manifest of pca with one thing changed. */
function changed(change: (manifest: Json) => void): string {
  const manifest = JSON.parse(original) as Json;
  change(manifest);
  return JSON.stringify(manifest);
}

const problemOf = (change: (manifest: Json) => void): string => {
  try {
    parseManifest(changed(change), 'pca/operator.json');
  } catch (error) {
    expect(error).toBeInstanceOf(OperatorPackageInvalid);
    return (error as Error).message;
  }
  return 'accepted';
};

let copies = 0;
function packageWith(change: (path: string) => void): string {
  const path = join(folder, `copy${copies++}`, 'pca');
  cpSync(join(operatorsDirectory, 'pca'), path, { recursive: true });
  change(path);
  return path;
}

describe('operator.json', () => {
  it.each(['pca', 'conv'])('of %s is valid and its model is the one it names', async (name) => {
    const operator = await readOperator(join(operatorsDirectory, name));
    expect(operator.manifest.name).toBe(name);
    expect(operator.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(operator.reference).toBe(`${name}@${operator.digest}`);
  });

  it.each<[string, (m: Json) => void, string]>([
    ['a missing field', (m) => { delete m['patch']; }, 'patch is missing'],
    ['a field nobody knows', (m) => { m['colour'] = wrong('red'); }, "colour is no field of an operator's manifest"],
    ['a nested field', (m) => { m['model']!['sha256'] = wrong('abc'); }, 'model.sha256 must be 64 hexadecimal digits'],
    ['a model outside the folder', (m) => { m['model']!['file'] = wrong('../model.onnx'); }, 'model.file must be the name of a file in the same folder'],
    ['a version that is none', (m) => { m['version'] = wrong('1.0'); }, 'version must be a version such as 1.2.3'],
    ['a negative halo', (m) => { m['halo'] = wrong(-8); }, 'halo must be a whole number, 0 or more'],
    ['half a patch', (m) => { m['patch'] = wrong(7.5); }, 'patch must be a whole number, 1 or more'],
    ['a band without name', (m) => { m['input']!['bands']![2] = wrong({ common_name: 'red' }); }, 'input.bands is wrong at [2].name is missing'],
    ['a band named twice', (m) => { m['input']!['bands']![1]!['name'] = wrong('B02'); }, 'input.bands must not name a band twice'],
    ['a scale of zero', (m) => { m['quantization']!['int8']!['scale']![3] = wrong(0); }, 'quantization.int8.scale must hold numbers above 0'],
    ['too few offsets', (m) => { list(m['quantization']!['int8']!['offset']).pop(); }, 'quantization.int8.offset must have 32 entries, it has 31'],
    ['a fourth colour', (m) => { list(m['rgb']!['components']).push(m['rgb']!['mean']); }, 'rgb.components must have 3 entries, it has 4'],
    ['a colour without range', (m) => { m['rgb']!['high']![1] = m['rgb']!['low']![1]!; }, 'rgb.high[1] must be above rgb.low[1]'],
    ['a share above 1', (m) => { m['min_valid'] = wrong(1.5); }, 'min_valid must be a number from 0 to 1'],
    ['a resolution it excludes itself', (m) => { m['input']!['gsd'] = wrong(60); }, 'input.gsd must be within input.gsd_range'],
  ])('with %s is refused, naming file and field', (_, change, problem) => {
    expect(problemOf(change)).toBe(`pca/operator.json: ${problem}.`);
  });

  it('tells all problems at once', () => {
    expect(problemOf((m) => { m['title'] = wrong(''); m['kind'] = wrong('torch'); })).toBe("pca/operator.json: title must be a text that is not empty; kind must be 'onnx', 'exec' or 'image'.");
  });

  it('that is no JSON or no object is refused', () => {
    expect(() => parseManifest('{', 'x/operator.json')).toThrow(/^x\/operator\.json: is not JSON: /);
    expect(() => parseManifest('[]', 'x/operator.json')).toThrow('x/operator.json: the document must be an object.');
  });
});

describe('the digest of an operator', () => {
  const digestOf = async (change: (path: string) => void) => (await readOperator(packageWith(change))).digest;
  const rewrite = (path: string, edit: (text: string) => string) => writeFileSync(join(path, 'operator.json'), edit(readFileSync(join(path, 'operator.json'), 'utf8')));

  it('does not change with white space, nor with the card', async () => {
    const plain = await digestOf(() => {});
    expect(await digestOf((path) => rewrite(path, (text) => JSON.stringify(JSON.parse(text))))).toBe(plain);
    expect(await digestOf((path) => writeFileSync(join(path, 'card.md'), 'another card'))).toBe(plain);
  });

  it('changes with the manifest', async () => {
    const plain = await digestOf(() => {});
    expect(await digestOf((path) => rewrite(path, () => changed((m) => { m['input']!['fill'] = wrong(1); })))).not.toBe(plain);
  });

  it('is not given for a model with another checksum, nor without a model', async () => {
    const damaged = packageWith((path) => {
      const bytes = readFileSync(join(path, 'model.onnx'));
      bytes[1000]! ^= 1;
      writeFileSync(join(path, 'model.onnx'), bytes);
    });
    await expect(readOperator(damaged)).rejects.toThrow(/^pca\/operator\.json: model\.sha256 is not that of model\.onnx, which is [0-9a-f]{64}\.$/);
    const absent = packageWith((path) => rmSync(join(path, 'model.onnx')));
    await expect(readOperator(absent)).rejects.toThrow("pca/operator.json: model.onnx can't be read (ENOENT).");
  });
});
