/** What an ingest is asked to do and what it tells afterwards. */
import type { Log } from '../../log.ts';
import type { RasterOpener } from '../read-asset.ts';
import type { CatalogStore } from '../store.ts';
import type { BulkDependencies } from '../bulk/bulk-ingest.ts';
import type { ObjectStore } from '../../storage/object-store.ts';

export interface IngestRequest {
  /** Folders, GeoTIFF files, STAC JSON files, NDJSON, stac-geoparquet, s3:// prefixes with such files, or one or more STAC URLs. */
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
  /** Items taken at most; default 1000 from a STAC API, of files all. */
  readonly limit?: number;
}

export interface IngestDependencies {
  readonly store: CatalogStore;
  readonly rasters: RasterOpener;
  readonly log: Log;
  /** For files of many items; absent: they are checked, and an interrupted ingest begins anew. */
  readonly bulk?: Omit<BulkDependencies, 'store'>;
  /** For s3:// prefixes. */
  readonly buckets?: Buckets;
}

/** The buckets that an ingest may read. */
export interface Buckets {
  open(bucket: string): Promise<ObjectStore>;
  /** Takes in GeoTIFF objects of a bucket; gives the refusals. */
  ingestRaster(bucket: string, key: string, request: IngestRequest): Promise<{ readonly did: 'ingested' | 'unchanged' | 'refused'; readonly reason?: string }>;
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
