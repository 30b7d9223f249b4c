import { afterAll, describe, expect, it } from 'vitest';
import type { Cube } from '../../../src/cube/cube.ts';
import type { Scope } from '../../../src/graph/scope.ts';
import { createUdfRuntimes } from '../../../src/udf/runtimes.ts';
import { codeOf, fingerprint, grid, recordingScope, run, sample, values } from './harness.ts';

const runtimes = createUdfRuntimes({ milliseconds: 20_000, memoryBytes: 64 << 20 });
const read: string[] = [];

function withUdf(): ReturnType<typeof recordingScope> {
  const recording = recordingScope();
  const scope: Scope = { ...recording.scope, udf: { open: (request) => runtimes.open(request), read: async (source) => { read.push(source); return 'const apply = ({data}) => data.map((v) => v + 100);\n'; } } };
  return { ...recording, scope };
}

const given = (udf: string, more: object = {}) => ({ udf, runtime: 'JavaScript', ...more });
const onCube = async (data: Cube, udf: string, more: object = {}) => (await run('run_udf', { data, ...given(udf, more) }, withUdf().scope)) as Cube;
const inCallback = (udf: string, name: string, more: object = {}) => ({ process_graph: { udf: { process_id: 'run_udf', arguments: { data: { from_parameter: name }, ...given(udf, more) }, result: true } } });
const dates = ['2024-01-01T00:00:00Z', '2024-01-11T00:00:00Z'];

afterAll(() => { expect(read.length).toBeGreaterThan(0); });

