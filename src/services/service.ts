/** A secondary web service: a process graph that somebody published as a map. */
import type { LogLevel } from '../log.ts';

/** What a map is served as; clients may write the names in upper or lower case. */
export const serviceTypes = ['XYZ', 'WMTS', 'TileJSON'] as const;
export type ServiceType = (typeof serviceTypes)[number];

/** Who may see the map: its owner, everybody who is logged in, everybody. Whoever has the URL with its key always may. */
export const visibilities = ['private', 'shared', 'public'] as const;
export type Visibility = (typeof visibilities)[number];

/** A process as clients send it. */
export interface ServiceProcess {
  readonly process_graph: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

/** What the client sent, without nulls; properties that the standard does not know are kept too. */
export interface ServiceDefinition {
  readonly process: ServiceProcess;
  readonly configuration?: Readonly<Record<string, unknown>>;
  readonly title?: string;
  readonly description?: string;
  readonly plan?: string;
  readonly budget?: number;
  readonly log_level?: LogLevel;
  readonly [field: string]: unknown;
}

/** Values that become darkest and brightest. */
export type ShownRange = readonly [low: number, high: number];

export interface Service {
  readonly id: string;
  readonly userId: string;
  readonly type: ServiceType;
  readonly definition: ServiceDefinition;
  readonly enabled: boolean;
  /** Counts changes of what tiles show. */
  readonly revision: number;
  /** Found when the map was published, for what the client says nothing of; null: none could be found. */
  readonly range: ShownRange | null;
  /** Secret part of the URL of a service that is not public. */
  readonly key: string;
  /** RFC 3339, UTC. */
  readonly created: string;
  readonly updated: string;
  readonly usage: ServiceUsage;
}

/** What tiles took that had to be drawn. */
export interface ServiceUsage {
  readonly tiles: number;
  readonly seconds: number;
  /** Source samples read. */
  readonly samples: number;
  /** Blocks of embeddings that were computed. */
  readonly blocks: number;
}

/** The least severe level of entries that the log of a service keeps. */
export function logLevelOf({ definition }: Pick<Service, 'definition'>): LogLevel {
  return definition.log_level ?? 'info';
}

/** The type of this name, in whatever case; undefined when there is none. */
export function typeNamed(name: string): ServiceType | undefined {
  return serviceTypes.find((type) => type.toLowerCase() === name.toLowerCase());
}
