/** What the STAC API is made of. The composition root gives it. */
import type { Request } from 'express';
import type { ItemEditor } from '../../catalog/ingest/edit-items.ts';
import type { ItemSource } from '../../catalog/item-source.ts';
import type { StacCollection } from '../../catalog/types.ts';
import type { LayerPublisher } from '../../layers/publish-layer.ts';
import type { Log } from '../../log.ts';

/** The catalog store is one. */
export interface CollectionSource {
  /** All collections, raw and virtual, by id, that a user may see; null: a visitor without an account. */
  collections(user?: string | null): Promise<readonly StacCollection[]>;
  collection(id: string, user?: string | null): Promise<StacCollection | null>;
}

/** What a route needs to answer one request. */
export interface StacContext {
  /** URL under which the client reaches the router, e.g. 'https://example.org/stac'; no slash at the end. */
  readonly baseUrl: string;
  readonly title: string;
  /** CommonMark. */
  readonly description: string;
  readonly collections: CollectionSource;
  readonly items: ItemSource;
  /** URL (or path on the same host) under which the bytes of an asset can be fetched. */
  readonly signAsset: (collection: string, item: string, assetKey: string, href: string) => string;
  /** More links for the landing page, e.g. to the openEO API. */
  readonly links?: readonly { readonly rel: string; readonly href: string; readonly type?: string; readonly title?: string }[];
  /** Takes new layers; absent: the catalog can only be read. */
  readonly publisher?: LayerPublisher;
  /** Takes items of raw collections; absent: they can only be read. */
  readonly editor?: ItemEditor;
  readonly log: Log;
  /** Who asks; null: a visitor without an account. */
  readonly user: string | null;
}

/** What only one user sees, beside what is stored. */
export interface PersonalCatalog {
  /** Of its collection. */
  readonly id: string;
  /** null: there is nothing yet. */
  collection(user: string): Promise<StacCollection | null>;
  items(user: string): ItemSource;
}

/** The base URL may depend on the request: without a configured one it is the host that the client named. */
export interface StacDependencies extends Omit<StacContext, 'baseUrl' | 'user'> {
  readonly baseUrl: string | ((request: Request) => string);
  /** Finds out who asks; absent: everybody is a visitor. */
  readonly visitor?: (request: Request) => Promise<string | null>;
  /** A collection of each user's own; absent: there is none. */
  readonly personal?: PersonalCatalog;
}
