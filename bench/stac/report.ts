/** What the benchmark of searches measures of one kind of search, and how it is told. */
import { say, type Figure } from '../harness.ts';
import { ITEMS } from './items.ts';
import { CLIENTS } from './searches.ts';

/** Of one server, one shape and one number of clients. */
export interface Measured {
  readonly p50: number;
  readonly p95: number;
  readonly slowest: number;
  /** Processor time of a search in ms: the API's processes and those of its database. */
  readonly api: number;
  readonly database: number;
}

const ratioOf = (ours: number, theirs: number) => `${(ours / theirs).toFixed(2)}×`;
const cost = ({ api, database }: Measured) => api + database;
const times = ({ p50, p95, slowest }: Measured) => [p50, p95, slowest].map((ms) => ms.toFixed(1)).join(' / ');
const line = (name: string, of: Measured) => `    ${name.padEnd(20)} ${times(of).padEnd(26)} processor ${cost(of).toFixed(1)} (API ${of.api.toFixed(1)}, database ${of.database.toFixed(1)})`;

/** Tells of one shape and one number of clients; of the ratios, p50 and processor time. */
export function tell(shape: string, clients: number, ours: Measured, theirs: Measured | null): void {
  say(`  ${shape}, ${clients} ${clients === 1 ? 'client' : 'clients'}`);
  say(line('ours', ours));
  if (theirs === null) return;
  say(line('stac-fastapi-pgstac', theirs));
  say(`    ${'ratio'.padEnd(20)} p50 ${ratioOf(ours.p50, theirs.p50)}, p95 ${ratioOf(ours.p95, theirs.p95)}, processor ${ratioOf(cost(ours), cost(theirs))}`);
}

/** Rows of the table in docs/performance.md, "Searches". */
export function rows(shape: string, ours: readonly Measured[], theirs: readonly (Measured | null)[]): string {
  const cells = ours.map((mine, i) => {
    const other = theirs[i];
    const pairs = other ? [[mine.p50, other.p50], [mine.p95, other.p95], [cost(mine), cost(other)]] as const : [];
    return other ? pairs.map(([a, b]) => `${a.toFixed(1)} / ${b.toFixed(1)} (${ratioOf(a, b)})`).join(' | ') : `${mine.p50.toFixed(1)} | ${mine.p95.toFixed(1)} | ${cost(mine).toFixed(1)}`;
  });
  return cells.map((cell, i) => `| ${shape} | ${CLIENTS[i]} | ${cell} |`).join('\n');
}

export function figureOf(shape: string, ours: Measured, theirs: Measured | null): Figure {
  return {
    what: `STAC search among ${ITEMS.toLocaleString('en')} items, one client: ${shape}`,
    ours: `${times(ours)} ms (p50 / p95 / slowest)`,
    peer: theirs ? `stac-fastapi-pgstac ${times(theirs)} ms` : '–',
    ratio: theirs ? ratioOf(ours.p50, theirs.p50) : '–',
    goal: 'p50 < 5, p95 < 50 ms',
  };
}
