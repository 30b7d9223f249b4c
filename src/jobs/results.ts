/** Files of a result: where they are and what is known about them. */

/** A file of a result in the object store. */
export interface StoredFile {
  readonly objectKey: string;
  /** The name a client sees, unique within the result; also the key of the asset. */
  readonly name: string;
  readonly mediaType: string;
  readonly roles: readonly string[];
  readonly sizeBytes: number;
  /** STAC 1.1 fields of the asset: bands, proj:…, raster:… */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Set when the file holds one date of several. RFC 3339. */
  readonly datetime?: string;
}

/** What a finished run left behind. */
export interface JobResult {
  readonly files: readonly StoredFile[];
  /**
   * Fields of the result's STAC document that only the worker knows: bbox, geometry, datetime,
   * start_datetime, end_datetime, emb:*, processing:*. They become properties of the item or collection.
   */
  readonly properties: Readonly<Record<string, unknown>>;
  /** [west, south, east, north] in WGS 84; null without a place. */
  readonly bbox: readonly number[] | null;
  /** GeoJSON; null: the rectangle of bbox. */
  readonly geometry: { readonly type: string; readonly coordinates?: unknown } | null;
  /** STAC links such as derived_from. */
  readonly links: readonly { readonly rel: string; readonly href: string; readonly [key: string]: unknown }[];
  /** Schemas of the STAC extensions that `properties` and the files' metadata use. */
  readonly stacExtensions: readonly string[];
}

/** Before there is any file. */
export const noResult: JobResult = { files: [], properties: {}, bbox: null, geometry: null, links: [], stacExtensions: [] };
