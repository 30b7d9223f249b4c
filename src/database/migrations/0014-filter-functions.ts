/** Functions that filters of the STAC API call: each gives null where an operator of the server would fail. */
import type { Migration } from './migration.ts';

const migration: Migration = {
  name: '0014-filter-functions',
  sql: `
    -- An RFC 3339 date-time or date; null for a text that is none. Years 0001 to 9999.
    create or replace function cql2_instant(value text) returns timestamptz language plpgsql immutable strict as $$
    declare
      part text[] := regexp_match(value, '^(\\d{4})-(\\d{2})-(\\d{2})(?:[Tt](\\d{2}):(\\d{2}):(\\d{2})(?:\\.\\d{1,30})?(?:[Zz]|[+-](\\d{2}):(\\d{2}))?)?$');
      month int := part[2]::int;
      last_day int;
    begin
      if part is null or part[1] = '0000' or month not between 1 and 12 then return null; end if;
      last_day := extract(day from make_date(part[1]::int, month, 1) + interval '1 month' - interval '1 day');
      if part[3]::int not between 1 and last_day or part[4]::int > 23 or part[5]::int > 59 or part[6]::int > 60 or part[7]::int > 15 or part[8]::int > 59 then return null; end if;
      if part[4] is null then return (value || 'T00:00:00Z')::timestamptz; end if;
      if part[7] is null and value !~ '[Zz]$' then return (value || 'Z')::timestamptz; end if;
      return upper(value)::timestamptz;
    end $$;

    -- < 0, 0 or > 0 for two values of one JSON type that has an order; null for others.
    create or replace function cql2_compare(a jsonb, b jsonb) returns int language sql immutable as $$
      select case when jsonb_typeof(a) = jsonb_typeof(b) then
        case jsonb_typeof(a)
          when 'number' then case when a::float8 < b::float8 then -1 when a::float8 > b::float8 then 1 else 0 end
          when 'string' then case when a #>> '{}' = b #>> '{}' then 0 when (a #>> '{}') collate "C" < b #>> '{}' then -1 else 1 end
          when 'boolean' then a::boolean::int - b::boolean::int
        end end
    $$;

    -- Doubles; null where the server would raise an error (division by zero, overflow, underflow, complex powers).
    create or replace function cql2_arithmetic(op text, a float8, b float8) returns float8 language plpgsql immutable strict as $$
    begin
      case op
        when '+' then return a + b;
        when '-' then return a - b;
        when '*' then return a * b;
        when '/' then return a / b;
        when '^' then return a ^ b;
        when 'div' then return trunc(a / b);
        when '%' then return a - b * trunc(a / b);
      end case;
    exception when data_exception then return null;
    end $$;

    -- Arrays as sets.
    create or replace function cql2_contains(a jsonb, b jsonb) returns boolean language sql immutable strict as $$
      select not exists (select from jsonb_array_elements(b) as wanted (value) where not exists (select from jsonb_array_elements(a) as own (value) where own.value = wanted.value))
    $$;

    create or replace function cql2_overlaps(a jsonb, b jsonb) returns boolean language sql immutable strict as $$
      select exists (select from jsonb_array_elements(a) as one (value) join jsonb_array_elements(b) as other (value) on one.value = other.value)
    $$;

    -- Without marks above, below and across letters; the letters that Unicode does not take apart are listed.
    -- As many bytes as characters: it is ASCII, and there is nothing to do.
    create or replace function cql2_accenti(value text) returns text language sql immutable as $$
      select case when octet_length(value) = char_length(value) then value
        else translate(normalize(regexp_replace(normalize(value, NFD), '[\\u0300-\\u036F]', '', 'g'), NFC), 'ØøŁłĐđĦħŦŧƀɨ', 'OoLlDdHhTtbi') end
    $$;

    -- Small letters of all scripts, by the best collation that this server has: that of a database in locale C knows ASCII only.
    do $$
    declare
      best text := (select collname from pg_collation where collname in ('pg_c_utf8', 'und-x-icu', 'C.utf8', 'default')
        and collnamespace = 'pg_catalog'::regnamespace and collencoding in (-1, pg_char_to_encoding(getdatabaseencoding()))
        order by array_position(array['pg_c_utf8', 'und-x-icu', 'C.utf8', 'default'], collname::text) limit 1);
    begin
      execute format($f$
        create or replace function cql2_casei(value text) returns text language sql immutable as $b$
          select translate(lower(translate(value, U&'\\0130', 'i') collate %I), U&'\\03C2', U&'\\03C3')
        $b$
      $f$, best);
    end $$;
  `,
};

export default migration;
