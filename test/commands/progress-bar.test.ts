import { beforeEach, expect, it } from 'vitest';
import { ProgressBar } from '../../src/commands/progress-bar.ts';

let now = 0;
let written: string[] = [];
const target = (isTTY: boolean) => ({ isTTY, columns: 80, write: (text: string) => written.push(text) });

beforeEach(() => {
  now = 0;
  written = [];
});

it('writes over one line of a terminal, a tenth of a second apart, and clears it', () => {
  const bar = new ProgressBar(target(true), 'items', () => now);
  bar.show({ label: 'a.ndjson', fraction: 0, done: 0 });
  now = 2000;
  bar.show({ label: 'a.ndjson', fraction: 0.25, done: 5000 });
  now = 2050;
  bar.show({ label: 'a.ndjson', fraction: 0.26, done: 5200 });
  bar.end();
  expect(written).toEqual([`\r${'[######------------------] 25 %  5,000 items, 2,500/s, 6 s left  a.ndjson'.padEnd(79)}`, `\r${' '.repeat(79)}\r`]);
});

it('gives a log a line every half minute, and nothing to clear', () => {
  const bar = new ProgressBar(target(false), 'blocks', () => now);
  for (now = 0; now <= 60_000; now += 10_000) bar.show({ label: 'out.tif', fraction: null, done: now / 1000 });
  bar.end();
  expect(written).toEqual(['out.tif  30 blocks, 1/s\n', 'out.tif  60 blocks, 1/s\n']);
});

it('takes what was done before the first look for no speed', () => {
  const bar = new ProgressBar(target(false), 'items', () => now);
  bar.show({ label: 'again', fraction: 0.5, done: 1000 });
  now = 100_000;
  bar.show({ label: 'again', fraction: 0.75, done: 1500 });
  expect(written).toEqual(['[##################------] 75 %  1,500 items, 5/s, 2 min left  again\n']);
});
