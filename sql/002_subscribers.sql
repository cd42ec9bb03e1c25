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
  confirmed_at     timestamptz,
  confirmed_moment bigint,
  unsubscribed_at  timestamptz,
  check (status <> 'confirmed' or (confirmed_at is not null and confirmed_moment is not null))
);
create index subscribers_confirmed on subscribers (id) where status = 'confirmed';
create index subscribers_pending on subscribers (created_at) where status = 'pending';

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
  detail         jsonb not null default '{}',
  created_at     timestamptz not null,
  used_at        timestamptz
);
create index single_use_tokens_of on single_use_tokens (subscriber_id, purpose);

create table suppressions (
  email_hash  bytea primary key,
  reason      text not null check (reason in ('hard-bounce', 'complaint', 'erased', 'admin')),
  detail      text,
  created_at  timestamptz not null
);

-- Letters that anybody's form can cause, counted by whom they reach: an address, a domain.
create table mail_limits (
  bucket       text primary key,
  window_from  timestamptz not null,
  count        integer not null
);
