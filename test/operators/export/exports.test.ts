import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { calledOperator, plainOperator } from '../../../src/operators/called-operator.ts';
import { toLsf, toPbs, toSlurm } from '../../../src/operators/export/batch.ts';
import { toCwl } from '../../../src/operators/export/cwl.ts';
import { Job } from 'kubernetes-models/batch/v1';
import { parse } from 'yaml';
import { toKubernetes } from '../../../src/operators/export/kubernetes.ts';
import type { ExportTarget } from '../../../src/operators/export/target.ts';
import { shellWord } from '../../../src/operators/shell-word.ts';
import { writeYaml } from '../../../src/operators/export/yaml.ts';
import { readOperator } from '../../../src/operators/manifest.ts';
import { parseReference } from '../../../src/operators/reference.ts';
import type { OperatorManifest } from '../../../src/operators/operator.ts';
import { RUN_OPTIONS } from '../../../src/commands/run.ts';
import { operatorsDirectory } from '../golden.ts';

const work = mkdtempSync(join(tmpdir(), 'lamina-export-'));
afterAll(() => rmSync(work, { recursive: true }));
const hasYaml = spawnSync('python3', ['-c', 'import yaml']).status === 0;
const hasCwltool = spawnSync('cwltool', ['--version']).status === 0;

const pca = await readOperator(join(operatorsDirectory, 'pca'));
const manifest: OperatorManifest = {
  ...pca.manifest, namespace: 'e2s', name: 'spectral', title: 'Spectral: "sums" # of\nbands', resources: { memory_mib: 512, cpu: 1.5, gpu: true },
  params: [
    { name: 'gain', description: 'Factor.', type: 'number', default: 1 },
    { name: 'count', description: 'How many.', type: 'integer', unit: 'px' },
    { name: 'label', description: 'Text.', type: 'string', default: '' },
    { name: 'mode', description: 'One of.', type: 'string', enum: ['fast', 'best'], default: 'best' },
    { name: 'overwrite', description: 'Flag.', type: 'boolean', default: false },
    { name: 'names', description: 'List.', type: 'array', items: 'string', default: ['B02', 'B03'] },
    { name: 'place', description: 'Or nothing.', type: 'string', default: null },
  ],
};
const nasty = 'it\'s "$(touch pwn)" `id` $HOME \\ -1\n%&?';
const operator = calledOperator(plainOperator(manifest, async () => '/nowhere'), parseReference('sandbox/e2s/spectral'), { count: -1, label: nasty });
const target: ExportTarget = { operator, image: 'registry.example/lamina:1.0', optionNames: RUN_OPTIONS };
const plainTarget: ExportTarget = { ...target, operator: pca };

/** Read by another program. */
function parsed(yaml: string): Record<string, never> {
  return JSON.parse(execFileSync('python3', ['-c', 'import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)'], { input: yaml, encoding: 'utf8' }));
}
const withYaml = hasYaml ? it : it.skip;
const why = hasYaml ? '' : ' (skipped: python3 has no yaml)';

/** A `lamina` that writes down the words it was called with. */
function calledWith(script: string, env: Record<string, string>, ...args: string[]): string[] {
  const folder = mkdtempSync(join(work, 'bin-'));
  writeFileSync(join(folder, 'lamina'), '#!/bin/sh\nfor word in "$@"; do printf "%s\\0" "$word"; done > "$TOLD"\nexit 7\n');
  chmodSync(join(folder, 'lamina'), 0o755);
  writeFileSync(join(folder, 'job.sh'), script);
  const { status, stderr } = spawnSync('sh', [join(folder, 'job.sh'), ...args], { cwd: folder, env: { PATH: `${folder}:/usr/bin:/bin`, TOLD: join(folder, 'told'), ...env }, encoding: 'utf8' });
  expect(existsSync(join(folder, 'pwn'))).toBe(false);
  if (!existsSync(join(folder, 'told'))) throw new Error(stderr);
  expect(status, 'the exit code is that of lamina').toBe(7);
  return readFileSync(join(folder, 'told'), 'utf8').split('\0').slice(0, -1);
}

