/** Layers that come from files are kept apart from those that users publish. */
import type { Migration } from './migration.ts';

const migration: Migration = {
  name: '0005-layers',
  sql: `
    -- True: the layer goes when its file is gone. Until now all layers came from files.
    alter table collections add column from_file boolean not null default false;
    update collections set from_file = true where definition->'lamina:layer' is not null;
  `,
};

export default migration;
