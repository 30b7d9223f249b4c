/** G6: `bool(os.environ.get('x', False))` takes the text "False" for true, so that a flag could never be switched off by its caller. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { parametersOf } from '../../src/operators/params.ts';
import { hasPython, packedScript, TELL, told, unpackedAt } from './imported-program.ts';

const work = mkdtempSync(join(tmpdir(), 'lamina-g06-'));
afterAll(() => rmSync(work, { recursive: true }));

const source = `"""Flags"""
import os
# overwrite existing outputs
overwrite = bool(os.getenv('overwrite', False))
recursive = bool(os.environ.get('recursive', True))
label = os.getenv('label', '')
told = '%s %s %s' % (overwrite, recursive, label)
${TELL}`;

(hasPython ? it : it.skip)(`a flag that is false arrives as false in a program that takes every text for true${hasPython ? '' : ' (skipped: there is no python3)'}`, async () => {
  const operator = await unpackedAt(await packedScript(work, 'flags', source), join(work, 'flags'));
  const scratch = join(work, 'scratch');
  expect(operator.manifest.params!.map(({ name, type, default: usual }) => [name, type, usual])).toEqual([['overwrite', 'boolean', false], ['recursive', 'boolean', true], ['label', 'string', '']]);
  expect(await told(operator, { label: 'False' }, scratch)).toBe('False True False');
  expect(await told(operator, { overwrite: true, recursive: false }, scratch)).toBe('True False ');
  expect(await told(operator, { overwrite: false, recursive: true }, scratch)).toBe('False True ');
}, 60_000);

it('texts that are no flags are refused, and those that are mean what they say', () => {
  const manifest = { name: 'x', params: [{ name: 'overwrite', description: 'x', type: 'boolean' as const }] };
  expect([parametersOf(manifest, {}, { overwrite: 'False' }), parametersOf(manifest, {}, { overwrite: 'true' })]).toEqual([{ overwrite: false }, { overwrite: true }]);
  for (const text of ['', '0', 'no', 'yes', 'maybe']) expect(() => parametersOf(manifest, {}, { overwrite: text })).toThrow(/'overwrite'.*must be true or false/);
});
