import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { parseRun } from '../../src/commands/run.ts';
import { parseBatchOptions } from '../../src/operators/batch-options.ts';
import { quoted } from '../../src/operators/shell-word.ts';
import { lamina, run } from '../system/processes.ts';
import { execFileSync } from 'node:child_process';
import { openBench } from './command-line.ts';

const bench = openBench();
afterAll(() => bench.close());

describe('the words after lamina run', () => {
  it('are an operator, options, and its parameters with whatever values', () => {
    expect(parseRun(['bubblewrap/pca:1', '--input', 'a.tif', '-patch_size', '-1', '--overwrite=False', '--label', '--output', '--empty', '', '--output', 'b.tif', '--quiet', '--param', 'input=x=y'])).toEqual({
      reference: 'bubblewrap/pca:1', options: { input: 'a.tif', output: 'b.tif' }, isQuiet: true, isRetry: false,
      params: { patch_size: '-1', overwrite: 'False', label: '--output', empty: '', input: 'x=y' },
    });
  });

  it('are understood in the spelling of D3.1', () => {
    expect(parseRun(['--component', 'containerless/claimed-ai-compressor:latest', '--patch_size', '224'])).toMatchObject({ reference: 'containerless/claimed-ai-compressor:latest', params: { patch_size: '224' } });
  });

  it.each<[string[], string]>([
    [[], 'which operator?'], [['--input', 'a'], 'which operator?'], [['pca', 'conv'], "'conv' is one operator too many"], [['pca', '--component', 'conv'], 'one operator too many'],
    [['pca', '--input'], "'--input' has no value"], [['pca', '--gain', '1', '-gain', '2'], "'gain' is given twice"], [['pca', '--param', 'x'], 'write --param name=value'],
  ])('%j are refused', (words, message) => {
    expect(() => parseRun(words)).toThrow(message);
  });
});

describe('options of batch jobs', () => {
  it('are a closed list of harmless values', () => {
    expect(parseBatchOptions('partition=low, account=e2s,gres=gpu:a100:1,constraint=a&b')).toEqual({ partition: 'low', account: 'e2s', gres: 'gpu:a100:1', constraint: 'a&b' });
    expect(parseBatchOptions('')).toEqual({});
    for (const text of ['export=ALL', 'partition=low --prolog=/x', 'partition=$(id)', 'account=', 'account=-x', 'partition']) expect(() => parseBatchOptions(text), text).toThrow(RangeError);
  });
});

it('words of a job\'s script are what they were', () => {
  const words = [`it's`, '$(touch x) `id` "q" \\ \n two', '', '-n', '*', "''"];
  expect(execFileSync('sh', ['-c', `printf '%s\\0' ${words.map(quoted).join(' ')}`], { encoding: 'utf8' }).split('\0').slice(0, -1)).toEqual(words);
});

it('Ctrl-C ends the operator with all that it started, and leaves neither file nor folder', async () => {
  const seconds = String(80_000 + (process.pid % 9000));
  const operator = bench.operator(`sleep ${seconds} & (setsid sleep ${seconds} &); sleep ${seconds}`);
  const scratch = join(bench.folder, 'scratch');
  const output = join(bench.folder, 'out.tif');
  const sleepers = () => readdirSync('/proc').filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8') === `sleep\0${seconds}\0`;
    } catch {
      return false;
    }
  });
  const started = lamina(['run', operator, '--runtime', 'containerless', '--input', await bench.scene(), '--output', output, '--scratch', scratch], bench.environment);
  for (let i = 0; i < 400 && sleepers().length < 3; i++) await sleep(50);
  expect(sleepers(), started.output()).toHaveLength(3);
  const began = performance.now();
  expect(await started.end('SIGINT')).toBe(1);
  expect(performance.now() - began).toBeLessThan(5000);
  expect(started.output()).toContain('it was interrupted');
  expect(sleepers()).toEqual([]);
  expect(readdirSync(scratch)).toEqual([]);
  expect([existsSync(output), readdirSync(bench.folder).filter((name) => name.startsWith('.lamina-'))]).toEqual([false, []]);
}, 60_000);

it('lamina runtimes tells what works here, by trying', async () => {
  const { code, output } = await run(lamina(['runtimes', 'onnx', 'containerless', 'pbs+docker', '--json'], bench.environment));
  expect(code).toBe(0);
  const found = JSON.parse(output) as { name: string; works: boolean; reason?: string; milliseconds?: number; reached?: string[] }[];
  expect(found.map(({ name }) => name)).toEqual(['onnx', 'containerless', 'pbs+docker']);
  expect(found[1]).toMatchObject({ works: true, reached: ['files', 'network'], milliseconds: expect.any(Number) });
  expect((await run(lamina(['runtimes', 'sge'], bench.environment))).output).toMatch(/there is no runtime 'sge'; there are onnx, containerless/);
}, 60_000);
