/** Signatures of operators by themselves: what is signed, whose key counts, what a list of keys may say. */
import { createPrivateKey, generateKeyPairSync, hash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeKeyList, parseKeyList, readKeyList } from '../../../src/operators/trust/key-list.ts';
import { keyIdOf, listedKey, makeKey, publicText, readPrivateKey, readPublicKey, type PublicKey } from '../../../src/operators/trust/keys.ts';
import { judgeSignatures, reasonOf, signOperator } from '../../../src/operators/trust/signature.ts';
import { envelopeOf, plausibleSignatures, signaturesIn, signedBytes, type SignedFacts } from '../../../src/operators/trust/statement.ts';

const facts: SignedFacts = { name: 'e2s/spectral', version: '1.2.0', digest: `sha256:${'a'.repeat(64)}`, archive: 'b'.repeat(64) };
/** Test 1 of RFC 8032: the secret key, in the PKCS#8 wrapping of RFC 8410. */
const anna = createPrivateKey({ key: Buffer.from('302e020100300506032b6570042204209d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex'), type: 'pkcs8', format: 'der' });
const ben = generateKeyPairSync('ed25519').privateKey;
const trusted = (more: Partial<PublicKey> = {}): readonly PublicKey[] => [listedKey({ name: 'anna', public_key: publicText(anna), ...more })];
const noOpenssl = spawnSync('openssl', ['version']).error !== undefined;
let folder: string;

beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'lamina-keys-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a signature', () => {
  it('is of name, version, content and archive, in the encoding of DSSE', () => {
    const [type, length, ...statement] = Buffer.from(signedBytes(facts)).toString().slice('DSSEv1 28 '.length).split(' ');
    expect(type).toBe('application/vnd.in-toto+json');
    expect(statement.join(' ')).toHaveLength(Number(length));
    expect(JSON.parse(statement.join(' '))).toEqual({
      _type: 'https://in-toto.io/Statement/v1', subject: [{ name: 'spectral-1.2.0.tar.gz', digest: { sha256: 'b'.repeat(64) } }],
      predicateType: 'urn:lamina:operator:v1', predicate: { operator: 'e2s/spectral', version: '1.2.0', digest: `sha256:${'a'.repeat(64)}` },
    });
  });

  it('counts with the key that made it', () => {
    const signature = signOperator(facts, anna);
    expect(signature.keyid).toBe(hash('sha256', Buffer.from(publicText(anna), 'base64')));
    expect(signOperator(facts, anna)).toEqual(signature);
    expect(judgeSignatures(facts, [signature], trusted())).toMatchObject([{ verdict: 'trusted', by: { name: 'anna' } }]);
  });

  it.each([
    ['another name', { name: 'e2s/other' }], ['another namespace', { name: 'spectral' }], ['another version', { version: '1.2.1' }],
    ['another manifest', { digest: `sha256:${'c'.repeat(64)}` }], ['another archive', { archive: 'c'.repeat(64) }],
  ])('does not fit %s', (_, change) => {
    const judged = judgeSignatures({ ...facts, ...change }, [signOperator(facts, anna)], trusted());
    expect(judged).toMatchObject([{ verdict: 'invalid' }]);
    expect(reasonOf(judged)).toBe("its signature with the key of 'anna' is wrong: it is of something else");
  });

  it('is worth nothing when a bit of it is another', () => {
    const { keyid, sig } = signOperator(facts, anna);
    const bytes = Buffer.from(sig, 'base64');
    bytes[5]! ^= 1;
    expect(judgeSignatures(facts, [{ keyid, sig: bytes.toString('base64') }], trusted())).toMatchObject([{ verdict: 'invalid' }]);
  });

  it('of another key is worth nothing, also when it says that it is of a trusted one', () => {
    const other = signOperator(facts, ben);
    expect(judgeSignatures(facts, [other], trusted())).toMatchObject([{ verdict: 'unknown-key' }]);
    expect(judgeSignatures(facts, [{ ...other, keyid: keyIdOf(anna) }], trusted())).toMatchObject([{ verdict: 'invalid' }]);
    expect(reasonOf(judgeSignatures(facts, [other], []))).toBe('it is signed with a key that is not trusted here');
    expect(reasonOf([])).toBe('it is not signed');
  });

  it('of a revoked key is worth nothing, whenever it was made', () => {
    const judged = judgeSignatures(facts, [signOperator(facts, anna)], trusted({ revoked: { at: '2126-01-01T00:00:00Z', reason: 'lost' } }));
    expect(judged).toMatchObject([{ verdict: 'revoked' }]);
    expect(reasonOf(judged)).toBe("the key of 'anna' that it is signed with was revoked at 2126-01-01T00:00:00Z (lost)");
  });

  it('counts in the namespaces of its key only', () => {
    const judge = (of: SignedFacts, namespaces: string[]) => judgeSignatures(of, [signOperator(of, anna)], trusted({ namespaces }))[0]!.verdict;
    expect([judge(facts, ['e2s']), judge(facts, ['esa', 'library']), judge({ ...facts, name: 'spectral' }, ['library']), judge({ ...facts, name: 'spectral' }, ['e2s'])])
      .toEqual(['trusted', 'other-namespace', 'trusted', 'other-namespace']);
  });

  it.skipIf(noOpenssl)('can be checked without Lamina', async () => {
    const signature = signOperator(facts, anna);
    await writeFile(join(folder, 'signed'), signedBytes(facts));
    await writeFile(join(folder, 'sig'), Buffer.from(signature.sig, 'base64'));
    await writeFile(join(folder, 'anna.pem'), anna.export({ type: 'pkcs8', format: 'pem' }));
    const { status, stdout } = spawnSync('openssl', ['pkeyutl', '-verify', '-rawin', '-inkey', 'anna.pem', '-in', 'signed', '-sigfile', 'sig'], { cwd: folder, encoding: 'utf8' });
    expect([status, stdout.trim()]).toEqual([0, 'Signature Verified Successfully']);
  });
});

