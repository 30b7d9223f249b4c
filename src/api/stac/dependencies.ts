/** What the STAC API is made of. The composition root gives it. */
import type { ItemSource } from '../../catalog/item-source.ts';
import type { StacCollection } from '../../catalog/types.ts';
import type { Log } from '../../log.ts';

/** The catalog store is one. */
export interface CollectionSource {
  /** All collections, raw and virtual, by id. */
  collections(): Promise<readonly StacCollection[]>;
  collection(id: string): Promise<StacCollection | null>;
}

export interface StacDependencies {
  /** URL under which clients reach the router, e.g. 'https://example.org/stac'; no slash at the end. */
  readonly baseUrl: string;
  readonly title: string;
  /** CommonMark. */
  readonly description: string;
  readonly collections: CollectionSource;
  readonly items: ItemSource;
  /** URL (or path on the same host) under which the bytes of an asset can be fetched. */
  readonly signAsset: (collection: string, item: string, assetKey: string) => string;
  /** More links for the landing page, e.g. to the openEO API. */
  readonly links?: readonly { readonly rel: string; readonly href: string; readonly type?: string; readonly title?: string }[];
  readonly log: Log;
}
