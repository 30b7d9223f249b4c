/** Where and when the items of a collection are, so that a search need not ask those that can't have any. */
import type { Migration } from './migration.ts';

/** Over rows of items, which the name stands for. */
const extentOf = (rows: string) => `
  box(point(min((${rows}.footprint[1])[0]), min((${rows}.footprint[1])[1])), point(max((${rows}.footprint[0])[0]), max((${rows}.footprint[0])[1]))), min(${rows}.starts), max(${rows}.ends)`;

const note = (rows: string, difference: string) => `
  perform note_facts(${rows}.collection, ${difference}, max(ceil(abs(extract(epoch from ${rows}.instant - ${rows}.starts))))::bigint, max(ceil(abs(extract(epoch from ${rows}.ends - ${rows}.instant))))::bigint, ${extentOf(rows)})
    from ${rows} group by ${rows}.collection;`;

const migration: Migration = {
  name: '0022-places-of-collections',
  sql: `
    -- Never too small, like lead and lag: they don't shrink when items go. null: no item has a footprint.
    alter table item_facts add column place box, add column earliest timestamptz, add column latest timestamptz;
    update item_facts f set (place, earliest, latest) = (select ${extentOf('i')} from items i where i.collection = f.collection);

    drop function note_facts(text, bigint, bigint, bigint);
    create function note_facts(changed text, difference bigint, further_lead bigint, further_lag bigint, further_place box default null, earlier timestamptz default null, later timestamptz default null) returns void language sql as $$
      insert into item_facts as f (collection, items, version, lead, lag, place, earliest, latest)
        select changed, difference, nextval('item_versions'), further_lead, further_lag, further_place, earlier, later
        where exists (select from collections where id = changed)
        on conflict (collection) do update set items = f.items + excluded.items, version = excluded.version,
          lead = greatest(f.lead, excluded.lead), lag = greatest(f.lag, excluded.lag),
          place = coalesce(bound_box(f.place, excluded.place), f.place, excluded.place), earliest = least(f.earliest, excluded.earliest), latest = greatest(f.latest, excluded.latest)
    $$;

    create or replace function note_items_put() returns trigger language plpgsql as $$
    begin
      insert into item_changes (collection, item, kind, footprint) select collection, id, 'put', footprint from fresh;
      if exists (select from layer_items l where l.source in (select distinct collection from fresh)) then
        perform note_sources(array_agg(f.collection), array_agg(f.id), array_agg(item_digest(f.definition, f.properties)))
          from fresh f where exists (select from layer_items l where l.source = f.collection and l.item = f.id);
      end if;
      ${note('fresh', 'count(*)')}
      return null;
    end $$;

    create or replace function note_items_changed() returns trigger language plpgsql as $$
    declare
      sources text[];
      ids text[];
      digests text[];
    begin
      with changed as materialized (
        select f.collection, f.id, item_digest(f.definition, f.properties) as digest, coalesce(g.digest, item_digest(g.definition, g.properties)) as before,
          case when g.footprint is null then f.footprint else coalesce(bound_box(g.footprint, f.footprint), g.footprint) end as place
        from fresh f join gone g on g.collection = f.collection and g.id = f.id
        where f.definition::text is distinct from g.definition::text or f.properties is distinct from g.properties),
      noted as (
        insert into item_changes (collection, item, kind, footprint) select collection, id, 'put', place from changed where digest is distinct from before)
      select array_agg(collection), array_agg(id), array_agg(digest) into sources, ids, digests from changed where digest is distinct from before;
      perform note_sources(sources, ids, digests);
      ${note('fresh', '0')}
      return null;
    end $$;
  `,
};

export default migration;
