/** Steps that run as one kernel give what they give one after the other. */
import { describe, expect, it } from 'vitest';
import { arrayCube, readAll } from '../../../src/cube/array-cube.ts';
import type { Block } from '../../../src/cube/block.ts';
import type { Cube } from '../../../src/cube/cube.ts';
import type { Dimension } from '../../../src/cube/dimension.ts';
import { allocate, type DType } from '../../../src/cube/dtype.ts';
import { callback, grid, reducer, runCube, sample } from './harness.ts';

const days = Array.from({ length: 5 }, (_, i) => `2024-01-0${i + 1}T00:00:00Z`);
const bands = ['red', 'nir', 'scl'];
const size = { width: 71, height: 43 };

const sizes: Record<string, number> = { t: days.length, bands: bands.length, y: size.height, x: size.width };

/** Small numbers with gaps, in any order of the dimensions. */
function cubeOf(order: readonly string[], dtype: DType, hasGaps: boolean): Cube {
  const ordered = sample({ t: days, bands, grid: grid(size.width, size.height), dtype });
  const dimensions = order.map((name): Dimension => ordered.dimension(name));
  const length = order.reduce((n, name) => n * sizes[name]!, 1);
  let state = 17;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 12;
  const data = allocate(dtype, length).map(() => next() % 251) as Block['data'];
  const nulls = hasGaps ? Uint8Array.from({ length }, () => Number(next() % 4 === 0)) : null;
  return arrayCube({ dimensions, grid: ordered.grid, dtype, data, nulls });
}

type Link = readonly [process: string, args: Record<string, unknown>];

/** All links on top of each other, and the same with each result read into memory in between. */
async function bothWays(cube: Cube, links: readonly Link[]): Promise<[Block, Block]> {
  let [joined, apart] = [cube, cube];
  for (const [process, args] of links) {
    joined = await runCube(process, { data: joined, ...args });
    const result = await runCube(process, { data: apart, ...args });
    const { data, nulls } = await readAll(result);
    apart = arrayCube({ dimensions: result.dimensions, grid: result.grid, dtype: result.dtype, data, nulls });
  }
  return [await readAll(joined), await readAll(apart)];
}

const band = (label: string) => ({ process_id: 'array_element', arguments: { data: { from_parameter: 'data' }, label } });
const ndvi = { process_graph: { red: band('red'), nir: band('nir'), ndvi: { process_id: 'normalized_difference', arguments: { x: { from_node: 'nir' }, y: { from_node: 'red' } }, result: true } } };
const isCloud = { process_graph: { scl: band('scl'), gt: { process_id: 'gt', arguments: { x: { from_node: 'scl' }, y: 120 }, result: true } } };
const times = (y: number) => callback('multiply', { x: { from_parameter: 'x' }, y });
const overBands = (graph: object): Link => ['reduce_dimension', { dimension: 'bands', reducer: graph }];
const overTime = (process: string): Link => ['reduce_dimension', { dimension: 't', reducer: reducer(process) }];

/** A mask with some of the dimensions of the data: numbers of which some are 0, or booleans, with gaps if wanted. */
async function maskOf(names: readonly string[], dtype: DType, hasGaps = false): Promise<Cube> {
  const whole = cubeOf(names, 'uint8', hasGaps);
  const { data, nulls } = await readAll(whole);
  return arrayCube({ dimensions: whole.dimensions, grid: whole.grid, dtype, data: allocate(dtype, data.length).map((_, i) => Number(data[i]! % 3 === 0)) as Block['data'], nulls });
}

const chains: Record<string, readonly Link[]> = {
  'an index and its mean over time': [overBands(ndvi), overTime('mean')],
  'an index and its median over time': [overBands(ndvi), overTime('median')],
  'whether it was cloudy at all': [overBands(isCloud), overTime('any')],
  'the largest band, then the first date': [overBands(reducer('max')), overTime('first')],
  'time before bands': [overTime('sd'), overBands(reducer('sum'))],
  'single values, before, between and after': [['apply', { process: times(0.1) }], overBands(ndvi), ['apply', { process: times(3) }], overTime('mean'), ['apply', { process: callback('sqrt', { x: { from_parameter: 'x' } }) }]],
};

