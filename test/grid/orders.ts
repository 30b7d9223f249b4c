/** What tests tell the processes of a grid, and what they answer. */
import type { GridAccess } from '../../src/grid/open-grid.ts';

export interface Setup {
  readonly worker: string;
  readonly access: Omit<GridAccess, 'log'>;
  readonly leaseMs: number;
  /** How wrong the clock of this process is. */
  readonly skewMs?: number;
}

export interface Order {
  readonly address: string;
  readonly tasks: number;
  /** How long each task takes. */
  readonly taskMs: number;
  /** These take longer. */
  readonly slow?: Readonly<Record<string, number>>;
}

export interface Answer {
  readonly begun: readonly string[];
  readonly done: readonly string[];
  readonly refused: number;
  readonly failed: number;
}

export const taskNames = (count: number) => Array.from({ length: count }, (_, i) => `scenes/T32UQD/tile ${i}.tif`);
