/** Which runtime an operator gets where nobody says; and the command line of Apptainer, which is not here. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Operator } from '../../src/operators/operator.ts';
import type { RuntimeName } from '../../src/operators/reference.ts';
import { firstThatWorks, PROBE_ORDER } from '../../src/runtimes/probe-order.ts';
import { RuntimeUnavailable } from '../../src/runtimes/program.ts';
import { isolations, openRuntime, toolEnvironmentOf } from '../../src/runtimes/runtimes.ts';
import type { ProcessRuntime } from '../../src/runtimes/process-runtime.ts';
import { lamina, run } from '../system/processes.ts';
import { whyNot } from './available.ts';
import { openBench } from './command-line.ts';
import { asOperator, COPY, pixelManifest, programOperator, removePrograms, twoBlocks } from './operators.ts';

const bench = openBench();
afterAll(() => {
  removePrograms();
  bench.close();
});
const scratch = join(bench.folder, 'runs');

/** Runtimes of which only the named ones work. None has a tool, so nothing of this machine matters. */
const machine = (...working: string[]) => (name: RuntimeName): ProcessRuntime => ({
  name, isolation: { ...isolations[name as keyof typeof isolations], tool: null },
  run: async (_, { inputs }) => {
    if (!working.includes(name)) throw new RuntimeUnavailable(`no ${name} here`);
    return { vectors: inputs, output: '', usage: { wallSeconds: 0, cpuSeconds: 0, peakMemoryBytes: 0, source: 'sampled' } };
  },
});

