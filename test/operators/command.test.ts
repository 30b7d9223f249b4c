import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { digestBytes } from '../../src/cube/digest.ts';
import { operatorCommand } from '../../src/commands/operator.ts';
import { operatorsDirectory } from './golden.ts';

const work = mkdtempSync(join(tmpdir(), 'lamina-command-'));
afterAll(() => rmSync(work, { recursive: true }));
const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));

/** `lamina operator …` in a folder of its own. */
function lamina(...words: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, 'operator', ...words], { cwd: work, encoding: 'utf8', env: { PATH: process.env['PATH'], LAMINA_OPERATORS: 'none', LAMINA_DATA: join(work, 'data') } });
  return { status, stdout, stderr };
}

it('packs and checks: the archive that is told of is the one that is there', () => {
  const packed = lamina('pack', join(operatorsDirectory, 'pca'));
  const [path, reference, sum] = packed.stdout.trim().split(/\n\s*/);
  expect(packed.status).toBe(0);
  expect(path).toBe(join(work, 'pca-1.0.0.tar.gz'));
  expect(sum).toContain(digestBytes(readFileSync(path!)));
  const checked = lamina('check', path!);
  expect(checked).toMatchObject({ status: 0, stdout: expect.stringContaining(reference!) });
  expect(checked.stdout.match(/golden vectors, .*: right/g)).toHaveLength(3);
}, 60_000);

it('imports a script and says what it lacks, for people and for programs', () => {
  const script = fileURLToPath(new URL('import/ai-compressor.py', import.meta.url));
  const shown = lamina('import', script, '--output', 'shown');
  expect(shown).toMatchObject({ status: 0, stdout: expect.stringContaining('17 parameters, 3 of them required: data_path, path_to_pretrained_model, output_dir') });
  const json = JSON.parse(lamina('import', script, '--output', 'json', '--name', 'other', '--json').stdout);
  expect(json).toMatchObject({ folder: join(work, 'json'), manifest: { name: 'other' }, missing: expect.arrayContaining([expect.stringContaining('license is missing')]) });
  expect(lamina('check', 'shown')).toMatchObject({ status: 1, stderr: expect.stringContaining('license is missing') });
}, 60_000);

it('exports to where it is told', () => {
  expect(lamina('export', 'slurm+podman/pca:1', '--to', 'slurm', '--output', 'job.sh')).toMatchObject({ status: 0, stdout: '' });
  expect(readFileSync(join(work, 'job.sh'), 'utf8')).toMatch(/\nexec lamina run slurm\+podman\/pca@sha256:[0-9a-f]{64} --input "\$input" --output "\$output" --quiet\n$/);
}, 60_000);

it.each<[string[], RegExp]>([
  [[], /a command is missing after `lamina operator`; there are list, show, pack/],
  [['nope'], /there is no command `lamina operator nope`/],
  [['show', 'nope'], /operator 'nope' does not exist/],
  [['pack', 'no-folder'], /no-folder\/operator\.json: operator\.json can't be read \(ENOENT\)/],
  [['export', 'pca', '--to', 'airflow'], /--to cwl\|k8s\|slurm\|pbs/],
  [['import', 'x.onnx', '--chip', 'many'], /--chip many: it must be a whole number of pixels/],
])('says in one line what is wrong with %j', async (words, message) => {
  const error = await operatorCommand(words, { LAMINA_OPERATORS: 'none', LAMINA_DATA: join(work, 'data') }).then(() => null, (reason: Error) => reason);
  expect(error?.message).toMatch(message);
  expect(error?.message.trim().split('\n')).toHaveLength(1);
});
