/** Archives of C3, CLAIMED's compiler, as packages: what comes along, and what archives of strangers can't do. */
import { spawnSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ZipFile } from 'yazl';
import { operatorCommand } from '../../../src/commands/operator.ts';
import { identityOf, importClaimedBundle } from '../../../src/operators/import/claimed-bundle.ts';

const RUNNABLE = '"""\nSums of bands\n"""\n# pip install tiny==1.0\nimport os, tiny\n# how often\ntimes = int(os.getenv(\'times\', \'2\'))\nis_loud = bool(os.getenv(\'is_loud\', False))\nopen(os.environ[\'OUTPUT_PATH\'], \'w\').write(f"{tiny.twice(times)} {is_loud}")\nos.environ[\'INPUT_PATH\']\n';
const site = 'claimedenv/lib/python3.11/site-packages';
const good: Readonly<Record<string, string>> = {
  'runnable.py': RUNNABLE,
  [`${site}/tiny/__init__.py`]: 'def twice(x):\n    return 2 * x\n',
  [`${site}/tiny-1.0.dist-info/METADATA`]: 'Name: tiny',
  // What every environment has.
  [`${site}/pip/__init__.py`]: '', [`${site}/pip-23.0.1.dist-info/METADATA`]: '', [`${site}/setuptools/__init__.py`]: '', [`${site}/distutils-precedence.pth`]: 'import os',
  [`${site}/tiny/__pycache__/x.cpython-311.pyc`]: 'x', [`${site}/tiny/a file (dev).txt`]: 'x',
  'claimedenv/lib64/python3.11/site-packages/tiny/__init__.py': 'raise Exception("twice")',
  'claimedenv/bin/activate': 'VIRTUAL_ENV="/tmp/built/here"', 'claimedenv/pyvenv.cfg': 'home = /usr/bin',
};
let folder: string;
let count = 0;

beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'lamina-bundle-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

const fresh = () => join(folder, `operator-${count++}`);

/** Writes an archive; `mode` is that of a file, with its type. */
async function zipped(files: Readonly<Record<string, string>>, { name = `claimed-sums:0.1-${count++}.zip`, modes = {}, change = (bytes) => bytes }: { name?: string; modes?: Readonly<Record<string, number>>; change?: (bytes: Buffer) => Buffer } = {}): Promise<string> {
  const zip = new ZipFile();
  for (const [path, text] of Object.entries(files)) zip.addBuffer(Buffer.from(text), path, { mode: modes[path] ?? 0o100644 });
  zip.end();
  const path = join(folder, name);
  await pipeline(zip.outputStream, createWriteStream(path));
  await writeFile(path, change(await readFile(path)));
  return path;
}

/** Other bytes of the same length, wherever they are. */
const replaced = (from: string, to: string) => (bytes: Buffer) => Buffer.from(bytes.toString('latin1').replaceAll(from, to), 'latin1');

describe('an archive of C3', () => {
  it('becomes a package with its packages, and says what stays behind', async () => {
    const { folder: made, manifest, remarks, missing } = await importClaimedBundle(await zipped(good, { name: 'claimed-sums:0.1.zip' }), fresh());
    expect(manifest).toMatchObject({ name: 'sums', version: '0.1.0', title: 'Sums of bands', kind: 'exec', params: [{ name: 'times', type: 'integer', default: 2, description: 'how often' }, { name: 'is_loud', type: 'boolean', default: false }] });
    expect(Object.keys(manifest['files'] as object).toSorted()).toEqual(['lamina_start.py', 'lib/tiny-1.0.dist-info/METADATA', 'lib/tiny/__init__.py', 'requirements.txt', 'sums.py']);
    expect(remarks).toEqual(expect.arrayContaining([
      expect.stringContaining('its Python stays behind'), expect.stringContaining('(2 files, in lib/) were installed for Python 3.11'), '1 files of packages have names that can\'t be in a package and are left out: tiny/a file (dev).txt',
    ]));
    // It needs 'tiny', and has it.
    expect(missing.filter((line) => line.includes('which nothing installs'))).toEqual([]);
    const out = join(made, '..', 'out.txt');
    const params = join(made, '..', 'params.json');
    await writeFile(params, '{"times":21,"is_loud":false}');
    const { status, error, stderr } = spawnSync('python3', ['-S', 'lamina_start.py'], { cwd: made, encoding: 'utf8', env: { PATH: process.env['PATH'], OPERATOR_PARAMS: params, OUTPUT_PATH: out, INPUT_PATH: '/nowhere', times: '21', is_loud: 'false' } });
    if (error) return expect(error.message).toContain('ENOENT');
    expect([status, stderr]).toEqual([0, '']);
    expect(await readFile(out, 'utf8')).toBe('42 False');
  });

  it('whose environment is empty, as it is where pip failed, lacks what it needs', async () => {
    const { missing, remarks } = await importClaimedBundle(await zipped({ 'runnable.py': RUNNABLE, 'claimedenv/bin/activate': '' }), fresh());
    expect(missing).toContainEqual(expect.stringContaining('it needs tiny==1.0, which nothing installs'));
    expect(remarks).toContain('claimedenv holds no packages: C3 makes it also when installing them fails');
  });

  it('may be unpacked, or lie in one folder', async () => {
    const unpacked = join(folder, 'claimed-sums.1.2');
    for (const [path, text] of Object.entries(good)) {
      await mkdir(dirname(join(unpacked, path)), { recursive: true });
      await writeFile(join(unpacked, path), text);
    }
    expect((await importClaimedBundle(unpacked, fresh())).manifest).toMatchObject({ name: 'sums', version: '1.2.0' });
    const inside = Object.fromEntries(Object.entries(good).map(([path, text]) => [`claimed-sums.1.2/${path}`, text]));
    expect((await importClaimedBundle(await zipped(inside), fresh(), { name: 'other', version: '3.0.0' })).manifest).toMatchObject({ name: 'other', version: '3.0.0', files: { 'lib/tiny/__init__.py': {} } });
    // A link in an unpacked environment is not followed.
    await symlink('/etc/passwd', join(unpacked, site, 'tiny', 'passwd'));
    await expect(importClaimedBundle(unpacked, fresh())).rejects.toThrow('is a link or a device');
  });

  it('is imported by one command', async () => {
    const to = fresh();
    const printed: string[] = [];
    const stdout = vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
    try {
      await operatorCommand(['import', await zipped(good, { name: 'claimed-sums:0.2.zip' }), '--output', to], {});
    } finally {
      stdout.mockRestore();
    }
    expect(printed.join('')).toMatch(/: sums 0\.2\.0, kind 'exec'\n2 parameters\n/);
  });
});

