import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createRegistry, openRegistry } from '../../../src/operators/registry/installed.ts';
import type { Operator } from '../../../src/operators/operator.ts';
import { operatorsDirectory } from '../golden.ts';

const shipped = await openRegistry(operatorsDirectory);

/** pca under other names and versions; digests are made up. */
function version(name: string, number: string): Operator {
  const pca = shipped.resolve('pca');
  const digest = `sha256:${Buffer.from(`${name}${number}`).toString('hex').padEnd(64, '0')}`;
  return { ...pca, manifest: { ...pca.manifest, name, version: number }, digest, reference: `${name}@${digest}` };
}

describe('a registry', () => {
  const registry = createRegistry(['1.2.0', '1.10.1', '1.9.0', '2.0.0', '10.0.0'].map((v) => version('pca', v)).concat(version('conv', '0.1.0')));

  it.each([
    ['pca', '10.0.0'],
    ['pca:latest', '10.0.0'],
    ['pca:1', '1.10.1'],
    ['pca:1.2', '1.2.0'],
    ['pca:1.9.0', '1.9.0'],
    ['pca:2', '2.0.0'],
    ['conv', '0.1.0'],
  ])('resolves %s to version %s', (reference, expected) => {
    expect(registry.resolve(reference).manifest.version).toBe(expected);
  });

  it('resolves every digest to exactly its operator', () => {
    for (const operator of registry.list()) expect(registry.resolve(operator.reference)).toBe(operator);
  });

  it.each(['pca:3', 'pca:1.1', 'pca:1.2.1', 'clay', 'pca:v1', 'pca:1.2.3.4', 'e2s/pca', `pca@sha256:${'0'.repeat(64)}`, `conv@${version('pca', '1.2.0').digest}`])("does not find '%s', and says what there is", (reference) => {
    expect(() => registry.resolve(reference)).toThrow(expect.objectContaining({
      code: 'OperatorNotFound',
      message: `The operator '${reference}' does not exist. There are: conv:0.1.0, pca:10.0.0, pca:2.0.0, pca:1.10.1, pca:1.9.0, pca:1.2.0.`,
    }));
  });

  it.each(['', 'PCA', 'pca:', 'pca@', 'pca@sha256:12', '../pca', 'pca?gain'])("tells how to write a reference when it is '%s'", (reference) => {
    expect(() => registry.resolve(reference)).toThrow(/Write '\[runtime\/\]\[namespace\/\]name\[:version\|@sha256:…\]/);
  });

  it('refuses two packages of one name and version', () => {
    expect(() => createRegistry([version('pca', '1.0.0'), version('pca', '1.0.0')])).toThrow("two packages are 'pca' version 1.0.0");
  });
});

describe('opening a directory', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-registry-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('finds the packages in it and passes over other folders', async () => {
    cpSync(join(operatorsDirectory, 'pca'), join(folder, 'any-folder-name'), { recursive: true });
    mkdirSync(join(folder, 'training'));
    expect((await openRegistry(folder)).list().map((o) => o.manifest.name)).toEqual(['pca']);
  });

  it('throws for a broken package', async () => {
    mkdirSync(join(folder, 'broken/operator.json'), { recursive: true });
    await expect(openRegistry(folder)).rejects.toThrow("broken/operator.json: operator.json can't be read (EISDIR).");
  });
});
