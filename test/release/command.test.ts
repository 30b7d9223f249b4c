/** `lamina operator release` and `test` as people and pipelines start them: exit codes, reports, and a process that is killed between stages. */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { releaseCommand, testCommand } from '../../src/commands/release.ts';
import type { ReleaseReport } from '../../src/release/report.ts';
import { packageFolder } from './packages.ts';

const CLI = 'src/cli.ts';
const MINUTE = 60_000;
let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'lamina-release-cli-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

function lamina(...args: string[]): Promise<{ code: number; output: string }> {
  const { promise, resolve } = Promise.withResolvers<{ code: number; output: string }>();
  execFile(process.execPath, [CLI, ...args], { env: { PATH: process.env['PATH'], LAMINA_DATA: join(folder, 'data') } }, (error, stdout, stderr) => resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr }));
  return promise;
}

const reportOf = async (path: string) => JSON.parse(await readFile(path, 'utf8')) as ReleaseReport;

describe('lamina operator', () => {
  it('release goes on after it was killed between two stages, and publishes once', async () => {
    const source = await packageFolder(join(folder, 'killed'), { version: '1.0.0' });
    const args = ['operator', 'release', source, '--registry', join(folder, 'registry'), '--out', join(folder, 'out')];
    const child = spawn(process.execPath, [CLI, ...args], { env: { PATH: process.env['PATH'], LAMINA_DATA: join(folder, 'data') }, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise((resolve) => void child.once('close', resolve));
    let said = '';
    for await (const piece of child.stdout) {
      said += String(piece);
      if (said.includes('interface ')) child.kill('SIGKILL');
    }
    await ended;
    expect(said).toContain('build          passed');
    expect(said).not.toContain('publish');
    expect(existsSync(join(folder, 'registry'))).toBe(false);
    const { code, output } = await lamina(...args, '--report', join(folder, 'report.json'), '--html', join(folder, 'report.html'), '--by', 'a pipeline');
    expect(output).toMatch(/build +passed .*by an earlier run/);
    expect(code, output).toBe(0);
    const report = await reportOf(join(folder, 'report.json'));
    expect(report).toMatchObject({ status: 'published', publish: { tags: ['latest'] } });
    expect(report.stages.filter(({ resumed }) => resumed).map(({ stage }) => stage)).toEqual(['dependencies', 'build']);
    expect(report.test!.checks.find(({ check }) => check === 'memory')).toMatchObject({ status: 'passed' });
    expect(await readFile(join(folder, 'report.html'), 'utf8')).toContain('<h1>spectral 1.0.0</h1>');
    expect((await readdir(join(folder, 'registry/operators/library/spectral/versions/1.0.0'))).toSorted()).toEqual(['SHA256SUMS', 'item.json', 'operator.json', 'report.json', 'spectral-1.0.0.tar.gz']);
    expect(await reportOf(join(folder, 'registry/operators/library/spectral/versions/1.0.0/report.json'))).toMatchObject({ status: 'published', version: '1.0.0' });
  }, 2 * MINUTE);

  it('test ends with code 1 for an operator that is not good, and with one line for a package that is none', async () => {
    const source = await packageFolder(join(folder, 'bad'), { version: '1.0.0' });
    await writeFile(join(source, 'package.json'), '{}');
    const { code, output } = await lamina('operator', 'test', source, '--out', join(folder, 'bad-out'));
    expect(code).toBe(1);
    expect(output).toMatch(/dependencies {3}failed +package\.json needs a package-lock\.json beside it/);
    expect(output).not.toContain('    at ');
    await appendFile(join(source, 'model.onnx'), 'x');
    await expect(testCommand([source], {})).rejects.toThrow('model.sha256 is not that of model.onnx');
  }, 2 * MINUTE);

  it.each([
    [releaseCommand, [], 'takes one folder'],
    [releaseCommand, ['operators/pca'], 'Name a registry with --registry or LAMINA_OPERATORS'],
    [releaseCommand, ['operators/pca', '--registry', 'https://example.org/registry'], 'can only be read'],
    [releaseCommand, ['operators/pca', '--allow-regression', ' '], 'needs a reason'],
    [testCommand, ['operators/pca', '--runtime', 'magic'], "there is no runtime 'magic'"],
    [testCommand, ['operators/pca', '--tasks', 'none.json'], "none.json can't be read"],
    [testCommand, ['operators/none'], "operator.json can't be read"],
    [testCommand, ['operators/pca', '--no-such-option'], '--no-such-option'],
  ])('%o is refused with %j: %s', async (command, args, reason) => {
    await expect(command([...args, '--out', join(folder, 'refused')], { LAMINA_OPERATORS: 'none' })).rejects.toThrow(reason);
  });
});
