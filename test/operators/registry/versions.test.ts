/** Which version a word means. */
import { describe, expect, it } from 'vitest';
import { chooseVersion, compareVersions, isPrerelease, isTag, isVersion, newest } from '../../../src/operators/registry/versions.ts';

const digest = `sha256:${'0'.repeat(64)}`;
const list = (...versions: string[]) => versions.map((version) => (version.startsWith('!') ? { version: version.slice(1), digest, isYanked: true } : { version, digest }));

describe('the order of versions', () => {
  // The example of semver.org, item 11.
  const rising = ['1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-alpha.beta', '1.0.0-beta', '1.0.0-beta.2', '1.0.0-beta.11', '1.0.0-rc.1', '1.0.0', '1.9.0', '1.10.0', '2.0.0-rc1', '2.0.0', '10.0.0', '99999999999999999999.0.0'];

  it('is that of semver.org', () => {
    for (const [i, a] of rising.entries()) for (const [j, b] of rising.entries()) expect(Math.sign(compareVersions(a, b)), `${a} and ${b}`).toBe(Math.sign(i - j));
    expect(newest(rising.toReversed().map((version) => ({ version })))).toEqual({ version: '99999999999999999999.0.0' });
    expect(newest([])).toBeUndefined();
  });

  it('puts what is no version first', () => {
    expect(Math.sign(compareVersions('latest', '0.0.1'))).toBe(-1);
    expect(compareVersions('x', 'y')).toBe(0);
  });
});

it.each(['1.2.3', '0.0.0', '1.0.0-rc.1', '1.0.0-0a', '1.0.0+build'])('%s is a version', (text) => expect(isVersion(text)).toBe(true));
it.each(['1', '1.2', '01.2.3', '1.2.3-', 'v1.2.3', '1.2.3.4', '', 'latest', '1.2.x'])("'%s' is no version", (text) => expect(isVersion(text)).toBe(false));
it.each(['latest', 'stable', 'Next-1', 'v1'])('%s may be a tag', (text) => expect(isTag(text)).toBe(true));
it.each(['1', '1.2.3', '', '-x', '../x', 'a/b', 'x'.repeat(65)])("'%s' can't be a tag", (text) => expect(isTag(text)).toBe(false));
it('knows pre-releases', () => expect(['1.0.0', '1.0.0-rc1'].map(isPrerelease)).toEqual([false, true]));

describe('choosing', () => {
  const versions = list('1.9.0', '1.10.0', '2.0.0-rc1', '0.3.1', '1.10.1-beta', '!1.11.0');
  const tags = { latest: '1.10.0', next: '2.0.0-rc1', gone: '7.0.0', bad: '1.11.0' };

  it.each([
    [undefined, '1.10.0'], ['latest', '1.10.0'], ['1', '1.10.0'], ['1.9', '1.9.0'], ['1.10', '1.10.0'], ['1.9.0', '1.9.0'], ['2.0.0-rc1', '2.0.0-rc1'],
    ['1.10.1-beta', '1.10.1-beta'], ['0', '0.3.1'], ['0.3', '0.3.1'], ['next', '2.0.0-rc1'], ['1.11.0', '1.11.0'],
    ['2', undefined], ['2.0', undefined], ['1.1', undefined], ['1.11', undefined], ['3', undefined], ['1.9.1', undefined], ['gone', undefined], ['bad', undefined], ['unknown', undefined],
    ['1.9.0-rc1', undefined], ['toString', undefined], ['__proto__', undefined],
  ])('%s means %s', (wanted, expected) => expect(chooseVersion(versions, tags, wanted)?.version).toBe(expected));

  it('goes where the tag points, also back', () => {
    expect(chooseVersion(versions, { latest: '1.9.0' })?.version).toBe('1.9.0');
  });

  it('goes to the newest release without a tag, or when the tag points at a yanked version', () => {
    expect(chooseVersion(versions, {})?.version).toBe('1.10.0');
    expect(chooseVersion(versions, { latest: '1.11.0' })?.version).toBe('1.10.0');
    expect(chooseVersion(list('1.0.0-rc1'), {})).toBeUndefined();
    expect(chooseVersion([], {})).toBeUndefined();
  });
});
