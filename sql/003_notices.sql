-- The order to notify, the outbox, and what recipients answer.

create table notices (
  id              bigint generated always as identity primary key,
  version         integer not null references versions,
  kind            text not null check (kind in ('change', 'withdrawal')),
  -- The version that recipients were last told of; null when this is the first.
  base_version    integer references versions,
  -- The net change since base_version: what was added and taken back in between is told to nobody.
  changes         jsonb not null,
  -- Recipients: confirmed before this moment.
  moment          bigint not null,
  ordered_at      timestamptz not null,
  -- Progress of the fan-out: every subscriber up to this id has their row.
  fanned_out_to   bigint not null default 0,
  fanned_out_at   timestamptz,
  unique (version, kind)
);
create index notices_to_fan_out on notices (id) where fanned_out_at is null;

create table deliveries (
  id             bigint generated always as identity primary key,
  -- 'notice', or the kind of a letter.
  kind           text not null,
  notice_id      bigint references notices,
  -- Null once the person is erased, and for letters to admins.
  subscriber_id  bigint references subscribers on delete set null,
  -- Null once the person is erased; recipient_hash stays as the proof.
  email          text,
  recipient_hash bytea not null,
  locale         text not null,
  -- What a letter needs beside its recipient (ids only; no token, no address).
  params         jsonb not null default '{}',
  -- 0 letters, 1 notices: no confirmation waits behind a hundred thousand notices.
  priority       smallint not null,
  state          text not null check (state in (
    'queued', 'sending', 'sent', 'deferred', 'bounced', 'failed', 'suppressed')),
  -- Why it is suppressed, deferred, bounced or failed, as a code.
  reason         text,
  attempts       integer not null default 0,
  due_at         timestamptz not null,
  leased_until   timestamptz,
  leased_by      uuid,
  message_id     text,
  -- The relay's own words.
  response       text,
  created_at     timestamptz not null,
  sent_at        timestamptz
);
create unique index deliveries_once on deliveries (notice_id, subscriber_id);
create index deliveries_due on deliveries (priority, due_at, id) where state in ('queued', 'deferred');
create index deliveries_leased on deliveries (leased_until) where state = 'sending';
create index deliveries_of_subscriber on deliveries (subscriber_id, id);
create index deliveries_of_notice on deliveries (notice_id, state, id);

create table objections (
  id             bigint generated always as identity primary key,
  delivery_id    bigint not null unique references deliveries,
  subscriber_id  bigint references subscribers on delete set null,
  version        integer not null references versions,
  grounds        text not null,
  received_at    timestamptz not null,
  late           boolean not null,
  state          text not null default 'received' check (state in ('received', 'in-talks', 'resolved', 'upheld', 'withdrawn')),
  note           text,
  updated_at     timestamptz not null
);
