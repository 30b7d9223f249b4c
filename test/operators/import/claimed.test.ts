import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { claimedInterface, notebookSource } from '../../../src/operators/import/claimed.ts';
import { pythonTokens } from '../../../src/operators/import/python-tokens.ts';

const paramsOf = (source: string) => claimedInterface(`import os\n${source}`).params;
const one = (source: string) => paramsOf(source)[0];

/**
 * The text of D3.1's appendix is not at hand, only what somebody wrote down of it. So ai-compressor.py has two parts.
 *
 * ORIGINAL: these eight names; the casts and defaults that stand here; that there are 17 parameters, that the three without a default
 * are the required ones, and that 8 are whole numbers, 1 is a number and 8 are texts; the title, and that torch and torchvision are installed.
 *
 * FILLED UP: the nine other parameters (names, defaults, which of them is what), all comments but two, and compressai. They are
 * what such a script has, such that the counts come out; nothing about them is evidence of what D3.1 says.
 */
const ORIGINAL = {
  nnodes: { type: 'integer', default: 1 }, nproc_per_node: { type: 'integer', default: 1 }, dataset: { type: 'string', default: 'millionAID' },
  data_path: { type: 'string' }, path_to_pretrained_model: { type: 'string' }, output_dir: { type: 'string' },
  ld: { type: 'string', default: '1e10' }, weight_decay: { type: 'number', default: 0.05 },
};
const FILLED_UP = ['model', 'batch_size', 'epochs', 'warmup_epochs', 'patch_size', 'num_workers', 'save_every_n_epochs', 'blr', 'device'];

describe('the AI-compressor in the manner of D3.1', () => {
  const found = claimedInterface(readFileSync(new URL('ai-compressor.py', import.meta.url), 'utf8'));
  const count = (type: string) => found.params.filter((p) => p.type === type).length;

  it('has exactly 17 parameters, 3 of them required', () => {
    expect(found.params).toHaveLength(17);
    expect(found.params.filter((p) => p.default === undefined).map((p) => p.name)).toEqual(['data_path', 'path_to_pretrained_model', 'output_dir']);
    expect({ integer: count('integer'), number: count('number'), string: count('string') }).toEqual({ integer: 8, number: 1, string: 8 });
  });

  it('has what is known of the original, and what it is filled up with', () => {
    const kept = ({ type, default: usual }: { type: string; default?: unknown }) => ({ type, ...(usual === undefined ? {} : { default: usual }) });
    expect(Object.fromEntries(found.params.filter(({ name }) => !FILLED_UP.includes(name)).map((p) => [p.name, kept(p)]))).toEqual(ORIGINAL);
    expect(found.params.map(({ name }) => name).toSorted()).toEqual([...Object.keys(ORIGINAL), ...FILLED_UP].toSorted());
  });

  it('has their types, defaults and descriptions', () => {
    expect(found.params.find((p) => p.name === 'weight_decay')).toEqual({ name: 'weight_decay', type: 'number', description: 'decay of the weights', default: 0.05 });
    expect(found.params.find((p) => p.name === 'ld')).toMatchObject({ type: 'string', default: '1e10' });
    expect(found.params[0]).toEqual({ name: 'nnodes', type: 'integer', description: 'number of nodes', default: 1 });
  });

  it('has a title, a description and what it needs', () => {
    expect(found).toMatchObject({ title: 'Embed2Scale AI-compressor operator', description: expect.stringContaining('Trains and applies'), requirements: ['torch==2.4.1', 'torchvision==0.19.1', 'compressai'], remarks: [], outputs: [] });
  });
});

