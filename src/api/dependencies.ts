/** What the API is given: everything it answers with comes from here. */
import type { Request, RequestHandler } from 'express';
import type { StacCollection, StacItem } from '../catalog/types.ts';
import type { FormatDescription } from '../formats/writer.ts';
import type { DefinitionSource } from '../graph/link.ts';
import type { ProcessRegistry } from '../graph/process.ts';
import type { Billing } from '../jobs/billing.ts';
import type { Jobs } from '../jobs/service.ts';
import type { Log } from '../log.ts';
import type { ServiceLogs } from '../services/logs.ts';
import type { ServiceStore } from '../services/store.ts';
import type { UserFiles } from '../storage/user-files.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { UserProcessStore } from '../user-processes/store.ts';
import type { LinkSigner } from './assets/sign.ts';
import type { RuntimeRules } from '../operators/runtime-choice.ts';
import type { Authentication } from './auth/authenticate.ts';
import type { OidcSettings } from './auth/oidc-settings.ts';
import type { Sessions } from './auth/sessions.ts';
import type { UserDirectory } from './auth/users.ts';
import type { ServiceMaps } from './tiles/service-maps.ts';

/** The catalog as clients see it: raw and virtual collections alike. */
export interface ShownCatalog {
  /** Those that a user may see; null or absent: a visitor without an account. */
  collections(user?: string | null): Promise<readonly StacCollection[]>;
  collection(id: string, user?: string | null): Promise<StacCollection | null>;
  /** As stored: hrefs are 'file:…', 'object:…' or http(s) URLs. */
  item(collection: string, id: string): Promise<StacItem | null>;
}

export interface ServiceParts {
  readonly store: ServiceStore;
  readonly logs: ServiceLogs;
  readonly maps: ServiceMaps;
  /** Services that one user may have. */
  readonly limit: number;
  /** Deletes the tiles of a service that is gone. */
  readonly forgetTiles: (id: string) => Promise<void>;
}

export interface ApiDependencies {
  readonly catalog: ShownCatalog;
  readonly registry: ProcessRegistry;
  /** User-defined processes: what the API keeps of them, and where graphs get them from. */
  readonly userProcesses: UserProcessStore;
  readonly definitions: DefinitionSource;
  readonly jobs: Jobs;
  /** Secondary web services; absent: there are none. */
  readonly services?: ServiceParts;
  readonly objects: ObjectStore;
  /** What users upload. */
  readonly userFiles: UserFiles;
  /** Format name → description. */
  readonly formats: { readonly input: Readonly<Record<string, FormatDescription>>; readonly output: Readonly<Record<string, FormatDescription>> };
  readonly users: UserDirectory;
  /** Knows the tokens that were ended; absent: they only expire. */
  readonly sessions?: Sessions;
  /** Requests per minute that are answered; absent: no limit. */
  readonly rateLimits?: { readonly ofAddress: number; readonly ofUser: number };
  /** Addresses of proxies whose word on the address of a client counts (X-Forwarded-For). */
  readonly trustedProxies?: readonly string[];
  /** Whether those users may log in with HTTP Basic; default true. */
  readonly isBasicOn?: boolean;
  /** OpenID Connect providers whose tokens are taken. */
  readonly oidc?: readonly OidcSettings[];
  /** Keys of tokens and links are derived from it (see auth/secret.ts). */
  readonly secret: string;
  /** null: links begin with the host that the client named. */
  readonly publicUrl: string | null;
  readonly tokenHours: number;
  readonly linkHours: number;
  readonly syncTimeoutSeconds: number;
  /** How jobs may have their operators run; absent: in the usual runtimes. */
  readonly runtimeRules?: RuntimeRules;
  /** What processing costs; absent: it is free. */
  readonly billing?: Billing;
  /** Days that results are kept after the end of their job; absent or 0: for ever. */
  readonly resultDays?: number;
  /** Version of the back-end; changes with every change of it. */
  readonly version: string;
  readonly log: Log;
  /**
   * Routes of others (STAC API, tiles, viewer), put behind the common headers and before 'not found'.
   * Each is made with what the API shares.
   */
  readonly mounts?: readonly { readonly path: string; readonly handler: (shared: Shared) => RequestHandler }[];
}

/** What all routes share. */
export interface Shared {
  /** URL of the service, without a slash at its end. */
  readonly baseUrl: (request: Request) => string;
  readonly signer: LinkSigner;
  readonly authentication: Authentication;
}
