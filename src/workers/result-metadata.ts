/** The STAC metadata of a result that only the worker knows: where, when, and what it was made of. */
import type { Cube } from '../cube/cube.ts';
import { findGeometries } from '../cube/geometries.ts';
import { boxInDegrees } from '../geo/bbox.ts';
import { outlineOf } from '../geo/outline.ts';
import type { ProcessGraph } from '../graph/wire.ts';
import type { JobResult, StoredFile } from '../jobs/results.ts';
import { embeddingProperties } from '../layers/embedding-properties.ts';
import { usedExtensions } from '../layers/extensions.ts';
import type { OperatorRegistry } from '../operators/operator.ts';

/** A cube that save_result has written. */
export interface SavedCube {
  readonly cube: Cube;
  readonly origin: ProcessGraph;
  /** What became of it, when it is written. */
  readonly written?: { readonly format: string; readonly dtype: string; readonly samples: number; readonly bytes: number };
}

/** Links name their targets as 'item:<collection>/<item>'; the API makes URLs of them. */
export function describeResult(files: readonly StoredFile[], saved: readonly SavedCube[], operators: OperatorRegistry, now = new Date()): JobResult {
  const places = saved.map(({ cube }) => placeOf(cube)).filter((place) => place !== null);
  const embedded = saved.find(({ cube }) => cube.attributes.operator !== undefined);
  const computed = now.toISOString();
  const sources = [...new Set(saved.flatMap(({ cube }) => cube.attributes.sources ?? []))].sort();
  const properties = {
    ...instants(saved),
    ...(embedded
      ? embeddingProperties(operators.resolve(embedded.cube.attributes.operator!), embedded.cube.attributes.encoding ?? 'float32', embedded.origin, computed)
      : { 'processing:datetime': computed, 'processing:software': { lamina: '0.1.0' } }),
  };
  return {
    files,
    properties,
    bbox: unionBox(places.map(({ bbox }) => bbox)),
    // Of several places the API shows the box.
    geometry: places.length === 1 ? places[0]!.geometry : null,
    links: sources.map((source) => ({ rel: 'derived_from', href: /^https?:/.test(source) ? source : `item:${source}`, type: 'application/geo+json', title: source })),
    stacExtensions: usedExtensions(properties, files.map((file) => file.metadata)),
  };
}

interface Place {
  readonly bbox: readonly [number, number, number, number];
  /** null: the box itself. */
  readonly geometry: JobResult['geometry'];
}

/** Where a cube lies: its grid, or its geometries. */
function placeOf(cube: Cube): Place | null {
  if (cube.grid) return { bbox: boxInDegrees(cube.grid), geometry: null };
  const found = findGeometries(cube);
  return found ? outlineOf(found.geometries.shapes, found.geometries.crs) : null;
}

function unionBox(boxes: readonly (readonly [number, number, number, number])[]): number[] | null {
  if (boxes.length === 0) return null;
  const column = (i: number) => boxes.map((b) => b[i]!);
  return [Math.min(...column(0)), Math.min(...column(1)), Math.max(...column(2)), Math.max(...column(3))];
}

function instants(saved: readonly SavedCube[]): Record<string, string | null> {
  const labels = saved.flatMap(({ cube }) => (cube.find('temporal')?.labels ?? []).map(String)).map((label) => new Date(label)).filter((date) => !Number.isNaN(date.getTime()));
  if (labels.length === 0) return {};
  const times = labels.map((date) => date.toISOString().replace('.000Z', 'Z')).sort();
  if (times[0] === times.at(-1)) return { datetime: times[0]! };
  return { datetime: null, start_datetime: times[0]!, end_datetime: times.at(-1)! };
}
