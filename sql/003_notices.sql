-- The order to notify, the outbox, and what recipients answer.

create table notices (
  id                bigint generated always as identity primary key,
  version           integer not null references versions,
  kind              text not null check (kind in ('change', 'withdrawal')),
  -- The version that recipients were last told of; null when this is the first.
  base_version      integer references versions,
  -- The net change since base_version: what was added and taken back in between is told to nobody.
  changes           jsonb not null,
  -- The services that the changes touch, and those that its material changes touch; null: every
  -- service. Kept beside the changes so that one statement can choose among a million recipients.
  services          text[],
  material_services text[],
  -- Recipients: confirmed before this moment.
  moment            bigint not null,
  ordered_at        timestamptz not null,
  -- Progress of the fan-out: every subscriber up to this id has their row.
  fanned_out_to     bigint not null default 0,
  fanned_out_at     timestamptz,
  unique (version, kind)
);
create index notices_to_fan_out on notices (id) where fanned_out_at is null;

-- Whether a notice is none of a subscriber's business, and why; null when it is theirs. The fan-out
-- asks it, and the sender asks it again just before the mail goes, since both sides may change.
-- An array that is null stands for every service.
create function out_of_scope(
  told_of text, services text[], notice_services text[], notice_material_services text[]
) returns text language sql immutable parallel safe as $$
  select case
    when not coalesce(services && notice_services, cardinality(notice_services) > 0, true) then 'out-of-scope'
    when told_of = 'material'
      and not coalesce(services && notice_material_services, cardinality(notice_material_services) > 0, true)
      then 'not-material'
  end
$$;

create table deliveries (
  id             bigint generated always as identity primary key,
  -- 'notice', or the kind of a letter.
  kind           text not null check (kind in (
    'notice', 'confirmation', 'already-subscribed', 'welcome', 'manage-link', 'address-changed', 'objection-receipt')),
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
  -- How often it was handed to the relay; one that a crash left unknown counts.
  attempts       integer not null default 0,
  due_at         timestamptz not null,
  leased_until   timestamptz,
  leased_by      uuid,
  -- Stored before the first hand-over, so that a repeat after a crash is the same message.
  message_id     text,
  -- The relay's own words.
  response       text,
  created_at     timestamptz not null,
  -- When the relay took it; stays when it comes back later.
  sent_at        timestamptz,
  -- When the present state was reached, if it is one that lasts.
  settled_at     timestamptz,
  check ((kind = 'notice') = (notice_id is not null)),
  check ((state = 'sending') = (leased_by is not null))
);
create unique index deliveries_once on deliveries (notice_id, subscriber_id);
create index deliveries_due on deliveries (priority, due_at, id) where state in ('queued', 'deferred');
create index deliveries_leased on deliveries (leased_until) where state = 'sending';
create index deliveries_of_subscriber on deliveries (subscriber_id, id);
create index deliveries_of_notice on deliveries (notice_id, state, id);
-- For bounces, which return it.
create unique index deliveries_message_id on deliveries (message_id) where message_id is not null;

-- The mail relay as all instances see it: whether it is down (one fault, not one a recipient), and
-- from when on the next mail may go under MAIL_RATE.
create table relay (
  id            integer primary key default 1 check (id = 1),
  -- Null while the relay works.
  down_since    timestamptz,
  stage         text,
  -- Its own words, addresses left out.
  fault         text,
  faults        integer not null default 0,
  -- When one instance may try one mail.
  probe_at      timestamptz,
  rate_free_at  timestamptz,
  check ((down_since is null) = (probe_at is null))
);
insert into relay default values;

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
-- One a person and version, whichever of their mails they answer.
create unique index objections_once on objections (subscriber_id, version);
create index objections_of_version on objections (version, id);

-- Once the person is erased the objection stays as a fact of the contract, without an address in what
-- was written (GDPR Art. 17(3)(e)).
create function forget_objector() returns trigger language plpgsql as $$
begin
  new.grounds := regexp_replace(new.grounds, '[^\s<>()",;:]+@[^\s<>()",;:]+', '[address]', 'g');
  new.note := regexp_replace(new.note, '[^\s<>()",;:]+@[^\s<>()",;:]+', '[address]', 'g');
  return new;
end $$;
create trigger objections_forget_the_person before update of subscriber_id on objections
  for each row when (old.subscriber_id is not null and new.subscriber_id is null) execute function forget_objector();
