import { describe, expect, it } from 'vitest';
import { withoutLogin } from '../../src/storage/without-login.ts';

describe('an address without user and password', () => {
  it.each([
    ['https://ann:secret@host.example/a/b', 'https://host.example/a/b'],
    ['https://token@host.example:8443/a', 'https://host.example:8443/a'],
    ['oci+http://ann:secret@127.0.0.1:5000/prefix', 'oci+http://127.0.0.1:5000/prefix'],
    ['HTTPS://ann:@host.example', 'HTTPS://host.example'],
    ['s3://key:secret@bucket/prefix', 's3://bucket/prefix'],
    ['//ann:secret@host.example/a', '//host.example/a'],
    [' codecommit::https://ann:secret@host.example/a', ' codecommit::https://host.example/a'],
  ])('of %s is %s', (address, expected) => {
    expect(withoutLogin(address)).toBe(expected);
  });

  it.each([
    ['an @', 'https://ann:se@cr@et@host.example/a'],
    ['an escaped slash', 'https://ann:se%2Fcr%40et@host.example/a'],
    ['a backslash', 'https://ann:se\\cret@host.example/a'],
    ['a slash', 'https://ann:se/cr/et@host.example/a'],
    ['digits and a slash', 'https://ann:1se/cret@host.example/a'],
    ['a slash at its beginning', 'https://ann:/secret@host.example/a'],
    ['a question mark', 'https://ann:se?cret@host.example/a'],
    ['a hash', 'https://ann:se#cret@host.example/a'],
    ['a question mark and a slash', 'https://ann:se?cr/et@host.example/a'],
    ['a line break', 'https://ann:se\ncr/et@host.example/a'],
  ])('holds nothing of a password with %s', (_, address) => {
    expect(withoutLogin(address)).toBe('https://host.example/a');
  });

  it.each([
    'https://host.example/a@b',
    'https://host.example:8443/a@b',
    'https://host.example/a?mail=ann@host.example#x@y',
    'https://[::1]:8080/a@b',
    's3://bucket/a//b@c',
    's3://bucket/10:30@noon.tif',
    'oci://host:5000/prefix/name@sha256:00',
    'file:///data/a@b',
    'file:///C:/a@b',
    '/data//a@b',
    'data//a@b',
    './grid@2',
    'database:name@x',
    'git@host.example:ann/repository.git',
    'store',
    '',
  ])('is %s itself, where there is none', (address) => {
    expect(withoutLogin(address)).toBe(address);
  });
});
