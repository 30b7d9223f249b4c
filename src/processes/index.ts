/** The table of all processes: descriptions are data (processes/<id>.json), implementations are listed here. */
import { readdir, readFile } from 'node:fs/promises';
import type { Implementation, Process, ProcessRegistry } from '../graph/process.ts';
import type { ProcessDescription } from '../graph/wire.ts';
import { arrayCallbacks } from './array-callbacks.ts';
import { arraySearch } from './array-search.ts';
import { arrays } from './arrays.ts';
import { comparison } from './comparison.ts';
import { constants } from './constants.ts';
import { cubeProcesses } from './cubes/index.ts';
import { cumulatives } from './cumulative.ts';
import { curves } from './curves.ts';
import { dates } from './dates.ts';
import { formerProcesses, withFormerParameters } from './former.ts';
import { logic } from './logic.ts';
import { exponentials, math, rounding } from './math.ts';
import { orderStatistics } from './order-statistics.ts';
import { reducers } from './reducers.ts';
import { sorting } from './sorting.ts';
import { texts } from './texts.ts';
import { trigonometry } from './trigonometry.ts';

/** Processes on numbers, booleans, texts, dates and arrays. All are synchronous and can be used in callbacks. */
export const scalarProcesses: Readonly<Record<string, Implementation>> = {
  ...math, ...exponentials, ...rounding, ...trigonometry, ...constants,
  ...comparison, ...logic,
  ...reducers, ...orderStatistics, ...cumulatives,
  ...arrays, ...arraySearch, ...arrayCallbacks, ...sorting, ...curves,
  ...texts, ...dates,
};

/** Everything this back-end can do. */
export const allProcesses: Readonly<Record<string, Implementation>> = { ...scalarProcesses, ...cubeProcesses };

/** Reads the process descriptions of a folder, sorted by id. Throws when a file is not what its name says. */
export async function loadDescriptions(directory: URL): Promise<ReadonlyMap<string, ProcessDescription>> {
  const files = (await readdir(directory)).filter((name) => name.endsWith('.json')).sort();
  return new Map(await Promise.all(files.map(async (name): Promise<[string, ProcessDescription]> => {
    const description = JSON.parse(await readFile(new URL(name, directory), 'utf8')) as ProcessDescription;
    if (`${description.id}.json` !== name) throw new Error(`processes/${name} describes the process '${description.id}'.`);
    return [description.id, description];
  })));
}

/**
 * Brings descriptions and implementations together. A process needs both: throws for an implementation
 * without description; descriptions without implementation are left out.
 */
export function createRegistry(
  descriptions: ReadonlyMap<string, ProcessDescription>, implementations: Readonly<Record<string, Implementation>>,
): ProcessRegistry {
  const registry = new Map(Object.entries(implementations).sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, implementation]): [string, Process] => {
    const description = descriptions.get(id);
    if (!description) throw new Error(`The process '${id}' has no description.`);
    return [id, withFormerParameters({ ...implementation, description })];
  }));
  return Object.assign(registry, { former: formerProcesses(registry) });
}
