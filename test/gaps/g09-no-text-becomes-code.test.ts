/** G9: CLAIMED evaluated a variable of the environment as Python (`group_by`): whoever could set it could run anything. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { claimedInterface } from '../../src/operators/import/claimed.ts';
import { importModel } from '../../src/operators/import/import-model.ts';
import { hasPython, packedScript, TELL, told, unpackedAt } from './imported-program.ts';

const work = mkdtempSync(join(tmpdir(), 'lamina-g09-'));
afterAll(() => rmSync(work, { recursive: true }));
const code = `.split('/')[0] or __import__('os').system('touch ${join(work, 'pwn')}')`;

(hasPython ? it : it.skip)(`a value that is code arrives as a text${hasPython ? '' : ' (skipped: there is no python3)'}`, async () => {
  const source = `"""Groups"""\nimport os\ngroup_by = os.getenv('group_by', '')\ntold = group_by\n${TELL}`;
  const operator = await unpackedAt(await packedScript(work, 'groups', source), join(work, 'groups'));
  expect(await told(operator, { group_by: code }, join(work, 'scratch'))).toBe(code);
  expect(existsSync(join(work, 'pwn'))).toBe(false);
}, 60_000);

describe('what is imported is read and not run', () => {
  it('a default that is code is not known', () => {
    const { params, remarks } = claimedInterface(`import os\ngroup_by = os.getenv('group_by', open('${join(work, 'pwn')}', 'w').name)\nx = eval(os.getenv('x', '__import__("os").getpid()'))\n`);
    expect(params).toEqual([{ name: 'group_by', type: 'string', description: 'group by' }, { name: 'x', type: 'string', description: 'x', default: '__import__("os").getpid()' }]);
    expect(remarks).toEqual([expect.stringContaining("the default of 'group_by' is computed")]);
    expect(existsSync(join(work, 'pwn'))).toBe(false);
  });

  it('settings are data', async () => {
    const settings = join(work, 'settings.yaml');
    writeFileSync(settings, `a: !!python/object/apply:os.system ['touch ${join(work, 'pwn')}']\nmodel: !!js/function 'function () { require("fs").writeFileSync("${join(work, 'pwn')}", "") }'\n`);
    await importModel('operators/pca/model.onnx', join(work, 'imported'), { settings });
    expect(existsSync(join(work, 'pwn'))).toBe(false);
    // And they were read.
    writeFileSync(settings, 'a: [');
    await expect(importModel('operators/pca/model.onnx', join(work, 'again'), { settings })).rejects.toThrow(/settings\.yaml/);
  });
});

it('no source of Lamina that handles operators evaluates a text', () => {
  const folders = ['src/operators', 'src/runtimes', 'src/grid', 'src/release'];
  const files = folders.flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts')).map((name) => join(folder, name)));
  expect(files.length).toBeGreaterThan(30);
  for (const file of files) expect(readFileSync(file, 'utf8'), file).not.toMatch(/\beval\(|new Function\(|\bshell: true|runInNewContext|execSync\(/);
});
