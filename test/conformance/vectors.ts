/**
 * The test vectors of the openEO processes (../shared/spec/openeo/processes-2.0.0-rc.2/tests), read as
 * values of our own. They are not part of this repository: without them `vectors()` gives nothing and
 * the tests that use it say so and skip.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import JSON5 from 'json5';
import { LabeledArray, type Value } from '../../src/graph/value.ts';
import type { ParameterDescription, ProcessGraph } from '../../src/graph/wire.ts';
import { cubeRepairs } from './cube-vector-defects.ts';
import { repairs, type Repair } from './vector-defects.ts';
import { cubeOf, isCubeVector } from './vector-cubes.ts';

/** The folder of the process specification, null when ../shared is absent. */
export const specFolder = locate('../../../shared/spec/openeo/processes-2.0.0-rc.2/');
export const absent = 'skipped: ../shared/spec/openeo/processes-2.0.0-rc.2 is absent';

export interface Vector {
  readonly process: string;
  /** Position in the file, from 0; names the case in reports. */
  readonly index: number;
  readonly arguments: Readonly<Record<string, Value | { process_graph: ProcessGraph }>>;
  /** Absent when only an exception will do. */
  readonly returns?: unknown;
  /** Name of the exception that is expected or accepted; true: any. */
  readonly throws?: string | true;
  readonly delta: number;
  /** Other processes the case needs. */
  readonly required: readonly string[];
  /** Why the case can't be run as upstream wrote it. */
  readonly skip?: string;
}

interface RawVector {
  readonly arguments: Record<string, unknown>;
  readonly returns?: unknown;
  readonly throws?: string | true;
  readonly delta?: number;
  readonly required?: string[];
}

/** All cases of a process, known defects repaired (see vector-defects.ts); [] when the vectors are absent. */
export function vectors(process: string): Vector[] {
  if (!specFolder || !existsSync(`${specFolder}tests/${process}.json5`)) return [];
  const { tests } = read(`${specFolder}tests/${process}.json5`) as { tests: RawVector[] };
  return tests.map((raw, index) => toVector(process, index, raw));
}

/** A description of a process as upstream wrote it, e.g. to compare ours with. */
export function upstreamDescription(process: string): unknown {
  const path = ['', 'proposals/'].map((folder) => `${specFolder}${folder}${process}.json`).find(existsSync);
  return path === undefined ? undefined : JSON.parse(readFileSync(path, 'utf8'));
}

/**
 * The case as a process of one node. Cubes, labeled arrays and no-data can't be written as JSON, so
 * every argument without a process graph becomes a parameter of the process.
 */
export function toProcess(vector: Vector): { process: { process_graph: ProcessGraph; parameters: ParameterDescription[] }; parameters: Record<string, Value> } {
  const parameters: Record<string, Value> = {};
  const given: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(vector.arguments)) {
    if (hasGraph(value)) given[name] = value;
    else {
      parameters[name] = value as Value;
      given[name] = { from_parameter: name };
    }
  }
  return {
    process: {
      process_graph: { [vector.process]: { process_id: vector.process, arguments: given, result: true } },
      parameters: Object.keys(parameters).map((name) => ({ name, description: name, schema: {} })),
    },
    parameters,
  };
}

function toVector(process: string, index: number, raw: RawVector): Vector {
  const repair: Repair = repairs[process]?.[index] ?? cubeRepairs[process]?.[index] ?? {};
  const mended = repair.mend ? repair.mend(structuredClone(raw)) as RawVector : raw;
  const common = { process, index, delta: mended.delta ?? 1e-10, required: mended.required ?? [] };
  if (repair.skip !== undefined) return { ...common, arguments: {}, skip: repair.skip };
  return {
    ...common,
    arguments: Object.fromEntries(Object.entries(mended.arguments).map(([k, v]) => [k, toArgument(v)])),
    ...('returns' in mended && { returns: mended.returns }),
    ...(mended.throws !== undefined && { throws: mended.throws }),
  };
}

function toArgument(raw: unknown): Value | { process_graph: ProcessGraph } {
  return hasGraph(raw) ? raw as { process_graph: ProcessGraph } : toValue(raw);
}

/** The upstream notation of a value as a value: no-data is null, cubes and labeled arrays are objects of ours. */
export function toValue(raw: unknown): Value {
  if (Array.isArray(raw)) return raw.map(toValue);
  if (raw === null || typeof raw !== 'object') return raw as Value;
  const typed = raw as { type?: unknown; value?: unknown; data?: unknown };
  if (typed.type === 'nodata') return null;
  if (typed.type === 'datetime') return typed.value as string;
  if (typed.type === 'labeled-array') {
    const entries = typed.data as { key: string | number; value: unknown }[];
    return new LabeledArray(entries.map((e) => toValue(e.value)), entries.map((e) => e.key));
  }
  if (isCubeVector(raw)) return cubeOf(raw);
  return Object.fromEntries(Object.entries(raw).map(([k, v]) => [k, toValue(v)]));
}

function hasGraph(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'process_graph' in value;
}

/** Reads a JSON5 file and puts the files it refers to in place of the references. */
function read(path: string): unknown {
  const text = readFileSync(path, 'utf8');
  if (/\.(txt|wkt2)$/.test(path)) return text;
  return JSON5.parse(text, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null) return value;
    // `from_argument` is no reference of openEO; 25 lines of five files write it for from_parameter.
    if ('from_argument' in value) return { from_parameter: value.from_argument };
    // One case of mask names an asset that is absent; its result is that of the xyt file.
    if ('$ref' in value) return read(`${specFolder}tests/${String(value.$ref).replace('xyb-minimal-float', 'xyt-minimal-float')}`);
    return value;
  });
}

function locate(relative: string): string | null {
  const path = fileURLToPath(new URL(relative, import.meta.url));
  return existsSync(path) ? path : null;
}
