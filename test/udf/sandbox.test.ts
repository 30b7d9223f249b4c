import { describe, expect, it } from 'vitest';
import type { UdfSamples } from '../../src/graph/udf.ts';
import { ask, failureOf, map, never, sandbox, single } from './harness.ts';

const body = (code: string) => `function apply(x, context) {\n${code}\n}`;

describe('functions of users', () => {
  it('compute, one pixel at a time', async () => {
    expect((await map(body('return x === null ? -1 : x * context.factor'), [1, 2.5, null, NaN], { context: { factor: 2 } })).values).toEqual([2, 5, -1, NaN]);
    expect((await map('const apply = (x) => (x > 1 ? null : x)', [1, 2])).values).toEqual([1, null]);
  });

  it('get arrays with no-data and labels', async () => {
    const opened = sandbox('function apply(series, context, labels) {\n return [series.length, series[1] === null ? -1 : series[1], labels[0] === "a" ? 1 : 0] }');
    const cells = { outer: 2, inner: 2, labels: ['a', 'b'], isBoolean: false };
    const result = await opened.call({ kind: 'probe', cells }, never);
    expect(result).toEqual({ length: 3, type: 'number' });
    const samples: UdfSamples = { data: Float64Array.from([0, 1, 2, 3, 4, 5, 6, 7]), nulls: Uint8Array.from([0, 0, 0, 1, 0, 0, 0, 0]) };
    const { data } = await opened.call({ kind: 'cells', cells, samples, result }, never);
    expect([...data]).toEqual([2, 2, 2, -1, 1, 1, 2, 2, 6, 7, 1, 1]);
  });

  it('give booleans, and arrays of different lengths up to the first', async () => {
    const opened = sandbox(body('return x > 0'));
    const result = await opened.call({ kind: 'probe', cells: single }, never);
    expect(result).toEqual({ length: null, type: 'boolean' });
    const longer = sandbox(body('return x < 100 ? [x] : [x, x, x]'));
    await expect(longer.call({ kind: 'cells', cells: single, samples: { data: Float64Array.of(500), nulls: null }, result: { length: 1, type: 'number' } }, never)).rejects.toThrow(/at most 1 values.*not 3/);
  });

  it('get chunks of cubes', async () => {
    const opened = sandbox('function apply({data, nulls, shape, dimensions}, context) {\n return {data: data.map((v, i) => (nulls[i] ? 9 : v + shape[0] + dimensions[1].labels[1])), nulls: [1, 0, 0, 0]} }');
    const dimensions = [{ name: 't', type: 'temporal', labels: ['2024'] }, { name: 'x', type: 'spatial', labels: [1, 10, 100, 1000] }];
    const { data, nulls } = await opened.call({ kind: 'chunk', dimensions, samples: { data: Float64Array.of(1, 2, 3, 4), nulls: Uint8Array.of(0, 0, 1, 0) }, expected: [1, 4] }, never);
    expect([...data]).toEqual([0, 13, 9, 15]);
    expect([...nulls!]).toEqual([1, 0, 0, 0]);
  });

  it('say no-data by NaN when they give no flags', async () => {
    const opened = sandbox('const apply = ({data}) => [NaN, null, 3]');
    const { nulls } = await opened.call({ kind: 'chunk', dimensions: [], samples: { data: Float64Array.of(1), nulls: null }, expected: [3] }, never);
    expect([...nulls!]).toEqual([1, 1, 0]);
  });

  it('describe the dimensions of what they give', async () => {
    const shape = [{ name: 'bands', type: 'bands', labels: ['a', 'b'] }];
    expect(await sandbox('const apply = (x) => x').call({ kind: 'describe', dimensions: shape }, never)).toBeNull();
    const opened = sandbox('function describe({dimensions}, context) {\n return [{...dimensions[0], labels: [context]}] }', { context: 'sum' });
    expect(await opened.call({ kind: 'describe', dimensions: shape }, never)).toEqual([{ name: 'bands', type: 'bands', labels: ['sum'] }]);
  });

  it('work for callers who can not wait', () => {
    const opened = sandbox(body('console.log("called"); return x + 1'));
    for (let n = 0; n < 3; n++) expect([...opened.callSync({ kind: 'cells', cells: single, samples: { data: Float64Array.of(n), nulls: null }, result: { length: null, type: 'number' } }).data]).toEqual([n + 1]);
    expect(opened.log.map(({ message }) => message)).toEqual(['called', 'called', 'called']);
  });

  it('write to the log', async () => {
    const { log } = await map(body('console.log("a", x, {b: [1]}, undefined); console.warn("w"); console.error(new Error("e").message); return x'), [1]);
    expect(log.map(({ level, message }) => [level, message])).toEqual([['info', 'a 1 {"b":[1]} undefined'], ['warning', 'w'], ['error', 'e']]);
    const { log: flood } = await map(body('for (let i = 0; i < 1000; i++) console.log("x".repeat(5000)); return x'), [1]);
    expect(flood.length).toBe(200);
    expect(flood.at(-1)!.message).toMatch(/left out/);
    expect(Math.max(...flood.map(({ message }) => message.length))).toBeLessThan(2100);
  });

  it('find a clock that stands still, and the same random numbers in every run', async () => {
    const random = body('return Date.now() + new Date().getTime() + Math.random()');
    expect((await map(random, [1, 2])).values).toEqual((await map(random, [1, 2])).values);
    expect((await map(body('return new Date("2024-01-01").getTime() + (new Date(5) instanceof Date ? 0 : 1)'), [1])).values).toEqual([Date.UTC(2024, 0, 1)]);
    expect((await map(body('return new (Object.getPrototypeOf(Date))().constructor.now() + Object.getPrototypeOf(Date).now()'), [1])).values).toEqual([0]);
  });

  it('start from nothing with every sandbox', async () => {
    const counting = 'globalThis.n = (globalThis.n ?? 0) + 1;\nArray.prototype.leak = 7;\nfunction apply(x) { return globalThis.n + ([].leak ?? 0) }';
    expect((await map(counting, [1])).values).toEqual([8]);
    expect((await map(counting, [1])).values).toEqual([8]);
    expect((await map(body('return [].leak === undefined && globalThis.n === undefined ? 1 : 0'), [1])).values).toEqual([1]);
  });
});