describe('an envelope', () => {
  const bytes = (content: unknown) => Buffer.from(JSON.stringify(content));
  const envelope = envelopeOf(facts, [signOperator(facts, anna)]);

  it('gives its signatures for what it is about', () => {
    expect(signaturesIn(bytes(envelope), facts)).toEqual(envelope.signatures);
    expect(() => signaturesIn(bytes(envelope), { ...facts, version: '1.2.1' })).toThrow('the signature is not of e2s/spectral:1.2.1 with this archive');
  });

  it.each([
    ['no JSON', Buffer.from('{')], ['null', bytes(null)], ['another type', bytes({ ...envelope, payloadType: 'text/plain' })],
    ['no list', bytes({ ...envelope, signatures: {} })], ['a text for a signature', bytes({ ...envelope, signatures: ['x'] })],
    ['a signature that is too short', bytes({ ...envelope, signatures: [{ keyid: 'a'.repeat(64), sig: 'AAAA' }] })],
    ['seventeen signatures', bytes({ ...envelope, signatures: Array.from({ length: 17 }, () => envelope.signatures[0]) })],
  ])('is refused: %s', (_, content) => {
    expect(() => signaturesIn(content, facts)).toThrow(/the signature is no (JSON|DSSE envelope)/);
  });

  it('leaves out of lists of strangers what can be no signature', () => {
    expect(plausibleSignatures([envelope.signatures[0], null, 'x', { keyid: '../', sig: envelope.signatures[0]!.sig }])).toEqual(envelope.signatures);
    expect(plausibleSignatures('x')).toEqual([]);
    expect(plausibleSignatures(Array.from({ length: 99 }, () => envelope.signatures[0]))).toHaveLength(16);
  });
});

describe('key files', () => {
  it('are made for the owner alone, and never written over', async () => {
    const path = join(folder, 'new');
    const key = await makeKey(path);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(keyIdOf(await readPrivateKey(path))).toBe(keyIdOf(key));
    expect(keyIdOf(await readPublicKey(`${path}.pub`))).toBe(keyIdOf(key));
    await expect(makeKey(path)).rejects.toThrow(/EEXIST.*never written over/);
  });

  it.each([
    ['a private key for a public one', () => anna.export({ type: 'pkcs8', format: 'pem' }).toString(), 'is a private key'],
    ['a key of another kind', () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' }).toString(), 'is no ed25519 key'],
    ['a text', () => 'secret text', 'is no ed25519 key'],
  ])('are refused, without their content: %s', async (_, content, message) => {
    const path = join(folder, 'wrong.pub');
    await writeFile(path, content());
    const refused = await readPublicKey(path).then(() => null, (error: Error) => error);
    expect(refused?.message).toContain(message);
    expect(refused?.message).not.toContain('secret');
  });
});

describe('a list of trusted keys', () => {
  const entry = { name: 'anna', public_key: publicText(anna) };

  it('is changed whole, and keeps what it had', async () => {
    const path = join(folder, 'keys.json');
    await changeKeyList(path, (keys) => [...keys, { ...entry, namespaces: ['e2s'] }]);
    await changeKeyList(path, (keys) => keys.map((key) => ({ ...key, revoked: { at: '2026-11-20T00:00:00Z' } })));
    expect(await readKeyList(path)).toMatchObject([{ name: 'anna', id: keyIdOf(anna), namespaces: ['e2s'], revoked: { at: '2026-11-20T00:00:00Z' } }]);
    const before = await readFile(path, 'utf8');
    await expect(changeKeyList(path, (keys) => [...keys, { ...entry, name: 'again' }])).rejects.toThrow("the key or the name of 'again' is there twice");
    expect(await readFile(path, 'utf8')).toBe(before);
  });

  it.each([
    ['{', 'is no JSON'], ['[]', "a list 'keys'"], ['{"keys":[null]}', "keys[0]: 'name' must be"], [JSON.stringify({ keys: [{ name: 'a' }] }), "'public_key' must be"],
    [JSON.stringify({ keys: [{ ...entry, public_key: 'AAAA' }] }), "the key of 'anna' is no ed25519 key"],
    [JSON.stringify({ keys: [{ ...entry, namespaces: [] }] }), "'namespaces' must be"],
    [JSON.stringify({ keys: [{ ...entry, namespaces: ['podman'] }] }), "'namespaces' must be"],
    [JSON.stringify({ keys: [{ ...entry, revoked: true }] }), "'revoked' must be"],
    [JSON.stringify({ keys: [{ ...entry, revokd: { at: '2026-11-20T00:00:00Z' } }] }), "there is no field 'revokd'"],
    [JSON.stringify({ keys: [entry, entry] }), 'twice'],
  ])('is refused with a reason: %s', (text, message) => {
    expect(() => parseKeyList(text, 'keys.json')).toThrow(message);
  });
});
