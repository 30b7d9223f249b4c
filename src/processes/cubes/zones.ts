/**
 * Reads the pixels of zones block by block and reduces them. Zones are worked off in groups of neighbours
 * whose pixels fit into memory together; within a group each block of the raster is read once, however
 * many zones lie in it.
 */
import { createNullBlock, product, type Block, type Window } from '../../cube/block.ts';
import type { Cube } from '../../cube/cube.ts';
import { allocate, type DType, type Samples } from '../../cube/dtype.ts';
import { permute } from '../../cube/permute.ts';
import { spatialAxes, splitWindow, withCells } from '../../cube/window.ts';
import { invalidArgument } from '../../errors.ts';
import type { Coverage, Runs } from '../../geo/coverage.ts';
import type { CellWindow } from '../../geo/grid.ts';
import { MAX_SAMPLES } from './kernels.ts';
import type { ZoneKernels } from './zone-kernels.ts';

/** Labels of the dimension of counts. */
export const ZONE_FACTS = ['value', 'total_count', 'valid_count'] as const;

const USUAL_BLOCK = 512;
/** Pixels of a zone come in pieces of so many samples, unless that makes the pieces too small. */
const READ_SAMPLES = 2 ** 21;
const SMALLEST_EDGE = 128;
/** All pixels of a zone are before the reducer at once. */
const MOST_PIXELS = 1 << 27;

interface Zone {
  /** Position on the geometry dimension. */
  readonly index: number;
  readonly runs: Runs;
  readonly pixels: number;
}

/** The pixels of a zone while they come in: for every plane one after the other. */
interface Gathered extends Zone {
  readonly data: Samples;
  nulls: Uint8Array | null;
  filled: number;
}

export class ZoneReader {
  readonly dtype: DType;
  readonly #cube: Cube;
  readonly #coverage: Coverage;
  readonly #kernels: ZoneKernels;
  /** True: the result has a last dimension with the facts of a zone. */
  readonly #withCounts: boolean;
  readonly #axes: { readonly x: number; readonly y: number };
  readonly #edge: number;
  readonly #zones: (Zone | undefined)[] = [];

  constructor(cube: Cube, coverage: Coverage, kernels: ZoneKernels, withCounts: boolean) {
    this.#cube = cube;
    this.#coverage = coverage;
    this.#kernels = kernels;
    this.#withCounts = withCounts;
    this.#axes = spatialAxes(cube.dimensions)!;
    this.#edge = cube.attributes.blockSize ?? USUAL_BLOCK;
    this.dtype = withCounts ? 'float64' : kernels.dtype;
  }

