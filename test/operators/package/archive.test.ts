import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { readOperator } from '../../../src/operators/manifest.ts';
import { packOperator, updateFiles } from '../../../src/operators/package/pack.ts';
import { describeFiles } from '../../../src/operators/package/package-files.ts';
import { storedGzip } from '../../../src/operators/package/stored-gzip.ts';
import { manifestOfArchive, unpackOperator } from '../../../src/operators/package/unpack.ts';
import { operatorsDirectory } from '../golden.ts';
import { inPieces, tarGz, type Entry } from './make-tar.ts';

const work = mkdtempSync(join(tmpdir(), 'lamina-pack-'));
afterAll(() => rmSync(work, { recursive: true }));
let count = 0;
const fresh = (name: string) => {
  const folder = join(work, `${name}${count++}`);
  mkdirSync(folder);
  return folder;
};
const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');

const { model: _, ...geometry } = JSON.parse(readFileSync(join(operatorsDirectory, 'pca/operator.json'), 'utf8'));
const program = '#!/bin/sh\nexec python3 lib/embed.py\n';

/** A program's package, complete. */
async function execPackage(): Promise<string> {
  const folder = fresh('exec');
  mkdirSync(join(folder, 'lib'));
  writeFileSync(join(folder, 'run.sh'), program);
  chmodSync(join(folder, 'run.sh'), 0o755);
  writeFileSync(join(folder, 'lib/embed.py'), 'print(1)\n');
  cpSync(join(operatorsDirectory, 'pca/golden.json'), join(folder, 'golden.json'));
  const manifest = { ...geometry, name: 'spectral', kind: 'exec', command: ['./run.sh'], files: await describeFiles(folder) };
  writeFileSync(join(folder, 'operator.json'), JSON.stringify(manifest, null, 2));
  return folder;
}

describe('packing', () => {
  it('gives the same bytes for the same files, whatever their dates, modes and folder', async () => {
    const first = await execPackage();
    const second = join(fresh('copy'), 'elsewhere');
    cpSync(first, second, { recursive: true });
    chmodSync(join(second, 'run.sh'), 0o700);
    chmodSync(join(second, 'golden.json'), 0o600);
    utimesSync(join(second, 'golden.json'), 1, 1);
    const [a, b] = [await packOperator(first, fresh('out')), await packOperator(second, fresh('out'))];
    expect(readFileSync(a.path).equals(readFileSync(b.path))).toBe(true);
    expect(a).toMatchObject({ sha256: sha256(readFileSync(a.path)), size: statSync(a.path).size });
    expect(a.path).toMatch(/\/spectral-1\.0\.0\.tar\.gz$/);
  });

  it('makes an archive that GNU tar lists and unpacks', async () => {
    const { path } = await packOperator(await execPackage(), fresh('out'));
    const listed = execFileSync('tar', ['tvzf', path], { encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } }).trim().split('\n').map((line) => line.replace(/\s+/g, ' '));
    expect(listed.map((line) => line.split(' ')[5])).toEqual(['spectral-1.0.0/operator.json', 'spectral-1.0.0/golden.json', 'spectral-1.0.0/lib/embed.py', 'spectral-1.0.0/run.sh']);
    expect(listed.at(-1)).toBe(`-rwxr-xr-x 0/0 ${program.length} 1970-01-01 00:00 spectral-1.0.0/run.sh`);
    const out = fresh('tar');
    execFileSync('tar', ['xzf', path, '-C', out]);
    expect(readFileSync(join(out, 'spectral-1.0.0/run.sh'), 'utf8')).toBe(program);
  });

  it.each(['pca', 'conv'])('takes the shipped %s there and back, without its training', async (name) => {
    const shipped = await readOperator(join(operatorsDirectory, name));
    const packed = await packOperator(join(operatorsDirectory, name), fresh('out'));
    const folder = join(fresh('in'), name);
    const unpacked = await unpackOperator(packed.path, folder);
    expect(unpacked).toMatchObject({ digest: shipped.digest, reference: shipped.reference, runtime: 'onnx' });
    expect(await unpacked.folder()).toBe(folder);
    expect(readdirSync(folder).toSorted()).toEqual(['card.md', 'golden.json', 'model.onnx', 'operator.json', 'report.json']);
    expect(sha256(readFileSync(join(folder, 'model.onnx')))).toBe(sha256(readFileSync(join(operatorsDirectory, name, 'model.onnx'))));
    expect(await manifestOfArchive(packed.path)).toEqual(shipped.manifest);
    // Packed again it is the same archive.
    expect((await packOperator(folder, fresh('out'))).sha256).toBe(packed.sha256);
  });

  it('keeps programs programs', async () => {
    const { path } = await packOperator(await execPackage(), fresh('out'));
    const folder = join(fresh('in'), 'x');
    await unpackOperator(path, folder);
    expect([statSync(join(folder, 'run.sh')).mode & 0o777, statSync(join(folder, 'lib/embed.py')).mode & 0o777]).toEqual([0o755, 0o644]);
  });

  it.each<[string, (folder: string) => void, string]>([
    ['a file that is not listed', (f) => writeFileSync(join(f, 'extra.py'), ''), "files lacks 'extra.py'"],
    ['a listed file that is gone', (f) => rmSync(join(f, 'lib/embed.py')), "lib/embed.py can't be read (ENOENT)"],
    ['a file that was edited', (f) => writeFileSync(join(f, 'lib/embed.py'), 'print(2)\n'), 'files has another SHA-256 for lib/embed.py'],
    ['a file that grew', (f) => writeFileSync(join(f, 'lib/embed.py'), 'print(10)\n'), 'files says that lib/embed.py has 9 bytes, and it has 10'],
    ['a link', (f) => symlinkSync('/etc/passwd', join(f, 'passwd')), 'is a link'],
    ['a name with a blank', (f) => writeFileSync(join(f, 'a b'), ''), "a b: is no name for a file of a package"],
  ])('refuses %s', async (__, change, message) => {
    const folder = await execPackage();
    change(folder);
    await expect(packOperator(folder, fresh('out'))).rejects.toThrow(expect.objectContaining({ name: 'OperatorPackageInvalid', message: expect.stringContaining(message) }));
  });

  it('brings the list of files up to date, and leaves one alone that is', async () => {
    const folder = await execPackage();
    expect(await updateFiles(folder)).toBe(false);
    writeFileSync(join(folder, 'lib/embed.py'), 'print(2)\n');
    expect(await updateFiles(folder)).toBe(true);
    const { operator } = await packOperator(folder, fresh('out'));
    expect(operator.manifest.files!['lib/embed.py']).toEqual({ sha256: sha256('print(2)\n'), size: 9, role: 'source' });
  });

  it('leaves the shipped manifests as they are', async () => {
    const folder = join(fresh('shipped'), 'pca');
    cpSync(join(operatorsDirectory, 'pca'), folder, { recursive: true });
    expect(await updateFiles(folder)).toBe(false);
  });
});

