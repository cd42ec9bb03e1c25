-- Accounts: a second factor, sessions that can be told apart and ended, invitations and links for a new password.

alter table admins
  -- Null: they may sign in.
  add column disabled_at timestamptz,
  -- False: the account was made at an identity provider, and nobody knows its password.
  add column has_password boolean not null default true,
  add column last_signed_in_at timestamptz,
  -- In which they are written to: that of their last sign-in. Null: the default one.
  add column locale text,
  -- Counted up whenever a second factor ends, so that the next one has another secret.
  add column second_factor_round integer not null default 0;

update admins set has_password = false where exists (
  select from audit_log where subject = 'admin ' || admins.id and action = 'admin.created' and detail ->> 'how' = 'oidc');
update admins set last_signed_in_at = (
  select max(at) from audit_log where subject = 'admin ' || admins.id and action = 'admin.signed-in');

create table second_factors (
  admin_id   bigint primary key references admins on delete cascade,
  -- Encrypted: a copy of the database makes no codes.
  secret     bytea not null,
  -- The last time step whose code was used (RFC 6238, 5.2: a code is good once).
  last_step  bigint not null,
  since      timestamptz not null
);

create table recovery_codes (
  admin_id   bigint not null references admins on delete cascade,
  code_hash  bytea not null,
  used_at    timestamptz,
  primary key (admin_id, code_hash)
);

alter table sessions
  -- Names a session without opening it.
  add column id bigint generated always as identity unique,
  -- What they have proven it by: 'password', 'second-factor', 'recovery-code', 'oidc', 'link'; null: from before this was kept.
  add column how text,
  add column browser text,
  add column system text,
  -- Shortened: a /24, or a /48.
  add column area text;
create index sessions_of on sessions (admin_id);

-- Links by mail: an invitation makes an account, a reset gives one a new password. The token stands
-- nowhere, only its hash and the nonce that it is made of, with SECRET_KEY, when the letter goes.
create table admin_links (
  id           bigint generated always as identity primary key,
  purpose      text not null check (purpose in ('invitation', 'reset')),
  -- Of an invitation.
  email        text,
  email_key    text,
  role         text check (role in ('viewer', 'editor', 'publisher', 'admin')),
  -- Of a reset.
  admin_id     bigint references admins on delete cascade,
  nonce        bytea not null,
  token_hash   bytea not null unique,
  life_minutes integer not null,
  locale       text not null,
  made_by      jsonb not null,
  created_at   timestamptz not null,
  -- Its life counts from when the letter went.
  delivery_id  bigint references deliveries,
  used_at      timestamptz,
  revoked_at   timestamptz,
  check ((purpose = 'invitation') = (email_key is not null and email is not null and role is not null)),
  check ((purpose = 'reset') = (admin_id is not null))
);
create unique index admin_links_one_invitation on admin_links (email_key)
  where purpose = 'invitation' and used_at is null and revoked_at is null;
create index admin_links_of on admin_links (admin_id, created_at);

alter table deliveries drop constraint deliveries_kind_check;
alter table deliveries add constraint deliveries_kind_check check (kind in (
  'notice', 'confirmation', 'already-subscribed', 'welcome', 'manage-link', 'address-changed', 'objection-receipt',
  'admin-tasks', 'test-notice', 'admin-invitation', 'admin-reset', 'admin-changed'));
