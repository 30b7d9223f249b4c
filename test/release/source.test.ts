/** What a release says of where its source comes from. */
import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readOperator } from '../../src/operators/manifest.ts';
import { sourceOf } from '../../src/release/stages/source.ts';

const noGit = spawnSync('git', ['--version']).error === undefined ? '' : ' (skipped: git is not installed)';

it.skipIf(noGit !== '').each(['https://anna:secret@git.example.org/o.git', 'https://anna:secr@et@git.example.org/o.git', 'https://git.example.org/o.git'])(`of %s the password is not told${noGit}`, async (remote) => {
  const folder = await mkdtemp(join(tmpdir(), 'lamina-source-'));
  try {
    await cp('operators/pca', folder, { recursive: true });
    const git = (...args: string[]) => expect(spawnSync('git', ['-C', folder, '-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args]).status).toBe(0);
    git('init', '--quiet');
    git('commit', '--quiet', '--allow-empty', '--message', 'first');
    git('remote', 'add', 'origin', remote);
    expect((await sourceOf(folder, await readOperator(folder))).facts.git).toMatchObject({ dirty: true, remote: 'https://git.example.org/o.git' });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
