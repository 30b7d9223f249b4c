/** What travels on the tile queue for services. */
import { createHash } from 'node:crypto';
import type { TileMatrixSet } from '../layers/tile-grid.ts';
import type { ServiceDefinition, ShownRange } from './service.ts';

/** A tile of a service to draw. */
export interface ServiceTile {
  readonly service: string;
  /** Of the service: a tile of an earlier one is not drawn any more. */
  readonly revision: number;
  /** State of everything that the process reads; changed data give other tiles. */
  readonly state: string;
  readonly z: number;
  readonly x: number;
  readonly y: number;
  readonly matrixSet: TileMatrixSet;
  /** Left-closed interval of RFC 3339 instants; null: the newest data. */
  readonly interval: readonly [string | null, string | null] | null;
}

/** A process to look at without reading a pixel. */
export interface ServiceTrial {
  readonly owner: string;
  readonly definition: ServiceDefinition;
  readonly state: string;
  /** Find the range of values too, which reads a tile. */
  readonly isSampled?: boolean;
}

export type ServiceTask = { readonly tile: ServiceTile } | { readonly trial: ServiceTrial };

/** What is known of a map before a tile of it is drawn. */
export interface MapFacts {
  /** West, south, east, north in degrees: where there may be something to see. */
  readonly bounds: readonly [number, number, number, number];
  /** Days (YYYY-MM-DD) of the result, oldest first; empty when it has no dates. */
  readonly days: readonly string[];
  /** Labels of the bands of the result; empty without bands. */
  readonly bands: readonly string[];
  /** Values to show, if they were looked for, are not told by the process or its configuration, and could be found. */
  readonly range?: ShownRange;
}

/** True for tasks of services among those on the tile queue. */
export function isServiceTask(task: object): task is ServiceTask {
  return 'tile' in task || 'trial' in task;
}

/** Id of a task: the same for whoever wants the same. */
export function serviceTaskId(task: ServiceTask): string {
  return createHash('sha256').update(JSON.stringify(['service/1', task])).digest('hex');
}

/** Name of a drawn tile in the object store. */
export function serviceTileKey(tile: ServiceTile): string {
  return `${serviceTilesPrefix(tile.service)}${serviceTaskId({ tile })}`;
}

/** All tiles of a service are below this one. */
export function serviceTilesPrefix(id: string): string {
  return `tiles/services/${id}/`;
}
