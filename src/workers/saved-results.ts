/** What save_result nodes of a run have written, known again by the very value that they returned. */
import { invalidArgument } from '../errors.ts';
import type { Cube } from '../cube/cube.ts';
import { footprint } from '../geo/footprint.ts';
import type { ModifyRequest } from '../graph/scope.ts';
import type { ObjectValue, Value } from '../graph/value.ts';
import type { ProcessGraph } from '../graph/wire.ts';
import type { StoredFile } from '../jobs/results.ts';
import { usedExtensions } from '../layers/extensions.ts';
import { mergePatch } from '../catalog/ingest/merge-patch.ts';
import { checkChanges, plainJson, type StacChanges } from './stac-changes.ts';

/** What one save_result node has written. */
export interface SavedResult {
  readonly cube: Cube;
  readonly origin: ProcessGraph;
  readonly files: readonly StoredFile[];
  /** What stac_modify changed, in order. */
  readonly changes?: readonly StacChanges[];
}

export class SavedResults {
  readonly #known = new Map<Value, SavedResult>();

  /** Keeps a result under the STAC Item that stands for it in the process graph, and gives that. */
  keep(id: string, saved: SavedResult): Value {
    const item = savedItem(id, saved);
    this.#known.set(item, saved);
    return item;
  }

  /** Throws ProcessParameterInvalid for what only looks like the value of save_result: no graph can name files that are not its own. */
  get(process: string, data: Value): SavedResult {
    const saved = this.#known.get(data);
    if (saved) return saved;
    throw invalidArgument(process, 'data', 'it must be what save_result or stac_modify returned in the same process graph');
  }

  /** The item with the changes; it stands for the same files, except those that were taken out. */
  modify({ data, changes: given }: ModifyRequest): Value {
    const saved = this.get('stac_modify', data);
    const changes = checkChanges(plainJson(given), saved.files);
    const files = saved.files.filter(({ name }) => changes.assets?.[name] !== null);
    if (files.length === 0) throw invalidArgument('stac_modify', 'changes', 'they take out every file, so that nothing is left');
    const item = mergePatch(data, changes) as ObjectValue;
    this.#known.set(item, { ...saved, files, changes: [...(saved.changes ?? []), changes] });
    return item;
  }
}

function savedItem(id: string, { cube, files }: SavedResult): ObjectValue {
  const outline = cube.grid && footprint(cube.grid);
  const created = new Date().toISOString();
  const properties = { ...timeOf(cube, created), created };
  const assets = Object.fromEntries(files.map((file) => [file.name, {
    href: file.name, type: file.mediaType, roles: file.roles, ...file.metadata, 'file:size': file.sizeBytes, ...(file.datetime === undefined ? {} : { datetime: file.datetime }),
  }]));
  const item = {
    type: 'Feature', stac_version: '1.1.0', stac_extensions: usedExtensions(properties, assets), id,
    geometry: outline?.geometry ?? null, ...(outline && { bbox: outline.bbox }), properties, links: [], assets,
  };
  // A copy: nodes may look at it, and must not reach what belongs to the result.
  return JSON.parse(JSON.stringify(item)) as ObjectValue;
}

/** First and last date of the cube; without dates the time when it was made. */
function timeOf(cube: Cube, now: string): Record<string, string | null> {
  const times = (cube.find('temporal')?.labels ?? []).map((label) => new Date(label)).filter((date) => !Number.isNaN(date.getTime())).map((date) => date.toISOString().replace('.000Z', 'Z')).sort();
  if (times.length === 0) return { datetime: now };
  return times[0] === times.at(-1) ? { datetime: times[0]! } : { datetime: null, start_datetime: times[0]!, end_datetime: times.at(-1)! };
}
