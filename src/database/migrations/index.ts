/** All migrations in the order in which they run. A new one is a file NNNN-<name>.ts and a line here. */
import catalog from './0001-catalog.ts';
import jobs from './0002-jobs.ts';
import users from './0003-users.ts';
import blocks from './0004-blocks.ts';
import layers from './0005-layers.ts';
import changes from './0006-changes.ts';
import materialisations from './0007-materialisations.ts';
import turns from './0008-job-turns.ts';
import userProcesses from './0009-user-processes.ts';
import services from './0010-services.ts';
import jobCosts from './0011-job-costs.ts';
import throughput from './0012-throughput.ts';
import sessions from './0013-sessions.ts';
import filterFunctions from './0014-filter-functions.ts';
import grid from './0015-grid.ts';
import itemProperties from './0016-item-properties.ts';
import manyItems from './0017-many-items.ts';
import workers from './0019-workers.ts';
import jobStages from './0020-job-stages.ts';
import placesOfCollections from './0022-places-of-collections.ts';
import cloudCover from './0023-cloud-cover.ts';
import cloudColumns from './0024-cloud-columns.ts';
import type { Migration } from './migration.ts';

export type { Migration } from './migration.ts';

export const migrations: readonly Migration[] = [
  catalog,
  jobs,
  users,
  blocks,
  layers,
  changes,
  materialisations,
  turns,
  userProcesses,
  services,
  jobCosts,
  throughput,
  sessions,
  filterFunctions,
  grid,
  itemProperties,
  manyItems,
  workers,
  jobStages,
  placesOfCollections,
  cloudCover,
  cloudColumns,
];
