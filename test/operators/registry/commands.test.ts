/** The verbs of `lamina operator` on registries, as somebody types them. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { operatorRegistryCommands } from '../../../src/commands/operator-registry.ts';
import { operatorsDirectory } from '../golden.ts';

let folder: string;
const printed: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-commands-'));
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
});
afterEach(() => void printed.splice(0));
afterAll(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

/** Runs a verb on the registry of this test; gives what it prints. */
async function run(verb: string, ...args: string[]): Promise<string> {
  printed.splice(0);
  await operatorRegistryCommands[verb]!(args, { LAMINA_DATA: join(folder, 'data'), LAMINA_OPERATORS: join(folder, 'registry') });
  return printed.join('');
}

async function source(version: string): Promise<string> {
  const place = join(folder, `source-${version}`);
  await mkdir(place);
  for (const file of ['model.onnx', 'golden.json']) await cp(join(operatorsDirectory, 'pca', file), join(place, file));
  const manifest = JSON.parse(await readFile(join(operatorsDirectory, 'pca', 'operator.json'), 'utf8')) as object;
  await writeFile(join(place, 'operator.json'), JSON.stringify({ ...manifest, name: 'spectral', version }));
  return place;
}

it('publishes, tags, rolls back, yanks, fetches and reindexes', async () => {
  expect(await run('publish', await source('1.0.0'), '--by', 'anna')).toMatch(/^spectral:1\.0\.0 is published as spectral@sha256:[0-9a-f]{64}; it is latest now\n$/);
  expect(await run('publish', await source('1.1.0'), '--by', 'anna', '--tag', 'stable')).toMatch(/it is latest, stable now/);
  expect(await run('rollback', 'spectral', '--by', 'ben', '--reason', 'worse on forests')).toBe('spectral:latest is 1.0.0 again\n');
  expect(await run('tag', 'spectral:1.0.0', 'stable')).toBe('spectral:stable is 1.0.0 now\n');
  expect(await run('yank', 'spectral:1.1.0', '--by', 'ben', '--reason', 'wrong')).toMatch(/1\.1\.0 is yanked/);
  const tags = await run('tags', 'spectral');
  expect(tags).toMatch(/^1\.1\.0 +sha256:[0-9a-f]{12} {2}yanked by ben: wrong\n1\.0\.0 +sha256:[0-9a-f]{12} {2}latest, stable\n/);
  expect(tags).toMatch(/1\.0\.0 +rollback by ben: worse on forests/);
  expect(JSON.parse(await run('tags', 'spectral', '--json'))).toMatchObject({ versions: [{ version: '1.1.0', yanked: true }, { version: '1.0.0', yanked: false }], tags: { latest: { version: '1.0.0' } } });
  const [reference, place] = (await run('pull', 'spectral')).trim().split('\n') as [string, string];
  expect(reference).toMatch(/^spectral@sha256:/);
  expect(JSON.parse(await readFile(join(place, 'operator.json'), 'utf8'))).toMatchObject({ version: '1.0.0' });
  expect(await run('reindex')).toBe('spectral: 2 versions\n');
});

it('tells whether a folder makes what was published, and which files differ', async () => {
  const folderOf = (version: string) => join(folder, `source-${version}`);
  expect(await run('rebuild', 'spectral:1.1.0', folderOf('1.1.0'))).toMatch(/^The same archive: [0-9a-f]{64}\n$/);
  await writeFile(join(folderOf('1.1.0'), 'card.md'), '# spectral');
  await writeFile(join(folderOf('1.1.0'), 'golden.json'), `${await readFile(join(folderOf('1.1.0'), 'golden.json'), 'utf8')}\n`);
  await expect(run('rebuild', 'spectral:1.1.0', folderOf('1.1.0'))).rejects.toThrow(/does not make spectral:1\.1\.0: its archive is [0-9a-f]{64}, published was [0-9a-f]{64}/);
  expect(printed.join('')).toBe('added    card.md\nchanged  golden.json\n');
  await expect(run('rebuild', 'spectral:3.0.0', folderOf('1.1.0'))).rejects.toThrow(/3\.0\.0/);
});

it('says in one line what is missing or wrong', async () => {
  await expect(run('publish')).rejects.toThrow('`lamina operator publish` takes one folder or archive');
  await expect(run('publish', join(folder, 'nothing'))).rejects.toThrow(/can't be read \(ENOENT\)/);
  await expect(run('yank', 'spectral')).rejects.toThrow('the version is missing: write NAME:VERSION');
  await expect(run('tags', 'unknown')).rejects.toThrow("the registry has no 'unknown'");
  await expect(run('rollback', 'spectral', 'conv')).rejects.toThrow('takes one operator');
  await expect(run('tags', 'spectral', '--registry', 'https://models.example.org')).rejects.toThrow('The registry https://models.example.org can only be read; name a directory or a bucket with --registry.');
  await expect(run('tags', 'spectral', '--registry', 'somewhere')).rejects.toThrow(/must be \/directory/);
});
