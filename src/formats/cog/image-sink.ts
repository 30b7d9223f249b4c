/** One file that tiles are added to: compressed into a spool, counted, and written as a TIFF at the end. */
import type { Samples } from '../../cube/dtype.ts';
import { StatisticsGatherer } from '../statistics.ts';
import type { Compressing } from './compressing.ts';
import { imageFields, type ImageFacts } from './image-fields.ts';
import type { LevelSize } from './pyramid.ts';
import { encodeTile } from './tile-encoder.ts';
import { TileSpool } from './tile-spool.ts';
import { writeTiff } from './tiff-file.ts';

export type SinkFacts = Omit<ImageFacts, 'statistics' | 'hasNodata'>;

/** Place of a tile in the pyramid. */
export interface TilePlace {
  readonly level: number;
  readonly column: number;
  readonly row: number;
}

export class ImageSink {
  readonly path: string;
  readonly #facts: SinkFacts;
  readonly #levels: readonly LevelSize[];
  readonly #spool: TileSpool;
  readonly #compressing: Compressing;
  readonly #statistics: readonly StatisticsGatherer[];

  private constructor(path: string, facts: SinkFacts, levels: readonly LevelSize[], spool: TileSpool, compressing: Compressing) {
    this.path = path;
    this.#facts = facts;
    this.#levels = levels;
    this.#spool = spool;
    this.#compressing = compressing;
    this.#statistics = facts.bands.map(() => new StatisticsGatherer());
  }

  /** Creates the spool beside `path`; `remove` deletes it. */
  static async create(path: string, facts: SinkFacts, levels: readonly LevelSize[], compressing: Compressing): Promise<ImageSink> {
    const spool = await TileSpool.create(`${path}.spool`, levels, facts.tileSize, facts.isPlanar ? facts.bands.length : 1);
    return new ImageSink(path, facts, levels, spool, compressing);
  }

  /** Takes the samples [bands, size, size] of a tile; those of level 0 make the statistics. */
  async add(place: TilePlace, samples: Samples, nulls: Uint8Array | null): Promise<void> {
    if (place.level === 0) this.#gather(place, samples, nulls);
    const { tileSize, isPlanar, compression, predictor, bands, type } = this.#facts;
    const planes = isPlanar ? bands.length : 1;
    const shape = { size: tileSize, bands: isPlanar ? 1 : bands.length, dtype: type.dtype, compression, predictor };
    const length = samples.length / planes;
    for (let plane = 0; plane < planes; plane++) {
      const part = samples.subarray(plane * length, (plane + 1) * length);
      await this.#compressing.add(async () => this.#spool.add(place.level, plane, place.row, place.column, await encodeTile(part, shape)));
    }
  }

  /** True when a valid sample was NaN. */
  get hasNaN(): boolean {
    return this.#statistics.some((statistics) => statistics.hasNaN);
  }

  /** Smallest and largest stored value seen. */
  range(): [number, number] {
    const known = this.#statistics.map((s) => s.result()).filter((s) => s !== null);
    return [Math.min(...known.map((s) => s.minimum)), Math.max(...known.map((s) => s.maximum))];
  }

  /** Writes the file out of the spool; all compression must be done. */
  async write(hasNodata: boolean, signal: AbortSignal): Promise<ImageFacts> {
    const facts = { ...this.#facts, hasNodata, statistics: this.#statistics.map((s) => s.result()) };
    await writeTiff(this.path, this.#levels.map((size, level) => imageFields(facts, level, size)), this.#spool, signal);
    return facts;
  }

  remove(): Promise<void> {
    return this.#spool.remove();
  }

  #gather(tile: TilePlace, samples: Samples, nulls: Uint8Array | null): void {
    const { tileSize, grid } = this.#facts;
    const width = Math.min(tileSize, grid.width - tile.column * tileSize);
    const height = Math.min(tileSize, grid.height - tile.row * tileSize);
    for (const [band, statistics] of this.#statistics.entries()) {
      for (let row = 0; row < height; row++) {
        const start = (band * tileSize + row) * tileSize;
        statistics.add(samples, nulls, start, start + width);
      }
    }
  }
}
