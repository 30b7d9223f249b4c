/** Operators that are container images: their own entry point, variables and folder, and nothing of this machine. With podman, and with Docker's command line against podman's socket. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ParameterValues } from '../../src/operators/operator.ts';
import { createProcessRuntime, OperatorFailed } from '../../src/runtimes/process-runtime.ts';
import { RuntimeUnavailable } from '../../src/runtimes/program.ts';
import { isolations, openRuntime, toolEnvironmentOf } from '../../src/runtimes/runtimes.ts';
import { whyNot } from './available.ts';
import { asOperator, pixelManifest, programOperator, removePrograms, twoBlocks } from './operators.ts';

const PROGRAM = `#!/bin/sh
echo "greeting $greeting in $PWD as $(id -u), label <$label>"
[ "$1" = fail ] && exit 11
[ "$1" = wait ] && sleep 70
ls /usr/bin | tr '\\n' ' '; echo
cp "$INPUT_PATH" "$OUTPUT_PATH"
`;

const missing = whyNot('podman');
let folder: string;
let image: string;
let socket: ChildProcess | null = null;
const dockerMissing = missing ?? (spawnSync('docker', ['--version']).error ? 'docker is not installed' : null);

/** A root file system of a few programs of this machine and their libraries. */
function makeRoot(root: string): void {
  for (const path of ['op', 'tmp', 'etc', 'usr/bin']) mkdirSync(join(root, path), { recursive: true });
  for (const program of ['sh', 'cp', 'id', 'ls', 'tr', 'sleep']) {
    const path = realpathSync(execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim());
    copyFileSync(path, join(root, 'usr/bin', program));
    for (const [library] of execFileSync('ldd', [path], { encoding: 'utf8' }).matchAll(/\/\S+/g)) {
      mkdirSync(join(root, dirname(library)), { recursive: true });
      copyFileSync(realpathSync(library), join(root, library));
    }
  }
  symlinkSync('usr/bin', join(root, 'bin'));
  writeFileSync(join(root, 'op/run.sh'), PROGRAM);
  chmodSync(join(root, 'op/run.sh'), 0o755);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lamina-image-'));
  if (missing !== null) return;
  makeRoot(join(folder, 'root'));
  const name = `localhost/${basename(folder).toLowerCase()}`;
  const changes = ['ENTRYPOINT ["/op/run.sh"]', 'ENV greeting=hello', 'WORKDIR /op'].map((change) => `--change='${change}'`).join(' ');
  execFileSync('sh', ['-c', `tar -C '${join(folder, 'root')}' -cf - . | podman import --quiet ${changes} - ${name}:1`], { stdio: ['ignore', 'ignore', 'ignore'] });
  const digest = execFileSync('podman', ['image', 'inspect', '--format', '{{.Digest}}', `${name}:1`], { encoding: 'utf8' }).trim();
  image = `${name}@${digest}`;
  if (dockerMissing !== null) return;
  socket = spawn('podman', ['system', 'service', '--time=0', `unix://${folder}/podman.sock`], { stdio: 'ignore' });
  for (let i = 0; i < 100 && !existsSync(`${folder}/podman.sock`); i++) await sleep(50);
}, 60_000);

afterAll(() => {
  socket?.kill();
  removePrograms();
  if (image) spawnSync('podman', ['rmi', '--force', image]);
  rmSync(folder, { recursive: true, force: true });
});

describe.each(['podman', 'docker'] as const)('an image in %s', (name) => {
  const reason = name === 'docker' ? dockerMissing : missing;
  if (reason !== null) {
    it.skip(`skipped: ${reason}`, () => {});
    return;
  }
  const run = (command?: readonly string[], params: ParameterValues = {}, seconds = 20, signal = new AbortController().signal) => {
    const inside = join(folder, 'package');
    mkdirSync(inside, { recursive: true });
    const manifest = { ...pixelManifest('boxed'), kind: 'image' as const, image, ...(command ? { command } : {}), resources: { seconds, memory_mib: 256 } };
    const toolEnvironment = { ...toolEnvironmentOf(process.env), DOCKER_HOST: `unix://${folder}/podman.sock` };
    return openRuntime(name, { scratch: join(folder, 'runs'), toolEnvironment }).run(asOperator(manifest, params, inside), twoBlocks, signal);
  };

  it('runs as it is: its entry point, its variables, its folder, its files', async () => {
    const { vectors, output } = await run(undefined, { label: `a 'b' "c" $(d)\n-e` });
    expect(vectors).toEqual(twoBlocks.inputs);
    expect(output).toMatch(/^greeting hello in \/op as (0|8\d+|9\d+|10\d+), label <a 'b' "c" \$\(d\)\n-e>/);
    expect(output).toContain('cp id ls sh sleep tr');
  }, 60_000);

  it('or with another command', async () => {
    const error = await run(['/op/run.sh', 'fail']).then(() => null, (caught: unknown) => caught as OperatorFailed);
    expect(error).toBeInstanceOf(OperatorFailed);
    expect(error!.ended).toMatchObject({ reason: 'exit', exitCode: 11 });
  }, 60_000);

  it('is ended with its limit of time, and leaves no container', async () => {
    const error = await run(['/op/run.sh', 'wait'], {}, 2).then(() => null, (caught: unknown) => caught as OperatorFailed);
    expect(error!.ended.reason).toBe('time');
    expect(execFileSync('podman', ['ps', '--all', '--noheading', '--filter', `ancestor=${image}`], { encoding: 'utf8' })).toBe('');
  }, 60_000);
});

it('an image that is not there is no failure of the operator', async () => {
  if (missing !== null) return console.info(`skipped: ${missing}`);
  const manifest = { ...pixelManifest('boxed'), kind: 'image' as const, image: `localhost/nowhere@sha256:${'0'.repeat(64)}` };
  const run = openRuntime('podman', { scratch: join(folder, 'runs'), toolEnvironment: toolEnvironmentOf(process.env) }).run(asOperator(manifest, {}, folder), twoBlocks, new AbortController().signal);
  await expect(run).rejects.toThrow(RuntimeUnavailable);
}, 60_000);

it.each([['bubblewrap', 'bwrap'], ['proot', 'proot'], ['podman', 'podman']] as const)('%s that is not installed is no failure of the operator', async (name, tool) => {
  const isolation = isolations[name];
  const place = { run: async () => ({ reason: 'exit' as const, exitCode: 127, signal: null, output: `lamina: 1: ${tool}: not found`, usage: { wallSeconds: 0, cpuSeconds: 0, peakMemoryBytes: 0, source: 'sampled' as const } }) };
  const runtime = createProcessRuntime({ name, isolation, place, scratch: join(folder, 'runs') });
  await expect(runtime.run(programOperator('true'), twoBlocks, new AbortController().signal)).rejects.toThrow(new RuntimeUnavailable(`${tool} is not installed`));
});

it.each(['bubblewrap', 'proot', 'containerless'] as const)('%s has no images, and says what has', async (name) => {
  const manifest = { ...pixelManifest('boxed'), kind: 'image' as const, image: `localhost/x@sha256:${'0'.repeat(64)}` };
  await expect(openRuntime(name, { scratch: join(tmpdir(), 'unused') }).run(asOperator(manifest, {}, '/'), twoBlocks, new AbortController().signal)).rejects.toThrow(/it is a container image, which podman or docker run/);
  expect(() => readFileSync(join(tmpdir(), 'unused'))).toThrow();
});
