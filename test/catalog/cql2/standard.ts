/**
 * For tests: what the standard itself has (OGC 21-065r2): its examples as text and as JSON, the filters of its
 * abstract tests, and filters whose answers another implementation found with a database of another kind. The crate
 * `cql2` carries them; cargo fetches its archive (.ci/run), and nothing of it is kept in this repository.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const CRATE = 'cql2-0.6.0';

/** Where cargo unpacked the crate; null where it did not. */
function folder(): string | null {
  const sources = join(process.env['CARGO_HOME'] ?? join(homedir(), '.cargo'), 'registry', 'src');
  const found = existsSync(sources) ? readdirSync(sources).map((registry) => join(sources, registry, CRATE)).find((path) => existsSync(join(path, 'examples', 'text'))) : undefined;
  return found ?? null;
}

export interface Example {
  /** 'clause7_02', 'example36-alt01': several texts may have one JSON. */
  readonly name: string;
  readonly text: string;
  readonly json: unknown;
}

export interface Answered {
  readonly text: string;
  /** Ids of the places that it finds. */
  readonly found: readonly string[];
}

export interface Place {
  readonly id: string;
  readonly geometry: { readonly type: string; readonly coordinates: number[][][] };
  readonly properties: Readonly<Record<string, unknown>>;
}

export interface Standard {
  readonly examples: readonly Example[];
  /** [conformance class, filter] */
  readonly abstractTests: readonly (readonly [string, string])[];
  readonly places: readonly Place[];
  readonly answered: readonly Answered[];
}

/** Their places call it otherwise. */
const ours = (text: string) => text.replace(/\bgeom\b/g, 'geometry');

/** null where the crate is not there. */
export function readStandard(): Standard | null {
  const crate = folder();
  if (crate === null) return null;
  const read = (...path: string[]) => readFileSync(join(crate, ...path), 'utf8');
  const examples = readdirSync(join(crate, 'examples', 'text')).toSorted().map((file): Example => {
    const name = file.replace('.txt', '');
    return { name, text: read('examples', 'text', file), json: JSON.parse(read('examples', 'json', `${name.replace(/-alt\d+$/, '')}.json`)) as unknown };
  });
  const abstractTests = read('tests', 'ats', 'expressions.txt').split('\n').filter((line) => /^[^#].*\|/.test(line)).map((line) => [line.slice(0, line.indexOf('|')), ours(line.slice(line.indexOf('|') + 1))] as const);
  const places = read('tests', 'cql2testdata.ndjson').trim().split('\n').map((line): Place => {
    const { geom, ...properties } = JSON.parse(line) as { geom: Place['geometry']; intfield: number };
    return { id: String(properties.intfield), geometry: geom, properties };
  });
  const lines = read('tests', 'operators_expected.txt').trimEnd().split('\n');
  const answered = lines.flatMap((line, i): Answered[] => (i % 2 === 0 ? [{ text: ours(line), found: (lines[i + 1] ?? '').split(' ').filter((id) => id !== '') }] : []));
  return { examples, abstractTests, places, answered };
}
