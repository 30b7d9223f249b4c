/** docs/openeo-profile.md has every requirement of openEO's profiles, and names tests that there are. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const requirements = new URL('../../../shared/spec/openeo/profiles/api-requirements.json', import.meta.url);
const page = readFileSync(new URL('../../docs/openeo-profile.md', import.meta.url), 'utf8');

interface Row {
  readonly number: number;
  readonly profile: string;
  readonly status: string;
  readonly proofs: readonly { readonly file: string; readonly title: string }[];
  /** What is said besides. */
  readonly note: string;
}

const rows: Row[] = [...page.matchAll(/^\| (\d+) \| ([^|]+) \| [^|]+ \| ([^|]+) \| (.*) \|$/gm)].map(([, number, profile, status, shown]) => ({
  number: Number(number), profile: profile!, status: status!,
  proofs: [...shown!.matchAll(/`([^`]+\.test\.ts)` "([^"]+)"/g)].map(([, file, title]) => ({ file: file!, title: title! })),
  note: shown!.split(/"\. /)[1] ?? '',
}));

const counted: Readonly<Record<string, number>> = Object.fromEntries([...page.matchAll(/^\| ([a-z ]+): [^|]+ \| (\d+) \|$/gm)].map(([, status, count]) => [status!, Number(count)]));

describe('the page of the profiles', () => {
  if (!existsSync(requirements)) it.skip(`skipped: ${requirements.pathname} is absent`, () => {});
  else it('has every requirement once, under its profile', () => {
    const wanted = new Map<number, Set<string>>();
    for (const { nr, level } of JSON.parse(readFileSync(requirements, 'utf8')) as { nr: number; level: string }[]) wanted.set(nr, (wanted.get(nr) ?? new Set()).add(level));
    expect(rows.map(({ number }) => number).toSorted((a, b) => a - b)).toEqual([...wanted.keys()].toSorted((a, b) => a - b));
    for (const { number, profile } of rows) {
      // 'L1B' and 'L3-FS' are parts of L1 and L3.
      const levels = profile.split(', ').map((level) => level.slice(0, 2));
      expect([number, new Set(levels)]).toEqual([number, wanted.get(number)]);
    }
  });

  it('has 235 requirements, and counts them rightly', () => {
    expect(rows).toHaveLength(235);
    expect(Object.values(counted).reduce((sum, count) => sum + count, 0)).toBe(235);
    for (const [status, count] of Object.entries(counted)) expect([status, rows.filter((row) => row.status === status).length]).toEqual([status, count]);
  });

  it('names tests that there are', () => {
    const sources = new Map<string, string>();
    const read = (file: string) => sources.get(file) ?? sources.set(file, existsSync(new URL(`../${file}`, import.meta.url)) ? readFileSync(new URL(`../${file}`, import.meta.url), 'utf8') : '').get(file)!;
    const unknown = rows.flatMap(({ number, proofs }) => proofs.filter(({ file, title }) => !read(file).includes(`('${title.replaceAll('\'', '\\\'')}'`)).map(({ file, title }) => `${number}: ${file} has no test "${title}"`));
    expect(unknown).toEqual([]);
  });

  it('has a test for each, and a reason for what is not simply met', () => {
    for (const { number, status, proofs, note } of rows) {
      expect(proofs.length, String(number)).toBeGreaterThan(0);
      if (status !== 'yes') expect(note.length, String(number)).toBeGreaterThan(10);
    }
  });
});