describe('is refused, and leaves nothing behind:', () => {
  const big = 'x'.repeat(100_000);
  it.each<[string, () => Promise<string>, object, RegExp]>([
    ['an archive without runnable.py', () => zipped({ 'a/b/runnable.py': '' }), {}, /has no runnable\.py, so CLAIMED did not make it/],
    ['no archive', async () => (await writeFile(join(folder, 'text.zip'), 'text'), join(folder, 'text.zip')), {}, /is no ZIP archive that can be read/],
    ['a file that is not there', async () => join(folder, 'none.zip'), {}, /can't be read \(ENOENT\)/],
    ['half an archive', () => zipped(good, { change: (bytes) => bytes.subarray(0, bytes.length >> 1) }), {}, /is no ZIP archive that can be read/],
    ['a path that leads out', () => zipped({ ...good, 'aa/aa/evil.py': 'x' }, { change: replaced('aa/aa/evil.py', '../../evil.py') }), {}, /invalid relative path/],
    ['an absolute path', () => zipped({ ...good, 'aa/evil.py': 'x' }, { change: replaced('aa/evil.py', '/tmp/ev.py') }), {}, /absolute path/],
    ['a path with backslashes', () => zipped({ ...good, 'aa-evil.py': 'x' }, { change: replaced('aa-evil.py', '..\\evil.py'.slice(0, 10)) }), {}, /invalid characters|invalid relative/],
    ['a link among packages', () => zipped({ ...good, [`${site}/tiny/secrets`]: '/etc/passwd' }, { modes: { [`${site}/tiny/secrets`]: 0o120777 } }), {}, /secrets' is a link or a device/],
    ['a link for the program', () => zipped({ 'runnable.py': '/etc/passwd' }, { modes: { 'runnable.py': 0o120777 } }), {}, /'runnable\.py' is a link/],
    ['too many files', () => zipped(good), { files: 2, bytes: 1e9 }, /3 files of packages, and 2 is the most/],
    ['too many bytes', () => zipped({ ...good, [`${site}/tiny/big.py`]: big }), { files: 100, bytes: 50_000 }, /unpacks to \d+ bytes, and 50000 is the most/],
    // 100,000 bytes that say they are 10: in the directory and in front of the file.
    ['more bytes than it says', () => zipped({ ...good, [`${site}/tiny/big.py`]: big }, { change: (bytes) => swapped(bytes, 100_000, 10) }), { files: 100, bytes: 50_000 }, /big\.py' can't be unpacked: too many bytes/],
    ['a file twice', () => zipped({ ...good, [`${site}/tiny/AA.py`]: 'x', [`${site}/tiny/BB.py`]: 'y' }, { change: replaced('tiny/BB.py', 'tiny/AA.py') }), {}, /is in it twice/],
    ['something encrypted', () => zipped({ 'runnable.py': RUNNABLE }, { change: encrypted }), {}, /is encrypted/],
  ])('%s', async (_, make, limits, message) => {
    const to = fresh();
    const path = await make();
    const before = await readdir(folder);
    await expect(importClaimedBundle(path, to, 'files' in limits ? { limits: limits as { files: number; bytes: number } } : {})).rejects.toThrow(message);
    expect(await readdir(folder)).toEqual(before);
  });
});

/** Every 32-bit number `from`, made another. */
function swapped(bytes: Buffer, from: number, to: number): Buffer {
  const [old, next] = [Buffer.alloc(4), Buffer.alloc(4)];
  old.writeUInt32LE(from);
  next.writeUInt32LE(to);
  for (let at = bytes.indexOf(old); at >= 0; at = bytes.indexOf(old, at + 4)) next.copy(bytes, at);
  return bytes;
}

/** Sets the bit that says so in the directory (PK\1\2, flags after 8 bytes). */
function encrypted(bytes: Buffer): Buffer {
  const at = bytes.indexOf(Buffer.from('PK\u0001\u0002', 'latin1'));
  bytes.writeUInt16LE(bytes.readUInt16LE(at + 8) | 1, at + 8);
  return bytes;
}

it.each([
  ['claimed-ai-compressor:0.1.zip', 'ai-compressor', '0.1.0'], ['claimed-ai-compressor.0.1', 'ai-compressor', '0.1.0'], ['claimed-x:1.2.3.zip', 'x', '1.2.3'],
  ['claimed-x:1.2.3-rc.1.zip', 'x', '1.2.3-rc.1'], ['claimed-x:latest.zip', 'x', null], ['X_y.zip', 'x-y', null], ['claimed-v2.tool.7', 'v2-tool', '7.0.0'],
])('%s is %s %s', (file, name, version) => expect(identityOf(file)).toEqual({ name, version }));
