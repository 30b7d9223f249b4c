/** Small cubes and contexts for tests of writers. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { arrayCube } from '../../src/cube/array-cube.ts';
import type { Cube, CubeAttributes } from '../../src/cube/cube.ts';
import type { Dimension } from '../../src/cube/dimension.ts';
import { allocate, type DType } from '../../src/cube/dtype.ts';
import { createLog, type LogEntry } from '../../src/log.ts';
import type { WriteContext } from '../../src/formats/writer.ts';

export interface CubeFacts {
  readonly dtype?: DType;
  readonly width?: number;
  readonly height?: number;
  /** Dimensions before y and x. */
  readonly dimensions?: readonly Dimension[];
  readonly attributes?: CubeAttributes;
  readonly crs?: string;
  /** Value of sample i; null for no-data. */
  readonly value?: (i: number) => number | null;
}

export const bands = (...labels: string[]): Dimension => ({ name: 'bands', type: 'bands', size: labels.length, labels });
export const dates = (...labels: string[]): Dimension => ({ name: 't', type: 'temporal', size: labels.length, labels });

export function testCube({ dtype = 'float32', width = 5, height = 4, dimensions = [bands('a', 'b')], attributes, crs = 'EPSG:32631', value = (i) => i }: CubeFacts = {}): Cube {
  const all: Dimension[] = [...dimensions, { name: 'y', type: 'spatial', axis: 'y', size: height }, { name: 'x', type: 'spatial', axis: 'x', size: width }];
  const length = all.reduce((n, d) => n * d.size, 1);
  const data = allocate(dtype, length);
  const nulls = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const sample = value(i);
    if (sample === null) nulls[i] = 1;
    else data[i] = sample;
  }
  const grid = { crs, originX: 500_000, originY: 5_600_000, stepX: 10, stepY: 10, width, height };
  return arrayCube({ dimensions: all, grid, dtype, data, nulls: nulls.includes(1) ? nulls : null, ...(attributes && { attributes }) });
}

export interface TestContext extends WriteContext {
  readonly entries: LogEntry[];
  readonly shares: number[];
  readonly names: () => Promise<string[]>;
  readonly remove: () => Promise<void>;
}

export async function testContext(signal = new AbortController().signal): Promise<TestContext> {
  const directory = await mkdtemp(join(tmpdir(), 'lamina-format-'));
  const entries: LogEntry[] = [];
  const shares: number[] = [];
  return {
    directory, signal, entries, shares,
    log: createLog((entry) => entries.push(entry), 'debug'),
    onProgress: (share) => shares.push(share),
    names: async () => (await readdir(directory)).sort(),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}