describe('run_udf on a cube', () => {
  const cube = sample({ t: dates, bands: ['a', 'b'], grid: grid(3, 2), value: (i) => (i === 5 ? null : i) });

  it('keeps the dimensions unless told otherwise', async () => {
    const result = await onCube(cube, 'function apply({data, nulls}) {\n  return {data: data.map((v) => v * 2), nulls};\n}');
    expect(result.dimensions).toEqual(cube.dimensions);
    expect(result.grid).toEqual(cube.grid);
    expect(result.dtype).toBe('float32');
    expect(await values(result)).toEqual(Array.from({ length: 24 }, (_, i) => (i === 5 ? null : i * 2)));
    expect(await values(result, [1, 0, 1, 1], [1, 2, 1, 2])).toEqual([32, 34, 44, 46]);
  });

  it('takes other dimensions from describe()', async () => {
    const code = `
      const describe = ({dimensions}) => [{name: 'stats', type: 'bands', labels: ['sum', 'bands']}];
      function apply({data, shape: [t, b, y, x], dimensions}) {
        const out = new Float64Array(2 * y * x);
        for (let i = 0; i < data.length; i++) if (data[i] === data[i]) out[i % (y * x)] += data[i];
        out.fill(dimensions[1].labels.length, y * x);
        return out;
      }`;
    const result = await onCube(cube, code);
    expect(result.dimensions.map((d) => d.name)).toEqual(['stats', 'y', 'x']);
    expect(result.labels('stats')).toEqual(['sum', 'bands']);
    expect(await values(result)).toEqual([36, 40, 44, 48, 52, 51, 2, 2, 2, 2, 2, 2]);
    expect(await values(result, [0, 1, 1], [1, 1, 2])).toEqual([52, 51]);
  });

  it('tells functions where and when they are', async () => {
    const code = `function apply({data, shape, dimensions}, {band}) {
      const [t, bands, y, x] = dimensions.map((d) => d.labels);
      return data.map((_, i) => x[i % x.length] + bands.indexOf(band) + (new Date(t[1]) - new Date(t[0])) / 864e5);
    }`;
    const result = await onCube(cube, code, { context: { band: 'b' } });
    expect((await values(result)).slice(0, 3)).toEqual([600_005 + 11, 600_015 + 11, 600_025 + 11]);
    // Windows may reach beyond the cube.
    expect(await values(result, [0, 0, 0, -1], [1, 1, 1, 2])).toEqual([599_995 + 11, 600_005 + 11]);
  });

  it('works off large cubes in chunks', async () => {
    const large = sample({ t: dates, grid: grid(700, 600), value: (i) => i % 1000 });
    const result = await onCube(large, 'let calls = 0;\nfunction apply({data}) { calls++; return data.map((v) => v + calls * 10000); }');
    const found = await values(result) as number[];
    expect(found.length).toBe(840_000);
    const calls = new Set(found.map((v) => Math.floor(v / 10_000)));
    expect(calls.size).toBeGreaterThan(2);
    expect(found.every((v, i) => v % 10_000 === i % 1000)).toBe(true);
  }, 60_000);

  it('computes a chunk once for readers that go date by date', async () => {
    const { scope, log } = withUdf();
    const result = await run('run_udf', { data: cube, ...given('function apply({data}) {\n  console.log("called"); return data;\n}') }, scope) as Cube;
    for (const t of [0, 1, 0]) expect((await values(result, [t, 0, 0, 0], [1, 1, 2, 3])).slice(0, 2)).toEqual([t * 12, t * 12 + 1]);
    expect(log.filter(({ message }) => message === 'called')).toHaveLength(1);
  });

  it('works without a grid', async () => {
    const flat = sample({ t: dates, bands: ['a', 'b'] });
    expect(await values(await onCube(flat, 'function describe({dimensions: [t, bands]}) { return [t]; }\nconst apply = ({data}) => [data[0] + data[1], data[2] + data[3]]'))).toEqual([1, 5]);
  });

  it('reads code from addresses and files', async () => {
    expect((await values(await onCube(sample({ bands: ['a'] }), 'https://example.com/f.js')))).toEqual([100]);
    await onCube(sample({ bands: ['a'] }), 'scripts/f.js');
    expect(read).toEqual(['https://example.com/f.js', 'scripts/f.js']);
  });

  it('has a fingerprint of code, context and pixels', async () => {
    const of = async (code: string, context: unknown = {}) => fingerprint(await onCube(cube, code, { context }));
    const code = 'const apply = ({data}) =>\n data';
    expect(await of(code)).toBe(await of(code));
    expect(await of(code)).not.toBe(await of(`${code};`));
    expect(await of(code)).not.toBe(await of(code, { k: 1 }));
  });

  it('writes console.log to the log of the run', async () => {
    const { scope, log } = withUdf();
    const result = await run('run_udf', { data: sample({ bands: ['a'] }), ...given('function apply({data}) {\n console.log("sum", data[0]); return data }') }, scope) as Cube;
    await values(result);
    expect(log.map(({ level, message }) => [level, message])).toContainEqual(['info', 'sum 0']);
  });

  it('says what is wrong', async () => {
    const reading = async (code: string) => { await values(await onCube(cube, code)); };
    await expect(reading('function apply({data}) {\n  return data.nothing.more;\n}')).rejects.toMatchObject({ code: 'UdfFailed', message: expect.stringMatching(/\(line 2\)/) as string });
    await expect(reading('function apply({data}) {\n  return [1];\n}')).rejects.toThrow(/24 values/);
    await expect(reading('const apply = (c) => c;\nconst describe = () => [{name: "x", type: "other", labels: [1]}]')).rejects.toThrow(/same name/);
    await expect(reading('const apply = (c) => c;\nconst describe = () => [{name: "q", type: "magic", labels: [1]}]')).rejects.toThrow(/'magic'/);
    await expect(reading('const apply = (c) => c;\nconst describe = () => [{name: "q", type: "other", labels: 5}]')).rejects.toThrow(/labels of 'q'/);
    expect(await codeOf(onCube(cube, 'a\nb', { runtime: 'Python' }))).toBe('InvalidRuntime');
    expect(await codeOf(onCube(cube, 'a\nb', { version: '9' }))).toBe('InvalidVersion');
    expect(await codeOf(run('run_udf', { data: cube, ...given('a\nb') }))).toBe('ProcessUnsupported');
  });
});

