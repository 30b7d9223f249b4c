/** G4: CLAIMED splits parameters at spaces, runs what stands in $(…) on the host, and takes parameters that an operator does not have. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openBench } from '../runtimes/command-line.ts';

const bench = openBench();
afterAll(() => bench.close());

const text = (name: string) => ({ name, description: 'A text.', type: 'string' as const, default: '' });

const awkward = {
  words: 'two words', command: '$(touch PWNED)', backticks: '`touch PWNED`', quotes: `it's "so"; touch PWNED`, minus: '-1', option: '--output', empty: '', capital: 'False',
};

it.each(['run', 'claimed'] as const)('values arrive as they are, whatever is in them (%s)', async (spelling) => {
  const names = Object.keys(awkward);
  const operator = bench.operator([...names.map((name) => `printf '<%s>\\n' "$${name}" >&2`), 'cp "$INPUT_PATH" "$OUTPUT_PATH"'].join('\n'), names.map(text));
  const dash = spelling === 'claimed' ? '-' : '--';
  const words = ['--runtime', 'containerless', '--input', await bench.scene(), '--output', join(bench.folder, 'out.tif'), ...Object.entries(awkward).flatMap(([name, value]) => [dash + name, value])];
  const { code, output } = spelling === 'claimed' ? await bench.claimed('--component', operator, ...words) : await bench.run(operator, ...words);
  expect(output).toContain(Object.values(awkward).map((value) => `<${value}>`).join('\n'));
  expect(code).toBe(0);
  for (const place of [process.cwd(), bench.folder, operator]) expect(existsSync(join(place, 'PWNED'))).toBe(false);
}, 60_000);

it('a parameter that the operator does not have is refused before anything runs', async () => {
  const operator = bench.operator('touch ran; cp "$INPUT_PATH" "$OUTPUT_PATH"', [text('patch_size')]);
  const { code, output } = await bench.run(operator, '--runtime', 'containerless', '--input', await bench.scene(), '--output', join(bench.folder, 'out2.tif'), '--patchsize', '224');
  expect(output).toMatch(/'patchsize'.*no such parameter; it has 'patch_size'/);
  expect(code).toBe(1);
  expect(existsSync(join(operator, 'ran'))).toBe(false);
}, 60_000);
