/** Searches by properties: how these are kept, and an index of the one that people sort and select by most. */
import type { Migration } from './migration.ts';

/** The expressions are those of src/catalog/item-order.ts. */
const value = `(properties -> 'eo:cloud_cover')`;
const number = `(case jsonb_typeof(${value}) when 'number' then (${value})::float8 end)`;
const text = `((case when jsonb_typeof(${value}) not in ('number', 'null') then (${value}) #>> '{}' end) collate "C")`;

const migration: Migration = {
  name: '0016-item-properties',
  // Absent values come last in both directions, so one index can't be read both ways.
  sql: `
    -- Beside the row and as they are: unpacking them took four fifths of a search by a property without an index.
    alter table items alter column properties set storage external;
    alter table items set (toast_tuple_target = 4080);
    create index items_by_cloud_cover on items (${number}, ${text}, (collection collate "C"), (id collate "C"));
    create index items_by_cloud_cover_desc on items (${number} desc nulls last, ${text} desc nulls last, (collection collate "C"), (id collate "C"));
  `,
};

export default migration;
