-- Who may do what, and the record of what they did.

create table admins (
  id             bigint generated always as identity primary key,
  email          text not null,
  email_key      text not null unique,
  password_hash  text not null,
  role           text not null check (role in ('viewer', 'editor', 'publisher', 'admin')),
  created_at     timestamptz not null
);

-- The one-time link by which the first admin is made.
create table setup_links (
  token_hash  bytea primary key,
  created_at  timestamptz not null,
  used_at     timestamptz
);

create table sessions (
  token_hash    bytea primary key,
  admin_id      bigint not null references admins on delete cascade,
  created_at    timestamptz not null,
  last_seen_at  timestamptz not null
);

-- Sign-ins tried, by whom they try to be and from where (both as an HMAC), so that guessing gets slow
-- on every instance at once without locking the owner out elsewhere.
create table sign_in_limits (
  bucket         bytea primary key,
  attempts       integer not null,
  last_at        timestamptz not null,
  blocked_until  timestamptz not null
);

create table api_tokens (
  id            bigint generated always as identity primary key,
  name          text not null,
  role          text not null check (role in ('viewer', 'editor', 'publisher', 'admin')),
  token_hash    bytea not null unique,
  created_at    timestamptz not null,
  expires_at    timestamptz,
  last_used_at  timestamptz,
  revoked_at    timestamptz
);

create table audit_log (
  id       bigint generated always as identity primary key,
  at       timestamptz not null,
  actor    jsonb not null,
  action   text not null,
  -- What it was done to, such as 'version 3' or 'subscriber 17'.
  subject  text not null,
  detail   jsonb not null default '{}'
);
create index audit_log_actions on audit_log (action, id);

create trigger audit_log_never_changes before update or delete on audit_log
  for each row execute function refuse_change();
create trigger audit_log_is_not_emptied before truncate on audit_log
  for each statement execute function refuse_change();
