/** A CLAIMED script as an operator: imported, completed by what its author would add, packed, unpacked elsewhere, and run. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { calledOperator } from '../../src/operators/called-operator.ts';
import { importScript, type ScriptOptions } from '../../src/operators/import/import-script.ts';
import { packOperator, updateFiles } from '../../src/operators/package/pack.ts';
import { unpackOperator } from '../../src/operators/package/unpack.ts';
import type { Operator } from '../../src/operators/operator.ts';
import { openRuntime } from '../../src/runtimes/runtimes.ts';

export const hasPython = spawnSync('python3', ['--version']).status === 0;
export const hasPip = spawnSync('python3', ['-m', 'pip', '--version']).status === 0;

/** Writes the text in `told` as numbers to OUTPUT_PATH, a character per cell. */
export const TELL = `
import struct
with open(os.environ['INPUT_PATH'], 'rb') as file:
    raw = file.read()
start = 10 + struct.unpack('<H', raw[8:10])[0]
count = (len(raw) - start) // 4
told = told.encode()[:count]
with open(os.environ['OUTPUT_PATH'], 'wb') as file:
    file.write(raw[:start] + struct.pack('<%df' % count, *[float(told[i]) if i < len(told) else 0. for i in range(count)]))
`;

/** Imports a script into a new folder below `work` and gives the archive. */
export async function packedScript(work: string, name: string, source: string, options: ScriptOptions = {}): Promise<string> {
  const file = join(work, `${name}.py`);
  writeFileSync(file, source);
  const folder = join(work, `${name}-package`);
  const { manifest } = await importScript(file, folder, options);
  writeFileSync(join(folder, 'golden.json'), '{}');
  writeFileSync(join(folder, 'operator.json'), JSON.stringify({
    ...manifest, license: 'Apache-2.0', input: { bands: [{ name: 'B01' }], fill: 0, gsd: 10, gsd_range: [1, 100] }, patch: 1, halo: 0,
    output: { dimensions: 1, prefix_truncatable: false }, min_valid: 0, quantization: { int8: { scale: [1], offset: [0] } },
    rgb: { mean: [0], components: [[1], [1], [1]], low: [0, 0, 0], high: [1, 1, 1] }, golden: 'golden.json',
  }));
  await updateFiles(folder);
  return (await packOperator(folder, work)).path;
}

/** Unpacks an archive at a path of its own. */
export const unpackedAt = (archive: string, folder: string): Promise<Operator> => unpackOperator(archive, folder);

/** What a program that ends with TELL says when it is run with these parameters. */
export async function told(operator: Operator, options: Record<string, unknown>, scratch: string): Promise<string> {
  const called = calledOperator(operator, { runtime: 'containerless', name: operator.manifest.name, params: {} }, options);
  const runtime = openRuntime('containerless', { scratch });
  const { vectors } = await runtime.run(called, { inputs: [new Float32Array(200)], rows: 1, columns: 200 }, AbortSignal.timeout(20_000));
  return Buffer.from(vectors[0]!.filter((code) => code !== 0)).toString('utf8');
}

export const textOf = (path: string): string => readFileSync(path, 'utf8');
