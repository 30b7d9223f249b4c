import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { silentLog } from '../../src/log.ts';
import { openRegistry } from '../../src/operators/registry/installed.ts';
import { modelOf } from '../../src/operators/runtime/model.ts';
import { createOnnxRuntime } from '../../src/operators/runtime/onnx.ts';
import { largestDifference, noise, operatorsDirectory, readGolden } from './golden.ts';

const registry = await openRegistry(operatorsDirectory);
const runtime = createOnnxRuntime({ threads: 1, log: silentLog });
afterAll(() => runtime.close());

it('ships pca and conv', () => {
  expect(registry.list().map((o) => o.manifest.name)).toEqual(['conv', 'pca']);
});

describe.each(registry.list().map((operator) => [operator.manifest.name, operator] as const))('%s', (_, operator) => {
  const { manifest } = operator;
  const { tolerance, cases } = readGolden(operator);

  it.each(cases.map((c) => [`${c.rows} × ${c.columns} pixels, seed ${c.seed}`, c] as const))('gives the golden vectors: %s', async (__, golden) => {
    const input = noise(manifest.input.bands.length * golden.rows * golden.columns, golden);
    const vectors = await runtime.run(operator, input, golden.rows, golden.columns);
    expect(golden.shape).toEqual([manifest.output.dimensions, (golden.rows - 2 * manifest.halo) / manifest.patch, (golden.columns - 2 * manifest.halo) / manifest.patch]);
    expect(largestDifference(vectors, golden.expected)).toBeLessThan(tolerance);
  });

  it('has a report of this very model, and a card', async () => {
    const { path } = await modelOf(operator);
    const report = JSON.parse(readFileSync(`${operatorsDirectory}${manifest.name}/report.json`, 'utf8'));
    expect(report).toMatchObject({ operator: `${manifest.name}:${manifest.version}`, model: { sha256: createHash('sha256').update(readFileSync(path)).digest('hex'), bytes: statSync(path).size } });
    expect(report.model.bytes).toBeLessThan(2e6);
    expect(readFileSync(`${operatorsDirectory}${manifest.name}/card.md`, 'utf8')).toContain(`# ${manifest.name} ${manifest.version}`);
  });

  it('depends on its input', () => {
    const [a, b] = cases.map((c) => c.expected[0]!);
    expect(Math.abs(a! - b!)).toBeGreaterThan(tolerance);
  });

  it('has a halo that is exact: pixels within it count, pixels beyond do not', async () => {
    const { patch, halo } = manifest;
    const edge = 3 * patch + 2 * halo;
    const bands = manifest.input.bands.length;
    const input = noise(bands * edge * edge, { seed: 5, low: 200, high: 3000 });
    const central = async (change: (row: number, column: number) => boolean) => {
      const changed = input.map((v, i) => (change(Math.floor(i / edge) % edge, i % edge) ? v + 2000 : v));
      const vectors = await runtime.run(operator, changed, edge, edge);
      return Array.from({ length: manifest.output.dimensions }, (__, d) => vectors[d * 9 + 4]!);
    };
    const inside = (n: number) => n >= patch && n < edge - patch;
    const original = await central(() => false);
    expect(await central((row, column) => !inside(row) || !inside(column))).toEqual(original);
    expect(await central((row, column) => row === patch && column === patch)).not.toEqual(original);
  });
});
