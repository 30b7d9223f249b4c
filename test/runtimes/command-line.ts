/** An operator package and a scene on disk, and the command line as users start it. */
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { arrayCube } from '../../src/cube/array-cube.ts';
import { bandsDimension, spatialDimensions } from '../../src/cube/dimension.ts';
import { resultFormats } from '../../src/formats/index.ts';
import { silentLog } from '../../src/log.ts';
import type { OperatorParameter } from '../../src/operators/operator.ts';
import { utmGrid } from '../layers/fixtures.ts';
import { lamina, run, start } from '../system/processes.ts';
import { pixelManifest } from './operators.ts';

export interface Bench {
  readonly folder: string;
  /** Writes an operator that is a shell script, in a folder of its own; gives the folder. `more` goes into its manifest. */
  operator(script: string, params?: readonly OperatorParameter[], more?: Readonly<Record<string, unknown>>): string;
  /** A GeoTIFF of one band, 'B01', or of these. */
  scene(bands?: readonly string[], edge?: number): Promise<string>;
  /** `lamina run …`, to its end. */
  run(...words: string[]): Promise<{ code: number | null; output: string }>;
  /** `claimed …`, CLAIMED's spelling. */
  claimed(...words: string[]): Promise<{ code: number | null; output: string }>;
  readonly environment: Record<string, string>;
  close(): void;
}

export function openBench(environment: Readonly<Record<string, string>> = {}): Bench {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-bench-'));
  chmodSync(folder, 0o755);
  const all = { LAMINA_DATA: join(folder, 'data'), ...environment };
  let made = 0;
  return {
    folder, environment: all,
    operator: (script, params = [], more = {}) => writeOperator(join(folder, `operator-${++made}`), script, params, more),
    scene: (bands = ['B01'], edge = 24) => writeScene(join(folder, `scene-${++made}.tif`), bands, edge),
    run: (...words) => run(lamina(['run', ...words], all)),
    claimed: (...words) => run(start(process.execPath, [fileURLToPath(new URL('../../bin/claimed.mjs', import.meta.url)), ...words], all)),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function writeOperator(folder: string, script: string, params: readonly OperatorParameter[], more: Readonly<Record<string, unknown>>): string {
  mkdirSync(folder);
  const program = `#!/bin/sh\n${script}\n`;
  const golden = JSON.stringify({ tolerance: 0, cases: [{ rows: 1, columns: 1, seed: 1, low: 0, high: 2, shape: [1, 1, 1], expected: [0] }] });
  const files = { 'run.sh': program, 'golden.json': golden };
  const described = Object.fromEntries(Object.entries(files).map(([name, text]) => [name, { sha256: createHash('sha256').update(text).digest('hex'), size: Buffer.byteLength(text) }]));
  writeFileSync(join(folder, 'operator.json'), JSON.stringify({ ...pixelManifest('script'), kind: 'exec', command: ['./run.sh'], params, files: described, ...more }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  for (const path of [folder, join(folder, 'run.sh')]) chmodSync(path, 0o755);
  return folder;
}

async function writeScene(path: string, bands: readonly string[], edge: number): Promise<string> {
  const grid = utmGrid(edge, edge);
  const data = Uint16Array.from({ length: bands.length * edge * edge }, (_, i) => 500 + (i % 977));
  const cube = arrayCube({ dimensions: [bandsDimension(bands), ...spatialDimensions(grid)], grid, dtype: 'uint16', data, nulls: null, attributes: {} });
  const [file] = await resultFormats.GTiff.write(cube, {}, { directory: await mkdtemp(`${path}-`), signal: new AbortController().signal, log: silentLog });
  await rename(file!.path, path);
  return path;
}
