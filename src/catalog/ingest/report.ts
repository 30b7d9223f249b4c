/** What an ingest is asked to do and what it tells afterwards. */
import type { Log } from '../../log.ts';
import type { RasterOpener } from '../read-asset.ts';
import type { CatalogStore } from '../store.ts';

export interface IngestRequest {
  /** Folders, GeoTIFF files, STAC JSON files, or one or more STAC URLs. */
  readonly sources: readonly string[];
  /** Id of the collection; made when it does not exist. */
  readonly collection: string;
  /** Band names for files that have none of their own, in file order. */
  readonly bands?: readonly string[];
  /** For files with no date in name or tags. RFC 3339 instant or date. */
  readonly datetime?: string;
  readonly title?: string;
  readonly description?: string;
  readonly keywords?: readonly string[];
  /** SPDX expression; 'other' when not given. */
  readonly license?: string;
  /** Items taken from a STAC API at most; default 1000. */
  readonly limit?: number;
}

export interface IngestDependencies {
  readonly store: CatalogStore;
  readonly rasters: RasterOpener;
  readonly log: Log;
}

export interface Refusal {
  /** Path or URL as found, or the id of an acquisition or item. */
  readonly source: string;
  /** Why it is not in the collection, in words for the person who ran the ingest. */
  readonly reason: string;
}

export interface IngestReport {
  readonly collection: string;
  /** Items of this ingest, new or not. */
  readonly items: number;
  /** Those that are new or differ from before. */
  readonly changed: number;
  readonly assets: number;
  readonly bands: readonly string[];
  readonly crs: readonly string[];
  /** First and last instant; null without items. */
  readonly interval: readonly [string, string] | null;
  readonly refused: readonly Refusal[];
  readonly warnings: readonly string[];
}
