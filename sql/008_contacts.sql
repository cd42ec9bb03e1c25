-- Contacts that are entitled by a contract, groups with a notice period of their own, and what admins
-- have to see to.

create table notice_groups (
  id           text primary key check (id ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
  name         text not null,
  notice_days  integer not null check (notice_days between 0 and 365),
  created_at   timestamptz not null
);

alter table subscribers
  add column kind text not null default 'voluntary' check (kind in ('voluntary', 'contractual')),
  -- Where the contract says so, such as "DPA of 4 January 2027".
  add column entitlement text,
  add column notice_group text references notice_groups,
  add constraint subscribers_entitled check ((kind = 'contractual') = (entitlement is not null)),
  add constraint subscribers_grouped check (notice_group is null or kind = 'contractual');
-- Which groups have members decides the earliest date of a publication, which answers at once whatever
-- their number.
create index subscribers_of_group on subscribers (notice_group) where status = 'confirmed';
create index subscribers_contractual on subscribers (id) where kind = 'contractual';

alter table import_rows
  add column kind text,
  add column entitlement text,
  add column notice_group text;

-- 'entitled': a contract is named for the first time, or another one.
alter table subscriber_events drop constraint subscriber_events_kind_check;
alter table subscriber_events add constraint subscriber_events_kind_check check (kind in (
  'requested', 'repeated', 'confirmed', 'unsubscribed', 'imported', 'updated', 'preferences',
  'address-changed', 'suppressed', 'revived', 'entitled'));

-- What admins have to see to, since a program cannot: a contact who is lost, a publication that waits.
create table tasks (
  id             bigint generated always as identity primary key,
  -- No list here: each version of the service may have kinds of its own.
  kind           text not null,
  -- Whom it is about; null once they are erased, and for what is about nobody.
  subscriber_id  bigint references subscribers on delete set null,
  -- What it is about, as in the audit log: 'subscriber 17', 'version 3', 'relay'.
  subject        text not null,
  detail         jsonb not null default '{}',
  opened_at      timestamptz not null,
  -- When a letter to the admins was ordered that names it.
  told_at        timestamptz,
  done_at        timestamptz,
  done_by        jsonb,
  note           text,
  check ((done_at is null) = (done_by is null))
);
-- However often a contact bounces, one task is open. By the subject and not by the person, which an
-- erasure takes away.
create unique index tasks_open_once on tasks (kind, subject) where done_at is null;
create index tasks_untold on tasks (id) where done_at is null and told_at is null;
create index tasks_told on tasks (told_at);
create index tasks_of_subscriber on tasks (subscriber_id) where subscriber_id is not null;

alter table deliveries drop constraint deliveries_kind_check;
alter table deliveries add constraint deliveries_kind_check check (kind in (
  'notice', 'confirmation', 'already-subscribed', 'welcome', 'manage-link', 'address-changed', 'objection-receipt',
  'admin-tasks'));
