-- The audit log as a chain: each entry is sealed with the hash of the one before, so that nobody, not even
-- who owns the database, changes, removes or slips in an entry without every later hash telling so.

alter table audit_log
  -- From where: 'console 203.0.113.7', 'api 2001:db8:1:2::/64', 'command line'; null: the service itself.
  add column origin text;
create index audit_log_subjects on audit_log (subject, id);

create table audit_seals (
  position       bigint primary key check (position > 0),
  entry          bigint not null unique references audit_log,
  hash           text not null unique check (hash ~ '^[0-9a-f]{64}$'),
  previous_hash  text check (previous_hash ~ '^[0-9a-f]{64}$'),
  check ((position = 1) = (previous_hash is null))
);

-- What is sealed of an entry: everything, as the text of one JSON value. Of jsonb the same value has the
-- same text; the time is in UTC to the microsecond, whatever the zone of the session.
create function audit_text(audit_log) returns text language sql stable as $$
  select jsonb_build_object(
    'id', $1.id,
    'at', to_char($1.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'actor', $1.actor,
    'origin', $1.origin,
    'action', $1.action,
    'subject', $1.subject,
    'detail', $1.detail)::text
$$;

-- SHA-256 over the hash before, a line break, and the text of the entry.
create function audit_hash(previous text, content text) returns text language sql immutable as $$
  select encode(sha256(convert_to(coalesce(previous, '') || e'\n' || content, 'UTF8')), 'hex')
$$;

-- At the end of the transaction, so that the chain's lock is the last that anybody takes, and is held for the
-- commit alone: nobody who waits for it is waited for.
create function seal_audit_entry() returns trigger language plpgsql as $$
declare
  last audit_seals;
begin
  perform pg_advisory_xact_lock(7423540917);
  select * into last from audit_seals order by position desc limit 1;
  insert into audit_seals (position, entry, hash, previous_hash)
  values (coalesce(last.position, 0) + 1, new.id, audit_hash(last.hash, audit_text(new)), last.hash);
  return null;
end $$;

-- What there is already is sealed as it is found.
do $$
declare
  entry audit_log;
  previous text;
  place bigint := 0;
begin
  for entry in select * from audit_log order by id loop
    place := place + 1;
    insert into audit_seals (position, entry, hash, previous_hash)
    values (place, entry.id, audit_hash(previous, audit_text(entry)), previous)
    returning hash into previous;
  end loop;
end $$;

create constraint trigger audit_log_is_sealed after insert on audit_log
  deferrable initially deferred for each row execute function seal_audit_entry();
create trigger audit_seals_never_change before update or delete on audit_seals
  for each row execute function refuse_change();
create trigger audit_seals_are_not_emptied before truncate on audit_seals
  for each statement execute function refuse_change();
