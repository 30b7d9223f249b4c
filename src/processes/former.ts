/**
 * What processes and parameters were called in versions 1.0 to 1.2 of the openEO processes. Graphs that
 * were written for them run; nothing lists the old names.
 *
 * Behaviour that changed without a new name can't be told from a graph, so it is today's: all([]) and
 * any([]), is_nan of what is no number, array_modify's default `length`, comparisons of dates.
 */
import type { FormerParameter, Implementation, Process } from '../graph/process.ts';
import type { ProcessDescription } from '../graph/wire.ts';
import { loadResult } from './cubes/load-result.ts';

/** Former id → today's. */
const processes: Readonly<Record<string, string>> = {
  create_raster_cube: 'create_data_cube',
  debug: 'inspect',
  text_merge: 'text_concat',
};

/** Process → former parameter → today's, and how a former value is written today. */
const parameters: Readonly<Record<string, Readonly<Record<string, FormerParameter>>>> = {
  apply_polygon: { polygons: { today: 'geometries' } },
  climatological_normal: { climatology_period: { today: 'climatology_period', adapt: yearsAsNumbers } },
};

/** Processes that are no more and can be had by another one: description and implementation are made from its. */
const successors: Readonly<Record<string, { readonly of: string; readonly implementation: Implementation; readonly replaces: ProcessDescription['parameters'][number] }>> = {
  load_result: {
    of: 'load_stac',
    implementation: loadResult,
    replaces: { name: 'id', description: 'A batch job, or the URL of results.', schema: { type: 'string', minLength: 1 } },
  },
};

/** '1981' → 1981. */
function yearsAsNumbers(value: unknown): unknown {
  const isYears = Array.isArray(value) && value.every((year) => typeof year === 'string' && /^\d{4}$/.test(year));
  return isYears ? value.map(Number) : value;
}

/** Adds to a process what its parameters were called. */
export function withFormerParameters(process: Process): Process {
  const { id } = process.description;
  return Object.hasOwn(parameters, id) ? { ...process, formerParameters: new Map(Object.entries(parameters[id]!)) } : process;
}

/** Former ids → processes, of those that there are. */
export function formerProcesses(known: ReadonlyMap<string, Process>): ReadonlyMap<string, Process> {
  const renamed = Object.entries(processes).flatMap(([id, today]): [string, Process][] => (known.has(today) ? [[id, known.get(today)!]] : []));
  const succeeded = Object.entries(successors).flatMap(([id, { of, implementation, replaces }]): [string, Process][] => {
    const description = known.get(of)?.description;
    return description ? [[id, { ...implementation, description: { ...description, id, parameters: [replaces, ...description.parameters.slice(1)] } }]] : [];
  });
  return new Map([...renamed, ...succeeded]);
}