describe('gzip without compression', () => {
  it.each([0, 1, 65_535, 65_536, 200_001])('of %i bytes unpacks to them, however they came', async (length) => {
    const bytes = Uint8Array.from({ length }, (__, i) => (i * 7919) >> 3);
    const zipped = async (piece: number) => Buffer.concat(await Array.fromAsync(storedGzip(inPieces(bytes, piece))));
    const once = await zipped(1e6);
    expect(gunzipSync(once).equals(bytes)).toBe(true);
    expect((await zipped(977)).equals(once)).toBe(true);
  });
});

describe('unpacking', () => {
  const manifest = (change: object = {}) => JSON.stringify({ ...geometry, name: 'spectral', kind: 'exec', command: ['sh'], files: { 'golden.json': { sha256: sha256('{}'), size: 2 } }, ...change });
  const good: Entry[] = [{ name: 'operator.json', content: manifest() }, { name: 'golden.json', content: '{}' }];
  const unpack = async (bytes: Uint8Array, limits?: { bytes: number; files: number }) => {
    const parent = fresh('un');
    const folder = join(parent, 'operator');
    const result = await unpackOperator(inPieces(bytes, 700), folder, limits).then((operator) => ({ operator, error: null }), (error: Error) => ({ operator: null, error }));
    expect(readdirSync(parent), 'nothing is left beside it').toEqual(result.error ? [] : ['operator']);
    return result;
  };

  it('takes archives of other tars: without a folder, with one, with folders as entries', async () => {
    for (const entries of [good, good.map((e) => ({ ...e, name: `./${e.name}` })), [{ name: 'x/', type: '5' }, ...good.map((e) => ({ ...e, name: `x/${e.name}` }))]]) {
      expect((await unpack(tarGz(entries))).error).toBeNull();
    }
  });

  it('takes what Python writes, whose headers have fractions of seconds', async () => {
    const remark = '30 mtime=1700000000.1234567890\n';
    expect((await unpack(tarGz([{ name: 'operator.json', type: 'x', content: remark }, ...good]))).error).toBeNull();
    expect((await unpack(tarGz([{ name: 'operator.json', type: 'x', content: '24 path=../../etc/passwd\n' }, ...good]))).error?.message).toContain("pax header with 'path'");
  });

  it.each<[string, Entry, string]>([
    ['a path that leads out', { name: '../evil' }, "'../evil' is no path within the package"],
    ['a path that leads out further below', { name: 'a/../../evil' }, 'is no path within'],
    ['an absolute path', { name: '/tmp/evil' }, "'/tmp/evil' is no path within"],
    ['a hidden file', { name: '.bashrc' }, 'is no path within'],
    ['a backslash', { name: '..\\evil' }, 'is no path within'],
    ['a folder that leads out', { name: '../x/', type: '5' }, 'is no path within'],
    ['a symbolic link', { name: 'link', type: '2', link: '/etc' }, "'link' is a link"],
    ['a hard link', { name: 'link', type: '1', link: 'golden.json' }, "'link' is a link"],
    ['a device', { name: 'sda', type: '4' }, "of the type '4'"],
    ['a pipe', { name: 'pipe', type: '6' }, "of the type '6'"],
    ['a long name of GNU tar', { name: '././@LongLink', type: 'L', content: 'x' }, "of the type 'L'"],
    ['a file twice', { name: 'golden.json', content: '{}' }, "'golden.json' is in it twice"],
    ['a file below a file', { name: 'golden.json/x' }, 'is in it twice'],
    ['a file that is not listed', { name: 'sitecustomize.py' }, "'sitecustomize.py' is in the archive and not in 'files'"],
    ['one in a folder that packing leaves out', { name: 'train/x.py' }, "'train/x.py' is in the archive and not in 'files'"],
  ])('refuses %s', async (__, entry, message) => {
    const { error } = await unpack(tarGz([...good, entry]));
    expect(error).toMatchObject({ name: 'OperatorPackageInvalid', message: expect.stringContaining(message) });
    expect(existsSync('/tmp/evil')).toBe(false);
  });

  it.each<[string, () => Uint8Array, string]>([
    ['no gzip', () => Buffer.from('hello'), 'is no whole gzip file'],
    ['half an archive', () => tarGz(good).subarray(0, 300), 'is no whole gzip file'],
    ['a tar that ends in the middle', () => tarGz([{ name: 'operator.json', content: 'x', size: 5000 }], { end: false }), 'ends in the middle'],
    ['an empty archive', () => tarGz([]), 'it is empty'],
    ['something else in gzip', () => tarGz([]).subarray(0, 0), 'is no whole gzip file'],
    ['no manifest', () => tarGz([{ name: 'golden.json', content: '{}' }]), "operator.json can't be read (ENOENT)"],
    ['a manifest that is none', () => tarGz([{ name: 'operator.json', content: '[]' }]), 'the document must be an object'],
    ['a file with another digest', () => tarGz([good[0]!, { name: 'golden.json', content: '[]' }]), 'files has another SHA-256 for golden.json'],
    ['a file of another size', () => tarGz([good[0]!, { name: 'golden.json', content: '{}\n' }]), 'files says that golden.json has 2 bytes, and it has 3'],
    ['a listed file that is missing', () => tarGz([good[0]!]), "golden.json can't be read (ENOENT)"],
    ['dimensions that nobody could hold', () => tarGz([{ name: 'operator.json', content: manifest({ output: { dimensions: 1e12, prefix_truncatable: false } }) }]), 'output.dimensions must be 65536 at most'],
  ])('refuses %s', async (__, bytes, message) => {
    const { error } = await unpack(bytes());
    expect(error).toMatchObject({ name: 'OperatorPackageInvalid', message: expect.stringContaining(message) });
  });

  it('stops at its limits, before the disk is full', async () => {
    const bomb = tarGz([{ name: 'operator.json', content: manifest() }, { name: 'zeros', content: new Uint8Array(5e6) }]);
    expect(bomb.length).toBeLessThan(20_000);
    expect((await unpack(bomb, { bytes: 1e6, files: 10 })).error?.message).toContain('it unpacks to more than 1000000 bytes');
    expect((await unpack(tarGz([...good, { name: 'a' }, { name: 'b' }, { name: 'c' }]), { bytes: 1e6, files: 4 })).error?.message).toContain('more than 4 files');
  });
});
