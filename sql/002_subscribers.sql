-- People who asked to be told, the links that confirm them, and addresses that are not mailed.

-- Orders confirmations and publications among each other without trusting clocks: a confirmation
-- takes its number under a shared lock, a publication under the exclusive one.
create sequence moments;

create table subscribers (
  id               bigint generated always as identity primary key,
  -- As it is mailed: local part as typed (NFC), domain in lower case as A-labels.
  email            text not null,
  -- As it is compared: one person, however it was typed.
  email_key        text not null unique,
  -- HMAC of email_key, the only trace that outlives an erasure.
  email_hash       bytea not null unique,
  company          text,
  locale           text not null,
  -- null: every service.
  services         text[],
  told_of          text not null default 'all' check (told_of in ('all', 'material')),
  status           text not null check (status in ('pending', 'confirmed', 'unsubscribed')),
  created_at       timestamptz not null,
  -- The latest consent; earlier ones are in the events. Null: never confirmed.
  confirmed_at     timestamptz,
  confirmed_moment bigint,
  unsubscribed_at  timestamptz,
  check (status <> 'confirmed' or (confirmed_at is not null and confirmed_moment is not null))
);
create index subscribers_confirmed on subscribers (id) where status = 'confirmed';
-- What the purge looks at: people who never confirmed.
create index subscribers_unproven on subscribers (created_at) where confirmed_at is null;

-- What happened to a subscriber, with the evidence of consent: wording, place, time.
create table subscriber_events (
  id             bigint generated always as identity primary key,
  subscriber_id  bigint not null references subscribers on delete cascade,
  at             timestamptz not null,
  kind           text not null check (kind in (
    'requested', 'repeated', 'confirmed', 'unsubscribed', 'imported', 'updated', 'preferences',
    'address-changed', 'suppressed', 'revived')),
  detail         jsonb not null default '{}'
);
create index subscriber_events_of on subscriber_events (subscriber_id, id);

-- Links that are good once. The token itself is kept nowhere: it is the HMAC of the nonce under
-- SECRET_KEY, so the letter can be composed when it is sent, and a copy of the database opens nothing.
create table single_use_tokens (
  id             bigint generated always as identity primary key,
  purpose        text not null check (purpose in ('confirm', 'manage', 'change-address')),
  subscriber_id  bigint not null references subscribers on delete cascade,
  nonce          bytea not null,
  token_hash     bytea not null unique,
  -- SHA-256 of the nonce in the cookie of the browser that sent the form.
  browser_hash   bytea,
  -- What the confirmation brings into force: the form's company, locale and services, or the new address.
  detail         jsonb not null default '{}',
  created_at     timestamptz not null,
  -- The letter that carries the link: its time runs from when that letter went, however long the
  -- relay was down. (No reference: the outbox comes later, and its rows are never deleted.)
  delivery_id    bigint,
  used_at        timestamptz
);
create index single_use_tokens_of on single_use_tokens (subscriber_id, purpose);

create table suppressions (
  email_hash  bytea primary key,
  reason      text not null check (reason in ('hard-bounce', 'complaint', 'erased', 'admin')),
  detail      text,
  created_at  timestamptz not null
);

-- Letters that anybody's form can cause, by whom they reach. A row also serves as the lock of its
-- address: whoever sends the same form twenty times at once stands in line here.
create table letter_limits (
  -- 'form:' and the hash of an address, or 'manage:' and a subscriber.
  bucket      text primary key,
  -- When the last letters were ordered, oldest first.
  letters     timestamptz[] not null default '{}',
  touched_at  timestamptz not null
);

-- The same by domain: a form may not be aimed at one mail server.
create table domain_limits (
  domain       text primary key,
  window_from  timestamptz not null,
  letters      integer not null
);

-- A file on its way in. It is read to its end, and refused or not, before the first row takes effect;
-- unlogged, since after a crash the admin sends the file again.
create unlogged table import_rows (
  import_id     uuid not null,
  line          integer not null,
  email         text not null,
  email_key     text not null,
  company       text,
  locale        text,
  services      text[],
  told_of       text,
  confirmed     boolean not null,
  confirmed_at  timestamptz,
  consent       text,
  created_at    timestamptz not null,
  primary key (import_id, email_key)
);
create index import_rows_in_order on import_rows (import_id, line);
