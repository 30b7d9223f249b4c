/** `lamina operator keys | sign | verify`, as somebody types them. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { operatorCommand } from '../../../src/commands/operator.ts';
import { packed } from '../registry/packages.ts';

let folder: string;
const printed: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-trust-commands-'));
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
});
afterAll(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

async function run(...args: string[]): Promise<string> {
  printed.splice(0);
  await operatorCommand(args, { LAMINA_DATA: join(folder, 'data'), LAMINA_OPERATORS: join(folder, 'registry'), LAMINA_OPERATOR_KEYS: join(folder, 'keys.json') });
  return printed.join('');
}

it('makes keys, signs, and says whose signature counts', async () => {
  const at = (name: string) => join(folder, name);
  expect(await run('keys', 'new', at('anna'))).toMatch(/keep it secret[^]*anna\.pub is for those who shall trust it\.\n[0-9a-f]{64}\n$/);
  await run('keys', 'new', at('ben'));
  // The list does not exist before the first key is trusted, and nobody can be told to look into it.
  expect(await run('keys', 'trust', 'anna', at('anna.pub'), '--keys', at('keys.json'), '--namespaces', 'library,e2s')).toMatch(/^anna is trusted for library,e2s: [0-9a-f]{64}\n$/);
  expect(await run('keys')).toMatch(/^anna +[0-9a-f]{16} {2}signs library, e2s\n$/);

  const { path } = await packed(folder, { name: 'spectral', version: '1.0.0' });
  await expect(run('verify', path)).rejects.toThrow('spectral:1.0.0 is not vouched for: it is not signed');
  expect(await run('sign', path, '--key', at('anna'))).toContain(`${path}.signature.json: spectral:1.0.0, archive `);
  expect(await run('verify', path)).toMatch(/^[0-9a-f]{16} {2}trusted +anna\n$/);
  expect(await run('publish', path, '--signature', `${path}.signature.json`)).toMatch(/, signed; it is latest now\n$/);
  expect(await run('verify', 'spectral')).toMatch(/trusted +anna\n$/);
  expect(await run('list')).toMatch(/spectral:1\.0\.0 +onnx .*signed by anna/);

  const second = await packed(folder, { name: 'spectral', version: '1.1.0' });
  await expect(run('publish', second.path, '--signature', `${path}.signature.json`)).rejects.toThrow('spectral:1.1.0: the signature is not of spectral:1.1.0 with this archive');
  await run('publish', second.path, '--key', at('ben'));
  await expect(run('verify', 'spectral:1.1.0')).rejects.toThrow('spectral:1.1.0 is not vouched for: it is signed with a key that is not trusted here');
  expect(printed.join('')).toMatch(/^[0-9a-f]{16} {2}unknown-key\n$/);
  expect(await run('list')).toMatch(/spectral:1\.1\.0 +onnx .*in a sandbox: it is signed with a key that is not trusted here/);
  expect(await run('sign', 'spectral:1.1.0', '--key', at('anna'))).toMatch(/^spectral:1\.1\.0 is signed by [0-9a-f]{16}, [0-9a-f]{16}\n$/);
  expect(JSON.parse(await run('verify', 'spectral:1.1.0', '--json'))).toMatchObject({ name: 'spectral', version: '1.1.0', signatures: expect.arrayContaining([expect.objectContaining({ verdict: 'trusted', by: 'anna' })]) as unknown });

  expect(await run('keys', 'revoke', 'anna', '--reason', 'lost')).toContain('anna is revoked');
  await expect(run('verify', 'spectral:1.0.0')).rejects.toThrow(/the key of 'anna' that it is signed with was revoked at .* \(lost\)/);
  expect(await run('keys')).toMatch(/revoked at .*: lost/);
  expect(await run('keys', 'list', '--json')).not.toContain('PRIVATE');
});

it('says in one line what is missing or wrong', async () => {
  await writeFile(join(folder, 'text'), 'no key');
  await expect(run('keys', 'forget', 'anna')).rejects.toThrow('there is no `lamina operator keys forget`; there are new, trust, revoke, list');
  await expect(run('keys', 'revoke', 'nobody')).rejects.toThrow("there is no key 'nobody'; there are anna");
  await expect(run('keys', 'trust', 'ben', join(folder, 'ben'))).rejects.toThrow('ben is a private key');
  await expect(run('sign', 'spectral:1.0.0')).rejects.toThrow('with which key?');
  await expect(run('sign', 'spectral:1.0.0', '--key', join(folder, 'text'))).rejects.toThrow('is no ed25519 key');
  await expect(run('sign', 'spectral:7.0.0', '--key', join(folder, 'ben'))).rejects.toThrow('The registry has no spectral:7.0.0. There are: 1.1.0, 1.0.0.');
  await expect(run('publish', join(folder, 'x'), '--key', 'a', '--signature', 'b')).rejects.toThrow();
  const before = await readFile(join(folder, 'keys.json'), 'utf8');
  await expect(run('keys', 'trust', 'again', join(folder, 'anna.pub'))).rejects.toThrow('twice');
  expect(await readFile(join(folder, 'keys.json'), 'utf8')).toBe(before);
});