/** The piece of source in the manner of the appendix that the reference has, where it is present. */
const reference = join(import.meta.dirname, '../../../../shared/reference/origin-systems.md');
const piece = existsSync(reference) ? /### 5\.6[^]*?```python\n([^]*?)```/.exec(readFileSync(reference, 'utf8'))?.[1] : undefined;
it.skipIf(piece === undefined)(`reads the piece of the reference as it is written${piece === undefined ? ' (skipped: ../shared/reference/origin-systems.md is absent)' : ''}`, () => {
  const { title, requirements, params } = claimedInterface(piece!);
  expect({ title, requirements }).toEqual({ title: 'Embed2Scale AI-compressor operator', requirements: ['torch==2.4.1', 'torchvision==0.19.1'] });
  for (const name of ['nnodes', 'nproc_per_node', 'dataset', 'data_path', 'ld', 'weight_decay'] as const) expect(params.find((p) => p.name === name), name).toMatchObject(ORIGINAL[name]);
  expect(params.filter((p) => p.default === undefined).map(({ name }) => name)).toEqual(['data_path']);
  // Beyond the appendix: the trap of bool(), and lists that are texts.
  expect(params.find(({ name }) => name === 'overwrite')).toMatchObject({ type: 'boolean', default: false, description: 'overwrite existing outputs' });
  expect(params.filter(({ name }) => name === 'bands' || name === 'mean').map(({ type }) => type)).toEqual(['string', 'string']);
});

describe('the interface of a script', () => {
  it.each<[string, object]>([
    ["x = os.getenv('x')", { name: 'x', type: 'string', description: 'x' }],
    ["x = os.environ['data_dir']", { name: 'data_dir', type: 'string', description: 'data dir' }],
    ["x = os.environ.get('x', 'a')", { name: 'x', type: 'string', description: 'x', default: 'a' }],
    ['x = os.environ.get("x", "it\'s")', { name: 'x', type: 'string', description: 'x', default: "it's" }],
    ["from os import getenv\nx = getenv('x', 'a' 'b')", { name: 'x', type: 'string', description: 'x', default: 'ab' }],
    ["x = int(os.getenv('x', 3))", { name: 'x', type: 'integer', description: 'x', default: 3 }],
    ["x = int(os.getenv('x', '-3'))", { name: 'x', type: 'integer', description: 'x', default: -3 }],
    ["x = int(os.getenv('x', -1_000))", { name: 'x', type: 'integer', description: 'x', default: -1000 }],
    ["x = float(os.getenv('x', '1e-4'))", { name: 'x', type: 'number', description: 'x', default: 1e-4 }],
    ["x = str(os.getenv('x', 5))", { name: 'x', type: 'string', description: 'x', default: '5' }],
    ["x = os.getenv('x', None)", { name: 'x', type: 'string', description: 'x', default: null }],
    ["x = os.getenv('x', default='a')", { name: 'x', type: 'string', description: 'x', default: 'a' }],
    ["x = os.getenv(\n    'x',\n    'a',\n)  # behind", { name: 'x', type: 'string', description: 'behind', default: 'a' }],
    ["x = json.loads(os.getenv('x', '[1.0, 2]'))", { name: 'x', type: 'array', items: 'number', description: 'x', default: [1, 2] }],
    ["x = ast.literal_eval(os.getenv('x', \"['a', 'b']\"))", { name: 'x', type: 'array', items: 'string', description: 'x', default: ['a', 'b'] }],
    ["x = os.getenv('x', 'B02,B03').split(',')", { name: 'x', type: 'array', items: 'string', description: 'x', default: ['B02', 'B03'] }],
    ["# a size; range 1..512; unit px\nx = int(os.getenv('x', '8'))", { name: 'x', type: 'integer', description: 'a size', minimum: 1, maximum: 512, unit: 'px', default: 8 }],
    ["# how; one of fast, best\nx = os.getenv('x', 'best')", { name: 'x', type: 'string', description: 'how', enum: ['fast', 'best'], default: 'best' }],
    ["# at least\nx = float(os.getenv('x', '1'))", { name: 'x', type: 'number', description: 'at least', default: 1 }],
    ["name = r'\\d'; x = os.getenv('x', r'\\d')", { name: 'x', type: 'string', description: 'x', default: '\\d' }],
  ])('reads %j', (source, parameter) => {
    expect(paramsOf(source)).toEqual([parameter]);
  });

  it.each(["# x = os.getenv('x')", '"""\nos.getenv(\'x\')\n"""', 'print("os.getenv(\'x\')")', "os.environ['x'] = 'a'", "x = environment('x')", "os.getenv(name)", "os.getenv(f'{x}')"])('finds no parameter in %j', (source) => {
    expect(paramsOf(source)).toEqual([]);
  });

  it('reads a name once, and not what it set itself', () => {
    expect(paramsOf("x = os.getenv('x', '1')\ny = int(os.getenv('x', '2'))\nos.environ['z'] = 'a'\nz = os.getenv('z')")).toEqual([{ name: 'x', type: 'string', description: 'x', default: '1' }]);
  });

  it('takes flags as they are meant, and warns of what Python makes of them', () => {
    const found = claimedInterface("import os\n# overwrite existing outputs\noverwrite = bool(os.getenv('overwrite', False))\nother = bool(os.environ.get('other', 'False'))\n");
    expect(found.params).toEqual([
      { name: 'overwrite', type: 'boolean', description: 'overwrite existing outputs', default: false },
      { name: 'other', type: 'boolean', description: 'other', default: false },
    ]);
    expect(found.remarks).toEqual([expect.stringContaining("line 3: bool() takes every text but the empty one for true"), expect.stringContaining('line 4')]);
  });

  it('says which defaults it can not know', () => {
    const found = claimedInterface("import os\nx = os.getenv('x', DEFAULT)\ny = int(os.getenv('y', 'many'))\nz = os.getenv('z', f'{x}/out')\n");
    expect(found.params.map((p) => p.default)).toEqual([undefined, undefined, undefined]);
    expect(found.remarks.map((r) => /line (\d)/.exec(r)?.[1])).toEqual(['2', '3', '4']);
  });

  it('lists outputs and requirements', () => {
    const found = claimedInterface("# pip install numpy 'torch>=2,<3' --index-url https://x.example -q\n#!pip install rasterio[s3]==1.3\nos.environ['result'] = '/tmp/x'\nif os.environ['mode'] == 'a': pass\n");
    expect(found.requirements).toEqual(['numpy', 'torch>=2,<3', 'rasterio[s3]==1.3']);
    expect(found.outputs).toEqual(['result']);
    expect(found.params.map((p) => p.name)).toEqual(['mode']);
  });

  it('lives with what is no Python', () => {
    for (const text of ['', '\uFEFF', "x = 'unclosed", '"""', "os.getenv('x'", ')))', '\0\0', "os.getenv('x', (", 'é = ☃']) expect(() => claimedInterface(text)).not.toThrow();
  });
});

