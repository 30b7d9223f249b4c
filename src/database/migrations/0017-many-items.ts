/** Many items: what is known of all items of a collection is kept beside them, and changes are noted by statement. */
import type { Migration } from './migration.ts';

const migration: Migration = {
  name: '0017-many-items',
  sql: `
    -- What searches ask of all items of a collection. A row is there as soon as it had one.
    create table item_facts (
      collection text primary key references collections (id) on delete cascade,
      items bigint not null default 0,
      -- Another one after every change of the items, never seen before: what was counted under it is still right.
      version bigint not null,
      -- How far the time of an item reaches before and behind its instant, in whole seconds. Never too small;
      -- 0: all items are of one instant.
      lead bigint not null default 0,
      lag bigint not null default 0
    );
    create sequence item_versions;
    insert into item_facts (collection, items, version, lead, lag)
      select collection, count(*), nextval('item_versions'), max(ceil(abs(extract(epoch from instant - starts)))), max(ceil(abs(extract(epoch from ends - instant))))
      from items group by collection;

    -- Said once and not by every search: reading it out of the definitions takes them apart.
    alter table collections
      add column is_private boolean not null generated always as (coalesce(definition -> 'lamina:files' ->> 'visibility', '') = 'private') stored,
      add column owner text generated always as (definition -> 'lamina:files' ->> 'owner') stored;

    -- The geometry alone, small enough to lie in the row: what a box can't decide is tested with it. null: it is in the definition.
    alter table items add column shape json;
    -- Compressing them took half of the time of putting items in, and makes them slower to read.
    alter table items alter column definition set storage external;
    alter table items alter column shape set storage main;
    -- Made when somebody asks (current_digest): most items are never the source of a layer.
    alter table items alter column digest drop expression;
    create function current_digest(items) returns text language sql immutable as $$
      select coalesce($1.digest, item_digest($1.definition, $1.properties))
    $$;

    create function forget_derived() returns trigger language plpgsql as $$
    begin
      new.digest := null;
      if new.shape::text is distinct from (new.definition -> 'geometry')::text then new.shape := null; end if;
      return new;
    end $$;
    create trigger item_changes_derived before update of definition, properties on items for each row
      when (old.definition::text is distinct from new.definition::text or old.properties is distinct from new.properties) execute function forget_derived();

    drop trigger item_inserted on items;
    drop trigger item_updated on items;
    drop trigger item_deleted on items;

    create function note_facts(changed text, difference bigint, further_lead bigint, further_lag bigint) returns void language sql as $$
      insert into item_facts as f (collection, items, version, lead, lag)
        select changed, difference, nextval('item_versions'), further_lead, further_lag
        where exists (select from collections where id = changed)
        on conflict (collection) do update set items = f.items + excluded.items, version = excluded.version,
          lead = greatest(f.lead, excluded.lead), lag = greatest(f.lag, excluded.lag)
    $$;

    -- Layers that had computed an item hear of it when it comes (again) or changes.
    create function note_sources(sources text[], ids text[], digests text[]) returns void language sql as $$
      delete from withdrawn_items w using layer_items l, unnest(sources, ids) as c (source, item)
        where l.source = c.source and l.item = c.item and w.collection = l.layer and w.id = l.item;
      update layer_items l set status = case when l.digest = c.digest then 'computed' else 'outdated' end, since = now(), reason = null
        from unnest(sources, ids, digests) as c (source, item, digest)
        where l.source = c.source and l.item = c.item and l.status in ('computed', 'outdated', 'withdrawn');
    $$;

    create function note_items_put() returns trigger language plpgsql as $$
    begin
      insert into item_changes (collection, item, kind, footprint) select collection, id, 'put', footprint from fresh;
      if exists (select from layer_items l where l.source in (select distinct collection from fresh)) then
        perform note_sources(array_agg(f.collection), array_agg(f.id), array_agg(item_digest(f.definition, f.properties)))
          from fresh f where exists (select from layer_items l where l.source = f.collection and l.item = f.id);
      end if;
      perform note_facts(collection, count(*), max(ceil(abs(extract(epoch from instant - starts))))::bigint, max(ceil(abs(extract(epoch from ends - instant))))::bigint)
        from fresh group by collection;
      return null;
    end $$;

    create function note_items_changed() returns trigger language plpgsql as $$
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
      perform note_facts(collection, 0, max(ceil(abs(extract(epoch from instant - starts))))::bigint, max(ceil(abs(extract(epoch from ends - instant))))::bigint)
        from fresh group by collection;
      return null;
    end $$;

    create function note_items_gone() returns trigger language plpgsql as $$
    begin
      insert into item_changes (collection, item, kind, footprint) select collection, id, 'deleted', footprint from gone;
      if exists (select from layer_items l where l.source in (select distinct collection from gone)) then
        insert into withdrawn_items (collection, id, definition, properties, instant, starts, ends, footprint)
          select l.layer, g.id, g.definition, g.properties, g.instant, g.starts, g.ends, g.footprint
          from layer_items l join gone g on l.source = g.collection and l.item = g.id where l.computed is not null
          on conflict do nothing;
        delete from layer_items l using gone g where l.source = g.collection and l.item = g.id and l.computed is null;
        update layer_items l set status = 'withdrawn', since = now(), reason = null, task = null from gone g where l.source = g.collection and l.item = g.id;
      end if;
      perform note_facts(collection, -count(*), 0, 0) from gone group by collection;
      return null;
    end $$;

    create trigger items_inserted after insert on items referencing new table as fresh for each statement execute function note_items_put();
    create trigger items_updated after update on items referencing old table as gone new table as fresh for each statement execute function note_items_changed();
    create trigger items_deleted after delete on items referencing old table as gone for each statement execute function note_items_gone();
  `,
};

export default migration;