describe('a job script', () => {
  it('for Slurm calls exactly this operator, whatever its parameters hold', () => {
    const words = calledWith(toSlurm(target), {}, 'in put.tif', "out'$x.tif");
    expect(words).toEqual(['run', operator.reference, '--input', 'in put.tif', '--output', "out'$x.tif", '--quiet']);
    expect(parseReference(words[1]!).params).toEqual({ count: '-1', label: nasty });
  });

  it('for Slurm asks for what the operator needs', () => {
    const directives = toSlurm(target).split('\n').filter((line) => line.startsWith('#SBATCH'));
    expect(directives).toEqual(expect.arrayContaining(['#SBATCH --job-name=e2s-spectral-1-0-0', '#SBATCH --cpus-per-task=2', '#SBATCH --mem=512M', '#SBATCH --gres=gpu:1']));
    expect(toSlurm(plainTarget)).not.toMatch(/--mem|gres/);
  });

  it('for PBS gets its files from variables', () => {
    const script = toPbs(target);
    expect(calledWith(script, { INPUT: 'a b.tif', OUTPUT: 'c.tif' })).toEqual(['run', operator.reference, '--input', 'a b.tif', '--output', 'c.tif', '--quiet']);
    expect(script.split('\n').filter((line) => line.startsWith('#PBS'))).toEqual(['#PBS -N e2s-spectral-1', '#PBS -l nodes=1:ppn=2:gpus=1,mem=512mb', '#PBS -j oe']);
  });

  it('for LSF gets its files from variables, which bsub hands over', () => {
    const script = toLsf(target);
    expect(calledWith(script, { INPUT: 'a b.tif', OUTPUT: 'c.tif' })).toEqual(['run', operator.reference, '--input', 'a b.tif', '--output', 'c.tif', '--quiet']);
    expect(script.split('\n').filter((line) => line.startsWith('#BSUB'))).toEqual(['#BSUB -J e2s-spectral-1-0-0', '#BSUB -n 2', '#BSUB -R "span[hosts=1]"', '#BSUB -M 512MB', '#BSUB -gpu "num=1"']);
    expect(() => calledWith(toLsf(plainTarget), { INPUT: 'a.tif' })).toThrow('write: INPUT=INPUT.tif OUTPUT=OUTPUT.tif bsub < FILE');
  });

  it('says how it is called when it is called otherwise', () => {
    expect(() => calledWith(toSlurm(plainTarget), {})).toThrow('sbatch FILE INPUT.tif OUTPUT.tif');
    expect(() => calledWith(toPbs(plainTarget), { INPUT: 'a.tif' })).toThrow('qsub -v INPUT=');
  });

  it.each([nasty, '', '-1', "'", 'a b', '*', '~', '$(touch pwn)', 'plain'])('quotes %j for the shell', (text) => {
    expect(spawnSync('sh', ['-c', `printf %s ${shellWord(text)}`], { encoding: 'utf8' }).stdout).toBe(text);
  });
});

describe('YAML', () => {
  withYaml(`reads as what was written${why}`, () => {
    const value = { a: [1, { b: 'x: y', c: [] }, ['no', true]], d: {}, 'e f': null, on: 'off', g: nasty, h: [[1, [2]], { i: { j: '' } }] };
    expect(parsed(writeYaml(value, ['a # comment']))).toEqual(value);
  });
});

describe('a Job of Kubernetes', () => {
  withYaml(`is a batch/v1 Job with limits and without rights${why}`, () => {
    const job = parsed(toKubernetes(target)) as never as { apiVersion: string; kind: string; metadata: Record<string, string>; spec: { template: { spec: Record<string, never> } } & Record<string, number> };
    expect(job).toMatchObject({ apiVersion: 'batch/v1', kind: 'Job', metadata: { generateName: 'e2s-spectral-1-0-0-' }, spec: { backoffLimit: 2, activeDeadlineSeconds: 86_400 } });
    const pod = job.spec.template.spec as never as { containers: Record<string, unknown>[] };
    expect(pod).toMatchObject({ restartPolicy: 'Never', automountServiceAccountToken: false, securityContext: { runAsNonRoot: true } });
    expect(pod.containers[0]).toMatchObject({
      image: 'registry.example/lamina:1.0', command: ['lamina', 'run', operator.reference, '--input', '/data/input.tif', '--output', '/data/output.tif', '--quiet'],
      resources: { requests: { cpu: '1.5', memory: '512Mi' }, limits: { memory: '512Mi', 'nvidia.com/gpu': 1 } },
      securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
    });
  });

  it('fits the schema of Kubernetes', () => {
    for (const variant of [target, { ...target, pullSecrets: ['registry'], claim: 'files' }]) expect(() => new Job(parse(toKubernetes(variant)) as never).validate()).not.toThrow();
  });

  withYaml(`keeps what Kubernetes would replace${why}`, () => {
    const job = parsed(toKubernetes({ ...target, registries: '/data/$(HOME)' })) as never as { spec: { template: { spec: { containers: { env: unknown[] }[] } } } };
    expect(job.spec.template.spec.containers[0]!.env).toContainEqual({ name: 'LAMINA_OPERATORS', value: '/data/$$(HOME)' });
  });

  it('refuses names that Kubernetes would', () => {
    expect(() => toKubernetes({ ...target, pullSecrets: ['image_pull_secret'] })).toThrow(/'image_pull_secret' is no name that Kubernetes takes/);
    expect(() => toKubernetes({ ...target, image: 'a b' })).toThrow(/no reference of an image/);
  });
});

