-- The draft, the published versions, and what is planned to be published.

create table drafts (
  id          integer primary key default 1 check (id = 1),
  document    jsonb not null,
  -- The text as an admin typed it (YAML with its comments and layout), while it is still that of
  -- the document; null when the draft came as JSON.
  source      text,
  revision    bigint not null default 1,
  updated_at  timestamptz not null,
  updated_by  jsonb not null
);

create table versions (
  number              integer primary key check (number > 0),
  document            jsonb not null,
  -- What changed against the version before, graded; kept, since rules of grading may grow while
  -- what was told must stay.
  changes             jsonb not null,
  message             text,
  published_at        timestamptz not null,
  effective_at        timestamptz not null,
  objection_deadline  timestamptz,
  emergency           boolean not null default false,
  reason              text,
  notify              boolean not null,
  published_by        jsonb not null,
  hash                text not null unique check (hash ~ '^[0-9a-f]{64}$'),
  previous_hash       text check (previous_hash ~ '^[0-9a-f]{64}$'),
  check ((number = 1) = (previous_hash is null))
);

-- A withdrawal is a fact of its own, so that the version stays as it was published.
create table withdrawals (
  version       integer primary key references versions,
  withdrawn_at  timestamptz not null,
  reason        text not null,
  withdrawn_by  jsonb not null
);

-- At most one publication is planned at a time: its number is then known beforehand.
create table scheduled_publications (
  id            bigint generated always as identity primary key,
  number        integer not null,
  document      jsonb not null,
  request       jsonb not null,
  publish_at    timestamptz not null,
  state         text not null default 'scheduled' check (state in ('scheduled', 'held', 'published', 'cancelled')),
  -- Why it is held.
  held_because  text,
  created_at    timestamptz not null,
  created_by    jsonb not null
);
create unique index scheduled_publications_one on scheduled_publications ((true)) where state in ('scheduled', 'held');

create table idempotency_keys (
  key           text primary key,
  request_hash  text not null,
  status        integer not null,
  response      jsonb not null,
  created_at    timestamptz not null
);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% of % is refused: its rows never change', tg_op, tg_table_name
    using errcode = 'restrict_violation';
end $$;

create trigger versions_never_change before update or delete on versions
  for each row execute function refuse_change();
create trigger versions_are_not_emptied before truncate on versions
  for each statement execute function refuse_change();
create trigger withdrawals_never_change before update or delete on withdrawals
  for each row execute function refuse_change();
create trigger withdrawals_are_not_emptied before truncate on withdrawals
  for each statement execute function refuse_change();

-- Numbers run 1, 2, 3 … : publishing holds a lock, and this refuses what would get past it.
create function refuse_gap() returns trigger language plpgsql as $$
begin
  if new.number <> coalesce((select max(number) from versions), 0) + 1 then
    raise exception 'version % would leave a gap', new.number using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger versions_have_no_gaps before insert on versions
  for each row execute function refuse_gap();