describe('a notebook', () => {
  const cells = [
    { cell_type: 'markdown', source: ['# Resize images\n', 'Makes them "smaller".'] },
    { cell_type: 'code', source: '!pip install pillow==10.0.0\n%matplotlib inline' },
    { cell_type: 'code', source: ['import os\n', '# edge\n', "size = int(os.getenv('size', '64'))"] },
    { cell_type: 'raw', source: "os.getenv('not_me')" },
  ];

  it('is read like a script', () => {
    const source = notebookSource(JSON.stringify({ cells }));
    expect(claimedInterface(source)).toMatchObject({
      title: 'Resize images', description: 'Resize images\nMakes them "smaller".', requirements: ['pillow==10.0.0'], params: [{ name: 'size', type: 'integer', description: 'edge', default: 64 }],
    });
    expect(source).toContain('pass # %matplotlib inline');
  });

  it.each(['{', '[]', '{"cells": 3}'])('is not %j', (json) => {
    expect(() => notebookSource(json)).toThrow(/no notebook/);
  });
});

it('tells the words of Python apart', () => {
  expect(pythonTokens("a = b'x\\'y' # c\n'''d\n'e'''\\\n1.5e-3").map((t) => [t.kind, t.text, t.line])).toEqual([
    ['name', 'a', 1], ['sign', '=', 1], ['string', "x'y", 1], ['comment', ' c', 1], ['line', '\n', 1], ['string', "d\n'e", 2], ['number', '1.5e-3', 4],
  ]);
  expect(one("x = os.getenv('x', '\\u00e4\\n')")?.default).toBe('ä\n');
});