  /** A window of [geometry, the other dimensions, the facts if wanted]. */
  async read(window: Window, signal: AbortSignal): Promise<Block> {
    const out = createNullBlock(this.dtype, window.size);
    const rank = this.#cube.dimensions.length - 1;
    const planes = { start: window.start.slice(1, rank), size: window.size.slice(1, rank) };
    const wanted = Array.from({ length: window.size[0]! }, (_, i) => this.#zone(window.start[0]! + i));
    if (this.#withCounts) for (const { index, pixels } of wanted) if (pixels === 0 && !this.#coverage.isEmpty(index)) countNothing(out, window, index);
    const zones = wanted.filter((zone) => zone.pixels > 0);
    const largest = zones.reduce((most, zone) => Math.max(most, zone.pixels), Math.min(this.#edge ** 2, this.#cube.grid!.width * this.#cube.grid!.height));
    for (const piece of splitWindow(planes, Math.max(1, Math.floor(MAX_SAMPLES / largest)))) {
      const count = product(piece.size);
      for (const group of this.#groups(zones, count)) {
        const gathered = await this.#gather(group, piece, signal);
        for (const zone of gathered) this.#reduce(zone, { out, window, planes, piece });
      }
    }
    return out;
  }

  #zone(index: number): Zone {
    return (this.#zones[index] ??= this.#makeZone(index));
  }

  #makeZone(index: number): Zone {
    const { width, height } = this.#cube.grid!;
    const runs = this.#coverage.runs(index, { x: 0, y: 0, width, height });
    let pixels = 0;
    for (let i = 0; i < runs.length; i += 3) pixels += runs[i + 2]! - runs[i + 1]!;
    if (pixels > MOST_PIXELS) throw invalidArgument('aggregate_spatial', 'geometries', `geometry ${index} holds ${pixels} pixels, more than the ${MOST_PIXELS} that can be aggregated at once; divide it, or load the data at a coarser resolution`);
    return { index, runs, pixels };
  }

  /** Neighbours together, as many as fit into memory. */
  * #groups(zones: readonly Zone[], planes: number): Generator<Zone[]> {
    const block = (zone: Zone) => Math.floor(zone.runs[0]! / this.#edge) * 1e6 + Math.floor(zone.runs[1]! / this.#edge);
    let group: Zone[] = [];
    let samples = 0;
    for (const zone of zones.toSorted((a, b) => block(a) - block(b))) {
      if (group.length > 0 && samples + zone.pixels * planes > MAX_SAMPLES) {
        yield group;
        [group, samples] = [[], 0];
      }
      group.push(zone);
      samples += zone.pixels * planes;
    }
    if (group.length > 0) yield group;
  }

  async #gather(zones: readonly Zone[], piece: Window, signal: AbortSignal): Promise<Gathered[]> {
    const planes = product(piece.size);
    const gathered = zones.map((zone): Gathered => ({ ...zone, data: allocate(this.#cube.dtype, zone.pixels * planes), nulls: null, filled: 0 }));
    for (const [cells, members] of tilesOf(gathered, this.#edgeFor(planes))) {
      signal.throwIfAborted();
      const block = await this.#readCells(cells, piece, signal);
      for (const { zone, runs } of members) addRuns(zone, runs, block, cells, planes);
    }
    return gathered;
  }

  /** A part of a block where a whole one would hold many dates. */
  #edgeFor(planes: number): number {
    let edge = this.#edge;
    while (edge / 2 >= SMALLEST_EDGE && edge ** 2 * planes > READ_SAMPLES) edge /= 2;
    return edge;
  }

  /** The cells as [planes, height, width]. */
  async #readCells(cells: CellWindow, piece: Window, signal: AbortSignal): Promise<Block> {
    const { x, y } = this.#axes;
    const others = this.#cube.dimensions.map((_, i) => i).filter((i) => i !== x && i !== y);
    const place = (list: readonly number[]) => this.#cube.dimensions.map((_, i) => list[others.indexOf(i)] ?? 0);
    const window = withCells({ start: place(piece.start), size: place(piece.size) }, x, y, cells);
    return permute(await this.#cube.read(window, signal), [...others, y, x]);
  }

  #reduce({ index, data, nulls, pixels }: Gathered, { out, window, planes, piece }: Target): void {
    const count = product(piece.size);
    const result = this.#kernels.run(data, nulls, count, pixels);
    const places = placesOf(planes, piece);
    const width = this.#withCounts ? ZONE_FACTS.length : 1;
    const row = (index - window.start[0]!) * places.total;
    const facts = this.#withCounts ? { first: window.start.at(-1)!, size: window.size.at(-1)! } : { first: 0, size: 1 };
    for (let plane = 0; plane < count; plane++) {
      const values = width === 1 ? [null] : [null, pixels, validCount(data, nulls, plane * pixels, pixels)];
      for (let k = 0; k < facts.size; k++) {
        const fact = facts.first + k;
        const at = (row + places.at(plane)) * facts.size + k;
        const isNull = fact === 0 && result.nulls?.[plane] === 1;
        out.data[at] = fact === 0 ? result.data[plane]! : values[fact]!;
        out.nulls![at] = isNull ? 1 : 0;
      }
    }
  }
}

/** A geometry that meets no pixel has no value, but counts, and these are zero. */
function countNothing({ data, nulls }: Block, { start, size }: Window, index: number): void {
  const [facts, zone] = [size.at(-1)!, product(size.slice(1))];
  for (let at = (index - start[0]!) * zone; at < (index - start[0]! + 1) * zone; at++) {
    if (start.at(-1)! + (at % facts) === 0) continue;
    data[at] = 0;
    nulls![at] = 0;
  }
}

interface Target {
  readonly out: Block;
  readonly window: Window;
  /** The window of the other dimensions, and the part of it that is being worked off. */
  readonly planes: Window;
  readonly piece: Window;
}

/** Row-major positions of the planes of a piece in the whole. */
function placesOf(planes: Window, piece: Window): { readonly total: number; readonly at: (plane: number) => number } {
  const total = product(planes.size);
  const at = (plane: number) => {
    let [rest, step, place] = [plane, 1, 0];
    for (let i = piece.size.length - 1; i >= 0; i--) {
      place += ((rest % piece.size[i]!) + piece.start[i]! - planes.start[i]!) * step;
      rest = Math.floor(rest / piece.size[i]!);
      step *= planes.size[i]!;
    }
    return place;
  };
  return { total, at };
}

/** Numbers that can be computed with (is_valid). */
function validCount(data: Samples, nulls: Uint8Array | null, from: number, length: number): number {
  let count = 0;
  for (let i = from; i < from + length; i++) if (nulls?.[i] !== 1 && Number.isFinite(data[i])) count++;
  return count;
}

interface Member {
  readonly zone: Gathered;
  /** The part of the zone in the block. */
  readonly runs: readonly number[];
}

/** The blocks that zones lie in, each cut to what is needed of it, with the runs of the zones there. */
function tilesOf(zones: readonly Gathered[], edge: number): [CellWindow, Member[]][] {
  const tiles = new Map<string, { tile: [number, number]; members: Map<Gathered, number[]> }>();
  for (const zone of zones) {
    const { runs } = zone;
    for (let i = 0; i < runs.length; i += 3) {
      const [row, start, end] = [runs[i]!, runs[i + 1]!, runs[i + 2]!];
      for (let column = Math.floor(start / edge); column * edge < end; column++) {
        const tile: [number, number] = [column, Math.floor(row / edge)];
        const key = tile.join(' ');
        const entry = tiles.get(key) ?? { tile, members: new Map<Gathered, number[]>() };
        tiles.set(key, entry);
        const list = entry.members.get(zone) ?? [];
        entry.members.set(zone, list);
        list.push(row, Math.max(start, column * edge), Math.min(end, (column + 1) * edge));
      }
    }
  }
  const order = [...tiles.values()].sort((a, b) => a.tile[1] - b.tile[1] || a.tile[0] - b.tile[0]);
  return order.map(({ members }) => [boxOfRuns([...members.values()]), [...members].map(([zone, runs]) => ({ zone, runs }))]);
}

function boxOfRuns(lists: readonly (readonly number[])[]): CellWindow {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const runs of lists) {
    for (let i = 0; i < runs.length; i += 3) {
      [top, bottom] = [Math.min(top, runs[i]!), Math.max(bottom, runs[i]! + 1)];
      [left, right] = [Math.min(left, runs[i + 1]!), Math.max(right, runs[i + 2]!)];
    }
  }
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** Copies the runs of a zone out of a block, plane by plane. */
function addRuns(zone: Gathered, runs: readonly number[], { data, nulls }: Block, cells: CellWindow, planes: number): void {
  if (nulls) zone.nulls ??= new Uint8Array(zone.data.length);
  const planeSize = cells.width * cells.height;
  for (let i = 0; i < runs.length; i += 3) {
    const length = runs[i + 2]! - runs[i + 1]!;
    const from = (runs[i]! - cells.y) * cells.width + runs[i + 1]! - cells.x;
    for (let plane = 0; plane < planes; plane++) {
      const [source, target] = [plane * planeSize + from, plane * zone.pixels + zone.filled];
      zone.data.set(data.subarray(source, source + length), target);
      if (nulls) zone.nulls!.set(nulls.subarray(source, source + length), target);
    }
    zone.filled += length;
  }
}
