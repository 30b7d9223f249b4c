/**
 * Runs all benchmarks and writes their figures into docs/performance.md, between its two markers.
 * `npm run bench` runs all, `npm run bench -- tiles arrays` some (then nothing is written). What is ours runs on the
 * pages that workers are started with.
 */
import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { readFile, writeFile } from 'node:fs/promises';
import { benchArrays } from './arrays.ts';
import { benchBlocks } from './blocks.ts';
import { benchCog } from './cog.ts';
import { benchFormats } from './formats.ts';
import { say, type Figure } from './harness.ts';
import { benchPipeline } from './pipeline.ts';
import { benchProcesses } from './processes.ts';
import { benchResample } from './resample.ts';
import { benchTiles } from './tiles.ts';
import { benchWarmTiles } from './warm-tiles.ts';
import { withAllocation } from '../src/workers/process-settings.ts';

const page = new URL('../docs/performance.md', import.meta.url);
const [begin, end] = ['<!-- figures: begin -->', '<!-- figures: end -->'];

const benchmarks: Record<string, () => Promise<Figure[]>> = { pipeline: benchPipeline, blocks: benchBlocks, cog: benchCog, formats: () => benchFormats(), tiles: benchTiles, 'warm-tiles': benchWarmTiles, arrays: () => benchArrays(), resample: () => benchResample(), processes: () => benchProcesses() };

function table(figures: readonly Figure[]): string {
  const [cpu] = cpus();
  const rows = figures.map(({ what, ours, peer, ratio, goal }) => `| ${what} | ${ours} | ${peer} | ${ratio} | ${goal} |`);
  return [
    begin,
    `Measured ${new Date().toISOString().slice(0, 10)} on ${cpus().length} × ${cpu?.model.trim() ?? 'unknown CPU'}, Node ${process.version}; medians of seven alternating rounds (of formats three).`,
    '',
    '| what | ours | peer | ratio | goal |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    end,
  ].join('\n');
}

if (process.env['GLIBC_TUNABLES'] === undefined) {
  process.exit(spawnSync(process.execPath, [...process.execArgv, ...process.argv.slice(1)], { env: withAllocation(process.env), stdio: 'inherit' }).status ?? 1);
}
const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !(name in benchmarks));
if (unknown.length > 0) throw new Error(`There is no benchmark ${unknown.join(', ')}; there are ${Object.keys(benchmarks).join(', ')}.`);
const figures: Figure[] = [];
for (const [name, run] of Object.entries(benchmarks)) if (chosen.length === 0 || chosen.includes(name)) figures.push(...(await run()));
say(`\n${table(figures)}`);
if (chosen.length === 0) {
  const text = await readFile(page, 'utf8');
  await writeFile(page, text.slice(0, text.indexOf(begin)) + table(figures) + text.slice(text.indexOf(end) + end.length));
}
