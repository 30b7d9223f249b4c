/** What is drawn on a map tile. Travels on the tile queue. */
import type { TileAddress } from './tile-grid.ts';

export interface TileView extends TileAddress {
  readonly collection: string;
  /** RFC 3339 interval; null: the newest data. */
  readonly interval: readonly [string | null, string | null] | null;
  /** One band (dimension) drawn by a colormap, or three as red, green and blue; null: PCA colours of embeddings, true colour, else the first band. */
  readonly bands: readonly string[] | null;
  /** Values drawn black and white; null: those stored with the layer, or chosen by the data type. */
  readonly range: readonly [number, number] | null;
  /** For a single band; absent: grey. */
  readonly colormap?: string;
}
