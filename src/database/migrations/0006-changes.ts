/** What happened to the items of raw collections, and what layers have made of them. */
import type { Migration } from './migration.ts';

const migration: Migration = {
  name: '0006-changes',
  // A trigger notes changes, so that none is missed however an item comes in: it is there with the item, or not at all.
  sql: `
    -- What results are computed from: a new title or link makes no new version.
    create function item_digest(definition json, properties jsonb) returns text language sql immutable parallel safe as $$
      select encode(sha256(convert_to(concat_ws('|', (definition -> 'assets')::text, properties::text, (definition -> 'geometry')::text), 'UTF8')), 'hex')
    $$;
    alter table items add column digest text generated always as (item_digest(definition, properties)) stored;

    create table item_changes (
      sequence bigint generated always as identity primary key,
      collection text not null,
      item text not null,
      kind text not null check (kind in ('put', 'deleted')),
      -- Of the item as it is now; null when it is gone.
      digest text,
      -- Where it is, and where it was before.
      footprint box,
      at timestamptz not null default now(),
      -- When the follower made tasks of it. Order of commit is not order of sequence, so each row is ticked off by itself.
      handled timestamptz
    );
    create index item_changes_open on item_changes (sequence) where handled is null;
    create index item_changes_handled on item_changes (handled) where handled is not null;

    create table layer_items (
      layer text not null references collections (id) on delete cascade,
      item text not null,
      -- The raw collection of the item.
      source text not null,
      status text not null check (status in ('computing', 'computed', 'outdated', 'withdrawn', 'failed')),
      -- Since when it has this status.
      since timestamptz not null default now(),
      -- Of the source item that was computed last; null before the first time.
      digest text,
      computed timestamptz,
      blocks integer,
      bytes bigint,
      -- Why it failed, in words for everybody.
      reason text,
      -- The task that is to compute it, how often one was begun anew, and when it last gave a sign of life.
      task text,
      restarts integer not null default 0,
      touched timestamptz not null default now(),
      primary key (layer, item)
    );
    create index layer_items_by_source on layer_items (source, item);
    create index layer_items_under_way on layer_items (touched) where task is not null;

    -- Source items as they were when they were withdrawn, for layers that had computed them: 'collection' is the layer.
    create table withdrawn_items (
      collection text not null references collections (id) on delete cascade,
      id text not null,
      definition json not null,
      properties jsonb not null,
      instant timestamptz not null,
      starts timestamptz not null,
      ends timestamptz not null,
      footprint box,
      withdrawn timestamptz not null default now(),
      primary key (collection, id)
    );

    create function note_item_put() returns trigger language plpgsql as $$
    declare
      place box := new.footprint;
    begin
      if tg_op = 'UPDATE' and old.footprint is not null then place := coalesce(bound_box(old.footprint, place), old.footprint); end if;
      insert into item_changes (collection, item, kind, digest, footprint) values (new.collection, new.id, 'put', new.digest, place);
      delete from withdrawn_items w using layer_items l where l.source = new.collection and l.item = new.id and w.collection = l.layer and w.id = l.item;
      update layer_items set status = case when digest = new.digest then 'computed' else 'outdated' end, since = now(), reason = null
        where source = new.collection and item = new.id and status in ('computed', 'outdated', 'withdrawn');
      return null;
    end $$;

    create function note_item_deleted() returns trigger language plpgsql as $$
    begin
      insert into item_changes (collection, item, kind, footprint) values (old.collection, old.id, 'deleted', old.footprint);
      insert into withdrawn_items (collection, id, definition, properties, instant, starts, ends, footprint)
        select layer, old.id, old.definition, old.properties, old.instant, old.starts, old.ends, old.footprint
        from layer_items where source = old.collection and item = old.id and computed is not null
        on conflict do nothing;
      delete from layer_items where source = old.collection and item = old.id and computed is null;
      update layer_items set status = 'withdrawn', since = now(), reason = null, task = null where source = old.collection and item = old.id;
      return null;
    end $$;

    create trigger item_inserted after insert on items for each row execute function note_item_put();
    create trigger item_updated after update on items for each row when (old.digest is distinct from new.digest) execute function note_item_put();
    create trigger item_deleted after delete on items for each row execute function note_item_deleted();

    -- Prefixes of buckets whose objects become items of a collection when an event tells of them.
    create table watches (
      bucket text not null,
      prefix text not null,
      collection text not null references collections (id) on delete cascade,
      -- Where the objects are read: null means the bucket of the service itself.
      url text,
      bands json,
      datetime text,
      created timestamptz not null default now(),
      primary key (bucket, prefix)
    );
  `,
};

export default migration;
