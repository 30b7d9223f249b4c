/** The property by which most people select and sort has a column: unpacking all properties for it was most of the work of such a search. */
import type { Migration } from './migration.ts';

/** The expressions are those of src/catalog/item-order.ts. */
const number = `(case jsonb_typeof(cloud_cover) when 'number' then (cloud_cover)::float8 end)`;
const text = `(left(case when jsonb_typeof(cloud_cover) not in ('number', 'null') then (cloud_cover) #>> '{}' end, 200) collate "C")`;

const migration: Migration = {
  name: '0023-cloud-cover',
  sql: `
    drop index items_by_cloud_cover;
    drop index items_by_cloud_cover_desc;
    alter table items add column cloud_cover jsonb generated always as (properties -> 'eo:cloud_cover') stored;
    alter table withdrawn_items add column cloud_cover jsonb generated always as (properties -> 'eo:cloud_cover') stored;
    create index items_by_cloud_cover on items (${number}, ${text}, (collection collate "C"), (id collate "C"));
    create index items_by_cloud_cover_desc on items (${number} desc nulls last, ${text} desc nulls last, (collection collate "C"), (id collate "C"));
  `,
};

export default migration;
