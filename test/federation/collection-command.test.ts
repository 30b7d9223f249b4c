/** `lamina collection`: definitions come and go without a restart, and nothing of them needs the internet. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { collectionCommand } from '../../src/commands/collection.ts';
import { startFreshDatabase, type FreshDatabase } from '../database/fresh-database.ts';
import { startDouble, type Double } from './double.ts';
import { federated, squares } from './federation.ts';

let folder: string;
let database: FreshDatabase;
let double: Double;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-collection-'));
  database = await startFreshDatabase();
  double = await startDouble({ collection: 's2', items: squares('s2', 3) });
});
afterAll(async () => {
  await double.close();
  await database.stop();
  await rm(folder, { recursive: true, force: true });
});

/** What the command prints. */
async function collection(...args: string[]): Promise<string> {
  const lines: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
  try {
    await collectionCommand(args, { LAMINA_DATABASE_URL: database.url, LAMINA_DATA: folder, LAMINA_ALLOWED_HOSTS: double.host });
  } finally {
    write.mockRestore();
  }
  return lines.join('');
}

describe('lamina collection', () => {
  it('lists, adds, asks and removes', async () => {
    expect(await collection('list')).toMatch(/earth-search-sentinel-2-l2a {2}not active {2}https:\/\//);
    expect(await collection('add', 'earth-search')).toContain('earth-search-sentinel-2-l2a: added');
    expect(await collection('add', 'earth-search-sentinel-2-l2a')).toContain('unchanged');
    expect(await collection('list')).toMatch(/earth-search-sentinel-2-l2a {2}active/);
    const file = join(folder, 'mine.json');
    await writeFile(file, JSON.stringify(federated('mine', { url: double.url, collection: 's2' })));
    expect(await collection('add', file, '--id', 'ours')).toContain('ours: added');
    expect(await collection('check', 'ours')).toContain('ours: 3 items; item-000');
    expect(await collection('remove', 'ours')).toContain('ours: removed');
    expect(await collection('list')).not.toContain('ours');
  });

  it.each([[[], 'a command is missing'], [['fly'], 'there is no command'], [['add'], 'takes one name'], [['add', 'moon'], 'no definition \'moon\''], [['remove', 'moon'], 'no collection \'moon\''], [['check', 'moon'], 'not active'], [['add', '/nowhere.json'], 'can\'t be read']])('%j says what is wrong', async (args, words) => {
    const error = (await collection(...args).catch((caught: unknown) => caught)) as Error;
    expect(error.message).toContain(words);
    expect(error.message).not.toContain('\n');
  });
});
