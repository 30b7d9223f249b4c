/**
 * What searches of places look at lies in the index of places: a box with two thousand items is selected, counted and
 * sorted by cloud cover without a look at their rows. So the column of 0023 becomes two, which an index has room for,
 * and short outlines are there once more.
 */
import type { Migration } from './migration.ts';

/** The expressions are those of src/catalog/item-property.ts. */
const value = `(properties -> 'eo:cloud_cover')`;
const number = `(case jsonb_typeof(${value}) when 'number' then (${value})::float8 end)`;
const text = `left(case when jsonb_typeof(${value}) not in ('number', 'null') then (${value}) #>> '{}' end, 200)`;

const columns = (table: string) => `
    alter table ${table} drop column cloud_cover,
      add column cloud_number float8 generated always as (${number}) stored,
      add column cloud_text text collate "C" generated always as (${text}) stored;`;

const migration: Migration = {
  name: '0024-cloud-columns',
  sql: `
    drop index items_by_cloud_cover;
    drop index items_by_cloud_cover_desc;
    drop index items_by_footprint;
    ${columns('items')}
    ${columns('withdrawn_items')}
    -- The ring of a polygon of few corners and no holes (item-outline.ts); null: of all others, and of items that were there before.
    alter table items add column outline polygon;
    create or replace function forget_derived() returns trigger language plpgsql as $$
    begin
      new.digest := null;
      if new.shape::text is distinct from (new.definition -> 'geometry')::text then
        new.shape := null;
        new.outline := null;
      end if;
      return new;
    end $$;
    create index items_by_cloud_cover on items (cloud_number, cloud_text, (collection collate "C"), (id collate "C"));
    create index items_by_cloud_cover_desc on items (cloud_number desc nulls last, cloud_text desc nulls last, (collection collate "C"), (id collate "C"));
    create index items_by_footprint on items using gist (footprint) include (collection, id, instant, starts, ends, cloud_number, cloud_text, outline);
  `,
};

export default migration;