describe('errors of users', () => {
  it.each([
    ['an exception, with its line', 'function apply(x) {\n\n  return x.y.z;\n}', /cannot read property 'z' of undefined \(line 3\)/],
    ['an own error', 'function apply(x) {\n  throw new Error("no good");\n}', /Error: no good \(line 2\)/],
    ['something thrown that is no error', 'function apply(x) {\n  throw "boo" }', /it threw boo/],
    ['bad syntax', 'function apply(x) {\n  retur x;\n}', /SyntaxError.*\(line 2\) while it was loaded/],
    ['an error while loading', 'const a = 1;\nnotThere();', /'notThere' is not defined \(line 2\) while it was loaded/],
    ['no function', 'function other(x) { return x }', /there is no function 'apply'/],
    ['nothing returned', body('x + 1'), /not nothing; is there a return statement\?/],
    ['a text returned', body('return "a"'), /a number, a boolean, null or an array of them, not a string/],
    ['an object returned', body('return {a: 1}'), /not an object/],
    ['an array of texts', body('return ["a"]'), /numbers, booleans or null, not a string/],
    ['an asynchronous function', 'async function apply(x) { return 1 }', /must not be asynchronous/],
    ['single values here and arrays there', body('return x > 0 ? 1 : [1]'), /always return a single value or always an array/],
    ['too long arrays', body('return new Float64Array(20000)'), /20000 values per pixel/],
  ])('are told: %s', async (_, code, reason) => {
    expect(await failureOf(code)).toMatch(reason);
  });

  it('are told for cubes of the wrong size', async () => {
    const chunk = (code: string) => ask(code, { kind: 'chunk', dimensions: [], samples: { data: Float64Array.of(1, 2), nulls: null }, expected: [2] });
    await expect(chunk('const apply = ({data}) => data.slice(1)')).rejects.toThrow(/2 values, the shape \[2\], not 1/);
    await expect(chunk('const apply = ({data}) => ({data, nulls: [1]})')).rejects.toThrow(/nulls must have as many elements/);
    await expect(chunk('const apply = () => "text"')).rejects.toThrow(/must return a cube/);
  });
});