describe('the first that works', () => {
  const program: Operator = { ...programOperator(COPY) };
  const image = asOperator({ ...pixelManifest('boxed'), kind: 'image', image: `localhost/x@sha256:${'0'.repeat(64)}` }, {}, '/');

  it('is the safest: sandbox, containers, and only then what shuts nothing in', async () => {
    expect(PROBE_ORDER).toEqual(['bubblewrap', 'podman', 'apptainer', 'docker', 'proot', 'containerless']);
    expect(await firstThatWorks(program, machine(...PROBE_ORDER), scratch)).toEqual({ name: 'bubblewrap', skipped: [] });
    const { name, skipped } = await firstThatWorks(program, machine('proot', 'containerless'), scratch);
    expect(name).toBe('proot');
    expect(skipped.map((each) => [each.name, each.reason])).toEqual([['bubblewrap', 'no bubblewrap here'], ['podman', 'no podman here'], ['apptainer', 'no apptainer here']]);
  });

  it('is one that can run images, for an image', async () => {
    const { name, skipped } = await firstThatWorks(image, machine('bubblewrap', 'apptainer', 'containerless'), scratch);
    expect([name, skipped.map((each) => each.name)]).toEqual(['apptainer', ['podman']]);
  });

  it('is none that shuts nothing in, for an operator that nobody vouches for', async () => {
    const stranger = { ...program, isolated: 'it is not signed' };
    await expect(firstThatWorks(stranger, machine('apptainer', 'proot', 'containerless'), scratch)).rejects.toThrow("no runtime works here that 'program' can run in: bubblewrap: no bubblewrap here; podman: no podman here");
  });

  it('is taken by lamina run, which says why it is not the usual one', async () => {
    const tools = join(bench.folder, 'tools');
    mkdirSync(tools);
    // One that is there and does not work: the file of an installation is no proof. And one that does.
    const scripts = {
      podman: '[ "$1" = --version ] && echo podman version 9.9.9 && exit 0; echo "podman: not permitted here" >&2; exit 125',
      apptainer: 'for word in "$@"; do case $word in *:/operator-work:rw) work=${word%%:*};; esac; done; cp "$work/input.npy" "$work/output.npy"',
    };
    for (const [name, script] of Object.entries(scripts)) {
      writeFileSync(join(tools, name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(tools, name), 0o755);
    }
    const environment = { ...bench.environment, PATH: `${tools}:/usr/bin:/bin` };
    const boxed = bench.operator('', [], { kind: 'image', image: `localhost/x@sha256:${'0'.repeat(64)}`, command: ['/run'] });
    const words = ['run', boxed, '--input', await bench.scene(), '--output', join(bench.folder, 'out.tif'), '--quiet'];
    const { code, output } = await run(lamina(words, environment));
    expect(code, output).toBe(0);
    expect(output).toContain('podman does not work here (podman: not permitted here). It runs in apptainer, a container');
    expect(output).toContain('by script:1.0.0 in apptainer');
    // Who names one gets that one or nothing.
    expect(await run(lamina([...words, '--runtime', 'podman'], environment))).toMatchObject({ code: 1, output: expect.stringContaining('podman: not permitted here') });
  }, 60_000);

  it.skipIf(whyNot('bubblewrap') !== null)('is bubblewrap on this machine', async () => {
    const open = (name: RuntimeName) => openRuntime(name, { scratch, toolEnvironment: toolEnvironmentOf(process.env) });
    expect(await firstThatWorks(program, open, scratch)).toEqual({ name: 'bubblewrap', skipped: [] });
  }, 30_000);
});

describe('Apptainer (a stand-in that keeps what it is called with)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-apptainer-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'apptainer'), `#!/bin/sh
for word in "$@"; do printf '%s\\0' "$word"; done > '${folder}/words'; env -0 > '${folder}/variables'
[ -e '${folder}/fatal' ] && { echo 'FATAL:   While making image from oci registry: no such image' >&2; exit 255; }
for word in "$@"; do case $word in *:/operator-work:rw) work=\${word%%:*};; esac; done
cp "$work/input.npy" "$work/output.npy"
`);
  chmodSync(join(folder, 'apptainer'), 0o755);
  const runtime = openRuntime('apptainer', { scratch, toolEnvironment: { PATH: `${folder}:/usr/bin:/bin` } });
  const words = () => readFileSync(join(folder, 'words'), 'utf8').split('\0').slice(0, -1);
  const variables = () => readFileSync(join(folder, 'variables'), 'utf8').split('\0');

  it('gets a program closed off, with its values in no list of processes', async () => {
    const { vectors } = await runtime.run(programOperator(COPY, { params: { word: 'two  words' } }), twoBlocks, new AbortController().signal);
    expect(vectors).toEqual(twoBlocks.inputs);
    expect(words().slice(0, 9)).toEqual(['--quiet', 'exec', '--containall', '--cleanenv', '--no-home', '--net', '--network', 'none', '--no-privs']);
    expect(words().slice(-2).join(' ')).toBe('-- /operator-package/program.sh');
    expect(words()).toContain('/usr:/usr:ro');
    expect(words().join(' ')).not.toContain('two  words');
    expect(variables()).toEqual(expect.arrayContaining(['APPTAINERENV_word=two  words', 'APPTAINERENV_INPUT_PATH=/operator-work/input.npy', 'APPTAINERENV_HOME=/operator-work']));
  });

  it('gets an image by its digest, with nothing of this machine\'s programs', async () => {
    const image = `example.org/x@sha256:${'0'.repeat(64)}`;
    const of = (command: string[]) => asOperator({ ...pixelManifest('boxed'), kind: 'image', image, command }, {}, bench.folder);
    await runtime.run(of(['/run', '--fast']), twoBlocks, new AbortController().signal);
    expect(words().slice(-3)).toEqual([`docker://${image}`, '/run', '--fast']);
    expect(words()).not.toContain('/usr:/usr:ro');
    await runtime.run(of([]), twoBlocks, new AbortController().signal);
    expect([words()[1], words().at(-1)]).toEqual(['run', `docker://${image}`]);
  });

  it('that can\'t start the program is no failure of the operator', async () => {
    writeFileSync(join(folder, 'fatal'), '');
    await expect(runtime.run(programOperator(COPY), twoBlocks, new AbortController().signal)).rejects.toThrow(new RuntimeUnavailable('While making image from oci registry: no such image'));
  });
});
