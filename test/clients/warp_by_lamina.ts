/**
 * Warps rasters as Lamina does, for comparisons with GDAL: `node warp_by_lamina.ts cases.json`.
 *
 * A case names a file of raw samples [bands, height, width], both grids and the method; the result is written
 * beside it as float64 samples and as one flag per sample (1: no-data).
 */
import { readFile, writeFile } from 'node:fs/promises';
import { arrayCube } from '../../src/cube/array-cube.ts';
import type { Block, Window } from '../../src/cube/block.ts';
import type { Cube, Resampling } from '../../src/cube/cube.ts';
import { bandsDimension, spatialDimensions } from '../../src/cube/dimension.ts';
import { dtypes, type DType } from '../../src/cube/dtype.ts';
import { pasteBlock } from '../../src/cube/paste.ts';
import { resampleCube } from '../../src/cube/resample.ts';
import { createNullBlock } from '../../src/cube/block.ts';
import type { Grid } from '../../src/geo/grid.ts';

interface Case {
  readonly samples: string;
  readonly dtype: DType;
  readonly nodata: number | null;
  readonly bands: number;
  readonly source: Grid;
  readonly target: Grid;
  readonly method: Resampling;
  /** Edge of the windows that the result is read in; absent: all at once. */
  readonly tile?: number;
  readonly out: string;
}

const [, , path] = process.argv;
for (const job of JSON.parse(await readFile(path!, 'utf8')) as Case[]) {
  const block = await readIn(resampleCube(await sourceCube(job), job.target, job.method), job.tile ?? Infinity);
  await writeFile(`${job.out}.values`, new Uint8Array(Float64Array.from(block.data).buffer));
  await writeFile(`${job.out}.nulls`, block.nulls ?? new Uint8Array(block.data.length));
}

async function sourceCube({ samples, dtype, nodata, bands, source }: Case): Promise<Cube> {
  const bytes = await readFile(samples);
  const data = new dtypes[dtype](new Uint8Array(bytes).buffer);
  const nulls = nodata === null ? null : Uint8Array.from(data, (value) => Number(value === nodata));
  const names = Array.from({ length: bands }, (_, i) => `B${i + 1}`);
  return arrayCube({ dimensions: [bandsDimension(names), ...spatialDimensions(source)], grid: source, dtype, data, nulls });
}

async function readIn(cube: Cube, edge: number): Promise<Block> {
  const whole = cube.fullWindow();
  const [bands, height, width] = whole.size as [number, number, number];
  const out = createNullBlock(cube.dtype, whole.size);
  for (let y = 0; y < height; y += edge) for (let x = 0; x < width; x += edge) {
    const window: Window = { start: [0, y, x], size: [bands, Math.min(edge, height - y), Math.min(edge, width - x)] };
    pasteBlock(out, whole, await cube.read(window), window);
  }
  return out;
}
