/** Stage 1: what is released, and where it comes from. */
import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MANIFEST_FILE } from '../../operators/manifest.ts';
import { fileDigest } from '../../storage/file-digest.ts';
import { withoutLogin } from '../../storage/without-login.ts';
import { filesToPack } from '../../operators/package/package-files.ts';
import type { StageContext, StageOutcome } from '../context.ts';
import type { SourceFacts } from '../report.ts';

export async function source({ settings: { folder, commit }, operator }: StageContext): Promise<StageOutcome> {
  const { facts, warnings } = await sourceOf(folder, operator, commit);
  const { name, version } = operator.manifest;
  return { detail: `${name} ${version}: ${facts.files.length} files${facts.git ? `, commit ${facts.git.commit.slice(0, 12)}` : ''}`, found: { source: facts }, warnings };
}

/** Files with their digests, and the commit: that of git, else the one that was named. */
export async function sourceOf(folder: string, operator: StageContext['operator'], commit?: string): Promise<{ facts: SourceFacts; warnings: string[] }> {
  const paths = [MANIFEST_FILE, ...(await filesToPack(folder, operator.manifest)).map(({ path }) => path)];
  const files = await Promise.all(paths.map(async (path) => ({ path, size: (await stat(join(folder, path))).size, sha256: await fileDigest(join(folder, path)) })));
  const git = await gitOf(folder) ?? (commit === undefined ? null : { commit, dirty: false, remote: null });
  const warnings = git === null ? ['The folder is not under version control, so nobody can say which source made this version.'] : git.dirty ? ['The folder has changes that are not committed: the commit alone does not make this version.'] : [];
  return { facts: { files, git }, warnings };
}

const run = promisify(execFile);

/** null where there is no git, or no commit. */
async function gitOf(folder: string): Promise<SourceFacts['git']> {
  const git = async (...args: string[]) => (await run('git', ['-C', folder, ...args], { maxBuffer: 2 ** 24 })).stdout.trim();
  try {
    const commit = await git('rev-parse', 'HEAD');
    const dirty = (await git('status', '--porcelain', '--', '.')) !== '';
    return { commit, dirty, remote: await git('remote', 'get-url', 'origin').then(withoutLogin, () => null) };
  } catch {
    return null;
  }
}