describe('a tool of CWL', () => {
  withYaml(`has the parameters as typed inputs${why}`, () => {
    const tool = parsed(toCwl(target)) as never as { inputs: Record<string, object>; arguments: object[] };
    expect(tool).toMatchObject({ cwlVersion: 'v1.2', class: 'CommandLineTool', baseCommand: ['lamina', 'run'], outputs: { embeddings: { type: 'File' } } });
    // The reference without the parameters: they are inputs, and what the export was made with are their defaults.
    expect(tool.arguments[0]).toEqual({ position: 0, valueFrom: operator.reference.replace(/\?.*/, '') });
    expect(tool.inputs).toMatchObject({
      gain: { type: 'double', default: 1 }, count: { type: 'long', default: -1, doc: 'How many. (px)' }, label: { type: 'string', default: nasty },
      mode: { type: { type: 'enum', symbols: ['fast', 'best'] }, default: 'best' }, overwrite: { type: { type: 'enum', symbols: ['true', 'false'] }, default: 'false' },
      names: { type: { type: 'array', items: 'string' }, default: ['B02', 'B03'], inputBinding: { prefix: '--names', itemSeparator: ',' } }, place: { type: ['null', 'string'] },
    });
  });

  it('refuses what CWL can not hand over', () => {
    const clash = plainOperator({ ...manifest, params: [{ name: 'bands', description: 'x', type: 'string', default: '' }] }, async () => '/');
    expect(() => toCwl({ ...target, operator: clash })).toThrow(/'bands' has the name of an option/);
    expect(() => toCwl({ ...target, operator: calledOperator(operator, parseReference('e2s/spectral'), { count: 1, names: ['a,b'] }) })).toThrow(/entries with commas/);
  });

  const withCwltool = hasCwltool ? it : it.skip;
  withCwltool(`is valid for cwltool, which runs it${hasCwltool ? '' : ' (skipped: cwltool is not installed)'}`, () => {
    const folder = mkdtempSync(join(work, 'cwl-'));
    // What it was told is the result; that the real command embeds files is tested where that command is.
    writeFileSync(join(folder, 'lamina'), '#!/bin/sh\nfor word in "$@"; do printf "%s\\0" "$word"; done > result.tif\n');
    chmodSync(join(folder, 'lamina'), 0o755);
    writeFileSync(join(folder, 'tool.cwl'), toCwl(target));
    writeFileSync(join(folder, 'in.tif'), 'x');
    symlinkSync(resolve(process.execPath), join(folder, 'node'));
    const env = { ...process.env, PATH: `${folder}:${process.env['PATH']}` };
    expect(spawnSync('cwltool', ['--validate', join(folder, 'tool.cwl')], { env, encoding: 'utf8' })).toMatchObject({ status: 0 });
    const run = spawnSync('cwltool', ['--quiet', '--preserve-environment', 'PATH', '--outdir', join(folder, 'out'), join(folder, 'tool.cwl'), '--input', join(folder, 'in.tif'), '--output', 'result.tif', '--gain', '2.5'], { env, encoding: 'utf8' });
    expect(run.stderr + run.stdout).toContain('result.tif');
    const words = readFileSync(join(folder, 'out/result.tif'), 'utf8').split('\0').slice(0, -1);
    const value = (name: string) => words[words.indexOf(`--${name}`) + 1];
    expect(words.slice(0, 2)).toEqual(['run', operator.reference.replace(/\?.*/, '')]);
    expect([value('gain'), value('count'), value('label'), value('names'), value('overwrite'), words.includes('--place')]).toEqual(['2.5', '-1', nasty, 'B02,B03', 'false', false]);
  }, 60_000);
});