const masks: Record<string, Cube> = {
  'by time and place': await maskOf(['t', 'y', 'x'], 'bool'),
  'by all, numbers with gaps': await maskOf(['x', 'bands', 't', 'y'], 'float32', true),
  'by place only': await maskOf(['y', 'x'], 'bool', true),
};
for (const [name, mask] of Object.entries(masks)) {
  const hide: Link = ['mask', { mask }];
  chains[`masked ${name}: an index and its mean over time`] = [hide, overBands(ndvi), overTime('mean')];
  chains[`masked ${name}: the median and then the largest band`] = [hide, overTime('median'), overBands(reducer('max'))];
  chains[`masked ${name}: single values, then how many there are`] = [['apply', { process: times(0.1) }], hide, ['apply', { process: times(3) }], overTime('count')];
  chains[`masked twice, ${name}`] = [hide, ['mask', { mask: masks['by time and place']! }], overBands(isCloud), overTime('any')];
  chains[`masked ${name} with a number`] = [['mask', { mask, replacement: 7 }], overTime('sum')];
}

describe.each(Object.entries(chains))('%s', (_, links) => {
  const orders = [['t', 'bands', 'y', 'x'], ['bands', 't', 'y', 'x'], ['t', 'y', 'bands', 'x'], ['y', 't', 'bands', 'x'], ['y', 'x', 't', 'bands']];
  it.each(orders.flatMap((order) => (['uint8', 'float32', 'float64'] as const).map((dtype) => [order.join(' '), dtype, order] as const)))('is the same for %s of %s', async (name, dtype, order) => {
    for (const hasGaps of [false, true]) {
      const [joined, apart] = await bothWays(cubeOf(order, dtype, hasGaps), links);
      expect(joined.dtype).toBe(apart.dtype);
      expect(joined.shape).toEqual(apart.shape);
      expect(joined.nulls === null, name).toBe(apart.nulls === null);
      expect(joined.nulls?.findIndex((flag, i) => flag !== apart.nulls![i]) ?? -1).toBe(-1);
      expect(joined.data.findIndex((value, i) => !joined.nulls?.[i] && !Object.is(value, apart.data[i]))).toBe(-1);
    }
  });
});

it('reads the source once for the whole chain, without other cubes between', async () => {
  const source = cubeOf(['t', 'bands', 'y', 'x'], 'uint8', false);
  const windows: number[][] = [];
  const watched = source.with({ read: (window, signal) => {
    windows.push([...window.size]);
    return source.read(window, signal);
  } });
  const index = await runCube('reduce_dimension', { data: watched, dimension: 'bands', reducer: ndvi });
  const mean = await runCube('reduce_dimension', { data: index, dimension: 't', reducer: reducer('mean') });
  let between = 0;
  Object.assign(index, { read: () => { between += 1; throw new Error('The index was read.'); } });
  await readAll(mean);
  expect(windows).toEqual([[5, 3, 43, 71]]);
  expect(between).toBe(0);
});

it('takes data and mask at once, without a masked cube between', async () => {
  const masked = await runCube('mask', { data: cubeOf(['t', 'bands', 'y', 'x'], 'uint8', true), mask: masks['by time and place']! });
  const index = await runCube('reduce_dimension', { data: masked, dimension: 'bands', reducer: ndvi });
  const mean = await runCube('reduce_dimension', { data: index, dimension: 't', reducer: reducer('mean') });
  for (const between of [masked, index]) Object.assign(between, { read: () => Promise.reject(new Error('It was read.')) });
  expect((await readAll(mean)).shape).toEqual([size.height, size.width]);
});

it('forgets how a cube was computed when the cube is changed', async () => {
  const source = cubeOf(['t', 'bands', 'y', 'x'], 'uint8', true);
  const index = await runCube('reduce_dimension', { data: source, dimension: 'bands', reducer: ndvi });
  const renamed = await runCube('rename_dimension', { data: index, source: 't', target: 'when' });
  const mean = await runCube('reduce_dimension', { data: renamed, dimension: 'when', reducer: reducer('mean') });
  const [, apart] = await bothWays(source, [overBands(ndvi), overTime('mean')]);
  expect((await readAll(mean)).data.findIndex((value, i) => !Object.is(value, apart.data[i]))).toBe(-1);
});

it('gives the same fingerprint whether or not kernels are joined', async () => {
  const source = cubeOf(['t', 'bands', 'y', 'x'], 'uint8', false);
  const index = await runCube('reduce_dimension', { data: source, dimension: 'bands', reducer: ndvi });
  const mean = (data: Cube) => runCube('reduce_dimension', { data, dimension: 't', reducer: reducer('mean') });
  const window = { start: [0, 0], size: [4, 4] };
  expect(await (await mean(index)).fingerprint(window)).toBe(await (await mean(index.with({}))).fingerprint(window));
});
