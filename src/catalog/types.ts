/** STAC 1.1 objects as far as the catalog looks into them; everything else passes through untouched. */

export interface StacLink {
  readonly rel: string;
  readonly href: string;
  readonly type?: string;
  readonly title?: string;
  readonly method?: string;
  readonly body?: unknown;
  readonly merge?: boolean;
  readonly [key: string]: unknown;
}

export interface StacBand {
  readonly name?: string;
  readonly description?: string;
  readonly [key: string]: unknown;
}

export interface StacAsset {
  /** Stored items: 'file:///…', http(s) URL, or 'object:<key>' in the object store. Never leaves the service like that. */
  readonly href: string;
  readonly type?: string;
  readonly title?: string;
  readonly roles?: readonly string[];
  readonly bands?: readonly StacBand[];
  readonly [key: string]: unknown;
}

export interface StacItem {
  readonly type: 'Feature';
  readonly stac_version: '1.1.0';
  readonly stac_extensions: readonly string[];
  readonly id: string;
  readonly collection: string;
  readonly geometry: { readonly type: string; readonly coordinates: unknown } | null;
  readonly bbox: readonly number[];
  readonly properties: { readonly datetime: string | null; readonly [key: string]: unknown };
  readonly links: readonly StacLink[];
  readonly assets: Readonly<Record<string, StacAsset>>;
}

export interface StacCollection {
  readonly type: 'Collection';
  readonly stac_version: '1.1.0';
  readonly stac_extensions: readonly string[];
  readonly id: string;
  readonly title?: string;
  readonly description: string;
  readonly keywords?: readonly string[];
  readonly license: string;
  readonly extent: {
    readonly spatial: { readonly bbox: readonly (readonly number[])[] };
    readonly temporal: { readonly interval: readonly (readonly [string | null, string | null])[] };
  };
  readonly summaries: Readonly<Record<string, unknown>>;
  readonly 'cube:dimensions': Readonly<Record<string, unknown>>;
  readonly bands?: readonly StacBand[];
  readonly links: readonly StacLink[];
  readonly [key: string]: unknown;
}
