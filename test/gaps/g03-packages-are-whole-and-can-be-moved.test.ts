/**
 * G3: CLAIMED's archive of an operator was made with steps whose failure nobody looked at, so that it came without its dependencies,
 * and held the path of the machine it was made on, so that another Python ran it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { importScript } from '../../src/operators/import/import-script.ts';
import { hasPip, packedScript, TELL, told, unpackedAt } from './imported-program.ts';

const work = mkdtempSync(join(tmpdir(), 'lamina-g03-'));
afterAll(() => rmSync(work, { recursive: true }));
const environment = { PATH: process.env['PATH'], HOME: work, PIP_NO_INDEX: '1', PIP_FIND_LINKS: work, PIP_CONFIG_FILE: '/dev/null' };

/** A package for pip, made by hand: no network is needed to install it. */
function makeWheel(): void {
  execFileSync('python3', ['-c', `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1] + '/tinydep-1.0-py3-none-any.whl', 'w') as wheel:
    info = 'tinydep-1.0.dist-info/'
    wheel.writestr('tinydep.py', 'def where(): return "from " + __file__\\n')
    wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: tinydep\\nVersion: 1.0\\n')
    wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr(info + 'RECORD', 'tinydep.py,,\\n' + info + 'METADATA,,\\n' + info + 'WHEEL,,\\n' + info + 'RECORD,,\\n')
`, work]);
}

const withPip = hasPip ? it : it.skip;
const why = hasPip ? '' : ' (skipped: python3 has no pip)';

withPip(`makes no package when a dependency can't be installed, and says why${why}`, async () => {
  writeFileSync(join(work, 'broken.py'), '"""Broken"""\n# pip install there-is-no-such-package-9431\nimport os\n');
  const folder = join(work, 'broken');
  await expect(importScript(join(work, 'broken.py'), folder, { vendor: true, environment })).rejects.toThrow(/installing what it needs failed \(pip ended with 1\).*there-is-no-such-package-9431/s);
  expect(existsSync(folder)).toBe(false);
}, 30_000);

withPip(`brings its dependencies along, wherever it is unpacked${why}`, async () => {
  makeWheel();
  const source = `"""Tells"""\n# pip install tinydep==1.0\nimport os\nimport tinydep\ntold = tinydep.where()\n${TELL}`;
  const archive = await packedScript(work, 'tells', source, { vendor: true, environment });
  // Where it was made is gone.
  renameSync(join(work, 'tells-package'), join(work, 'elsewhere'));
  const one = await unpackedAt(archive, join(work, 'a', 'first place'));
  const two = await unpackedAt(archive, join(work, 'b'));
  mkdirSync(join(work, 'scratch'));
  expect(await told(one, {}, join(work, 'scratch'))).toBe(`from ${join(work, 'a', 'first place', 'lib', 'tinydep.py')}`);
  expect(await told(two, {}, join(work, 'scratch'))).toBe(`from ${join(work, 'b', 'lib', 'tinydep.py')}`);
  expect(one.digest).toBe(two.digest);
  // Nothing holds the path of the machine on which it was made.
  const files = readdirSync(join(work, 'b'), { recursive: true, encoding: 'utf8', withFileTypes: true }).filter((entry) => entry.isFile());
  for (const { parentPath, name } of files) expect(readFileSync(join(parentPath, name)).includes('tells-package'), name).toBe(false);
}, 60_000);

it('is small: an archive holds what it lists and nothing else', async () => {
  const archive = await packedScript(work, 'small', `"""Small"""\nimport os\ntold = 'x'\n${TELL}`);
  await unpackedAt(archive, join(work, 'small-one'));
  expect(readdirSync(join(work, 'small-one')).toSorted()).toEqual(['golden.json', 'lamina_start.py', 'operator.json', 'small.py']);
});