describe('run_udf in callbacks', () => {
  const cube = sample({ t: dates, bands: ['a', 'b'], grid: grid(3, 2), value: (i) => (i === 5 ? null : i) });
  const inside = async (process: string, args: Record<string, unknown>) => (await run(process, args, withUdf().scope)) as Cube;

  it('computes single values in apply', async () => {
    const result = await inside('apply', { data: cube, process: inCallback('function apply(x, {k}) {\n  return x === null ? -1 : x * k;\n}', 'x', { context: { k: 3 } }) });
    expect(await values(result)).toEqual(Array.from({ length: 24 }, (_, i) => (i === 5 ? -1 : i * 3)));
  });

  it('reduces arrays in reduce_dimension', async () => {
    const code = 'function apply(series, context, labels) {\n  return series[1] === null ? null : series[1] + labels.indexOf("b") * 100;\n}';
    const result = await inside('reduce_dimension', { data: cube, dimension: 'bands', reducer: inCallback(code, 'data') });
    expect(result.dimensions.map((d) => d.name)).toEqual(['t', 'y', 'x']);
    expect(await values(result)).toEqual([106, 107, 108, 109, 110, 111, 118, 119, 120, 121, 122, 123]);
  });

  it('gives arrays in apply_dimension, and booleans', async () => {
    const result = await inside('apply_dimension', { data: cube, dimension: 't', process: inCallback('function apply(series) {\n  return [...series].reverse();\n}', 'data') });
    expect((await values(result)).slice(0, 6)).toEqual([12, 13, 14, 15, 16, 17]);
    expect((await values(result))[17]).toBeNull();
    const flags = await inside('apply', { data: cube, process: inCallback('function apply(x) {\n  return x > 3;\n}', 'x') });
    expect(flags.dtype).toBe('bool');
    expect((await values(flags)).slice(2, 6)).toEqual([false, false, true, false]);
  });

  it('works among other processes, cell by cell', async () => {
    const graph = { process_graph: {
      udf: { process_id: 'run_udf', arguments: { data: { from_parameter: 'x' }, ...given('function apply(x) {\n  return x + 1;\n}') } },
      twice: { process_id: 'multiply', arguments: { x: { from_node: 'udf' }, y: 2 }, result: true },
    } };
    expect(await values(await inside('apply', { data: sample({ bands: ['a', 'b'] }), process: graph }))).toEqual([2, 4]);
  });

  it('gives the same for many pixels as for few', async () => {
    const many = sample({ t: dates, grid: grid(300, 200), value: (i) => i });
    const result = await inside('reduce_dimension', { data: many, dimension: 't', reducer: inCallback('function apply([a, b]) {\n  return b - a;\n}', 'data') });
    expect(new Set(await values(result))).toEqual(new Set([60_000]));
  }, 60_000);

  it('fails with the line and the node', async () => {
    const broken = inside('apply', { data: cube, process: inCallback('function apply(x) {\n\n  return x.a.b;\n}', 'x') });
    await expect(broken).rejects.toMatchObject({ code: 'UdfFailed', message: expect.stringMatching(/line 3/) as string, path: [{ process_id: 'apply' }, { process_id: 'run_udf' }] });
    expect(await codeOf(inside('apply', { data: cube, process: inCallback('scripts/f.js', 'x') }))).toBe('ProcessParameterInvalid');
  });
});

describe('run_udf on values', () => {
  const onValue = (data: unknown, udf: string) => run('run_udf', { data, ...given(udf) }, withUdf().scope);

  it('takes numbers and arrays', async () => {
    expect(await onValue(20, 'function apply(x) {\n  return x + 1;\n}')).toBe(21);
    expect(await onValue([1, null, 3], 'function apply(x) {\n  return x.map((v) => v === null ? 0 : v * 2);\n}')).toEqual([2, 0, 6]);
    expect(await onValue([true, false], 'function apply(x) {\n  return x.map((v) => !v);\n}')).toEqual([false, true]);
    await expect(onValue('text', 'function apply(x) {\n  return 1;\n}')).rejects.toThrow(/not a string/);
  });
});
