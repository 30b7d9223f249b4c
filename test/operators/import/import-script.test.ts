import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { operatorNameOf } from '../../../src/operators/import/draft.ts';
import { importScript } from '../../../src/operators/import/import-script.ts';

const work = mkdtempSync(join(tmpdir(), 'lamina-script-'));
afterAll(() => rmSync(work, { recursive: true }));
let count = 0;
const fresh = () => join(work, `p${count++}`);
const written = (name: string, content: string) => {
  writeFileSync(join(work, name), content);
  return join(work, name);
};

it('makes a draft of the AI-compressor and says what it lacks', async () => {
  const folder = fresh();
  const draft = await importScript(fileURLToPath(new URL('ai-compressor.py', import.meta.url)), folder);
  expect(draft.manifest).toMatchObject({ name: 'ai-compressor', version: '0.1.0', kind: 'exec', command: ['python3', './lamina_start.py'], title: 'Embed2Scale AI-compressor operator' });
  expect(readdirSync(folder).toSorted()).toEqual(['ai_compressor.py', 'lamina_start.py', 'operator.json', 'requirements.txt']);
  expect(JSON.parse(readFileSync(join(folder, 'operator.json'), 'utf8'))).toEqual(draft.manifest);
  expect(Object.keys(draft.manifest['files'] as object)).toEqual(['ai_compressor.py', 'lamina_start.py', 'requirements.txt']);
  expect(draft.missing.map((line) => line.split(/[ :]/)[0])).toEqual(['license', 'input', 'patch', 'halo', 'output', 'min_valid', 'quantization', 'rgb', 'golden', 'the', 'it']);
  expect(draft.missing.at(-1)).toContain('torch==2.4.1, torchvision==0.19.1, compressai, which nothing installs');
});

it('takes no variable for a parameter that other programs read, and tells of outputs', async () => {
  const { manifest, remarks, missing } = await importScript(written('odd.py', "import os\nhome = os.getenv('HOME', '/')\np = os.getenv('LD_PRELOAD')\ni = os.environ['INPUT_PATH']\no = os.environ['OUTPUT_PATH']\nn = int(os.getenv('n', '1'))\nos.environ['result'] = o\n"), fresh());
  expect((manifest['params'] as { name: string }[]).map(({ name }) => name)).toEqual(['n']);
  expect(remarks).toEqual([expect.stringContaining("'HOME' is read and becomes no parameter"), expect.stringContaining("'LD_PRELOAD'"), expect.stringContaining("'result' is an output of CLAIMED")]);
  expect(missing.join()).not.toContain('INPUT_PATH');
});

it('imports notebooks as scripts', async () => {
  const folder = fresh();
  const { manifest } = await importScript(written('My Notebook.ipynb', JSON.stringify({ cells: [{ cell_type: 'markdown', source: '# Sums' }, { cell_type: 'code', source: "import os\nn = int(os.getenv('n', '1'))" }] })), folder);
  expect(manifest).toMatchObject({ name: 'my-notebook', title: 'Sums', params: [{ name: 'n', type: 'integer', default: 1 }] });
  expect(readFileSync(join(folder, 'my_notebook.py'), 'utf8')).toContain("n = int(os.getenv('n', '1'))");
});

it.each<[string, () => Promise<unknown>, RegExp]>([
  ['another kind of file', () => importScript(written('x.R', ''), fresh()), /neither a script \(\.py\) nor a notebook/],
  ['a file that is not there', () => importScript(join(work, 'none.py'), fresh()), /can't be read \(ENOENT\)/],
  ['a notebook that is none', () => importScript(written('x.ipynb', '{}'), fresh()), /x\.ipynb: it is no notebook: it has no cells/],
  ['a name that gives none', () => importScript(written('123.py', ''), fresh()), /gives no name for an operator; give one with --name/],
  ['a folder that is there', () => importScript(written('a.py', ''), work), /is there already; choose a new folder/],
  ['a folder in a folder that is not', () => importScript(written('a.py', ''), join(work, 'no', 'where')), /does not exist/],
])('refuses %s', async (_, work_, message) => {
  await expect(work_()).rejects.toThrow(expect.objectContaining({ name: 'ImportRefused', message: expect.stringMatching(message) }));
});

it('leaves nothing behind when it fails', async () => {
  const folder = fresh();
  await expect(importScript(written('dep.py', '# pip install x\n'), folder, { vendor: true, python: join(work, 'no-python') })).rejects.toThrow(/can't be started/);
  expect(existsSync(folder)).toBe(false);
});

it('makes names of files', () => {
  expect(['AI_Compressor.py', 'a b.c.onnx', '1st-try.py', `${'x'.repeat(80)}.py`].map(operatorNameOf)).toEqual(['ai-compressor', 'a-b-c', 'st-try', 'x'.repeat(64)]);
});