describe('what the sandbox keeps out', () => {
  it('has nothing of Node and no network', async () => {
    const names = ['require', 'process', 'module', 'global', 'Buffer', 'fetch', 'XMLHttpRequest', 'WebSocket', 'Worker', 'WebAssembly', 'setTimeout', 'setInterval', 'queueMicrotask', 'std', 'os', 'Deno', 'Bun', 'performance'];
    const code = `function apply() {\n return [${names.map((name) => `typeof ${name} === 'undefined' ? 0 : 1`).join(', ')}] }`;
    const { answer } = await ask(code, { kind: 'cells', cells: single, samples: { data: Float64Array.of(0), nulls: null }, result: { length: names.length, type: 'number' } });
    expect(names.filter((_, i) => (answer as UdfSamples).data[i] !== 0)).toEqual([]);
  });

  it('has no way out through constructors, imports and eval', async () => {
    expect((await map(body('return typeof (function () { return this })().process === "undefined" ? 1 : 0'), [0])).values).toEqual([1]);
    expect((await map(body('return typeof console.log.constructor("return typeof process")() === "string" && console.log.constructor("return typeof process")() === "undefined" ? 1 : 0'), [0])).values).toEqual([1]);
    expect((await map(body('return eval("typeof require") === "undefined" ? 1 : 0'), [0])).values).toEqual([1]);
    expect(await failureOf('import fs from "node:fs";\nfunction apply() { return 1 }')).toMatch(/SyntaxError/);
    // A dynamic import gives a promise that is never kept.
    expect((await map('let got = 0;\nfunction apply() { import("node:fs").then(() => { got = 1; }, () => {}); return got }', [1, 2, 3])).values).toEqual([0, 0, 0]);
  });

  it('stops endless loops', async () => {
    const started = performance.now();
    expect(await failureOf(body('while (true) {}'), { milliseconds: 300 })).toMatch(/longer than 0.3 s/);
    expect(await failureOf('for (;;) ;\nfunction apply() { return 1 }', { milliseconds: 300 })).toMatch(/longer than 0.3 s/);
    expect(await failureOf(body('try { while (true) {} } catch { while (true) {} } return 1'), { milliseconds: 300 })).toMatch(/longer than 0.3 s/);
    expect(await failureOf(body('return /^(a+)+$/.test("a".repeat(60) + "b")'), { milliseconds: 300 })).toMatch(/longer than 0.3 s/);
    expect(performance.now() - started).toBeLessThan(20_000);
  }, 30_000);

  it('stops those who use more memory than they may', async () => {
    expect(await failureOf(body('const a = []; while (true) a.push(new Float64Array(100000))'))).toMatch(/more than 32 MiB/);
    expect(await failureOf(body('return new Uint8Array(1e9)'))).toMatch(/more than 32 MiB/);
    expect(await failureOf(body('let s = "x"; while (true) s += s'))).toMatch(/32 MiB|string/);
  }, 30_000);

  it('survives recursion without end', async () => {
    expect(await failureOf(body('return apply(x) + 1'))).toMatch(/stack|runtime broke/);
    expect(await failureOf(body('return JSON.parse("[".repeat(1e6))'))).toMatch(/stack|runtime broke/);
    // In the service the thread ends with the runtime, and the next call gets another one.
    const opened = sandbox(body('return x > 5 ? JSON.parse("[".repeat(1e6)) : x'));
    const call = (x: number) => opened.call({ kind: 'cells', cells: single, samples: { data: Float64Array.of(x), nulls: null }, result: { length: null, type: 'number' } }, never);
    await expect(call(9)).rejects.toMatchObject({ code: 'UdfFailed' });
    expect([...(await call(2)).data]).toEqual([2]);
  }, 30_000);

  it('is killed when it does not listen', async () => {
    // One call of a built-in function that never looks at the clock.
    const hog = sandbox(body('return "ab".repeat(1.5e7).split("").length'), { milliseconds: 50 });
    const abort = new AbortController();
    setTimeout(() => { abort.abort(new Error('gone')); }, 300);
    await expect(hog.call({ kind: 'probe', cells: single }, abort.signal)).rejects.toThrow(/gone|longer than|memory/);
  }, 30_000);

  it('lets nobody spoil results by changing built-in objects', async () => {
    const pollution = `Object.prototype.data = 1; Object.prototype.nulls = 2; Array.prototype.toJSON = () => 'x';
      JSON.stringify = () => '{"length":99999999,"type":"evil"}'; JSON.parse = () => 1; Array.isArray = () => false; Float64Array = null;
      Object.prototype.toJSON = () => ({ __proto__: { polluted: true }, polluted: true });`;
    const opened = sandbox(`${pollution}\nfunction apply(x) { return x + 1 }`);
    const outcome = await opened.call({ kind: 'cells', cells: { ...single, inner: 3 }, samples: { data: Float64Array.of(1, 2, 3), nulls: null }, result: { length: null, type: 'number' } }, never).then(({ data }) => [...data], (error: unknown) => (error as { code: string }).code);
    expect([[2, 3, 4], 'UdfFailed']).toContainEqual(outcome);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(({} as Record<string, unknown>)['data']).toBeUndefined();
    const described = await sandbox(`${pollution}\nfunction describe() { return [{name: '__proto__', type: 'constructor', labels: ['a']}] }`).call({ kind: 'describe', dimensions: [] }, never).catch((error: unknown) => (error as { code: string }).code);
    expect(JSON.stringify(described)).not.toContain('evil');
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  });

  it('goes on for others while one is stuck, and for the same user after a failure', async () => {
    const stuck = failureOf(body('while (true) {}'), { milliseconds: 1500 });
    expect((await map(body('return x'), [1])).values).toEqual([1]);
    expect(await stuck).toMatch(/longer/);
    const opened = sandbox(body('if (x > 5) throw new Error("big"); return x'));
    const call = (x: number) => opened.call({ kind: 'cells', cells: single, samples: { data: Float64Array.of(x), nulls: null }, result: { length: null, type: 'number' } }, never);
    await expect(call(9)).rejects.toThrow(/big/);
    expect([...(await call(2)).data]).toEqual([2]);
  });

  it('refuses runtimes and versions that do not exist, and very long code', async () => {
    const { createUdfRuntimes } = await import('../../src/udf/runtimes.ts');
    const { silentLog } = await import('../../src/log.ts');
    const open = (runtime: string, version: string | null, code = '') => () => createUdfRuntimes({ milliseconds: 1, memoryBytes: 1 }).open({ runtime, version, code, context: null, log: silentLog });
    expect(open('Python', null)).toThrow(/not supported.*JavaScript/);
    expect(open('constructor', null)).toThrow(/not supported/);
    expect(open('JavaScript', '3')).toThrow(/ES2023/);
    expect(open('JavaScript', 'ES2023', ' '.repeat(1e6 + 1))).toThrow(/longer than/);
  });
});
