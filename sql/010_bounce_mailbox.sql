-- The mailbox of BOUNCE_IMAP_URL, as all instances see it.

create table bounce_mailbox (
  id         integer primary key default 1 check (id = 1),
  -- Null while it can be read.
  down_since timestamptz,
  -- What is wrong, as a code such as 'login-refused'.
  fault      text,
  -- The server's own words, addresses left out.
  response   text,
  faults     integer not null default 0,
  -- When one instance looks again.
  try_at     timestamptz,
  check ((down_since is null) = (try_at is null))
);
insert into bounce_mailbox default values;

-- Mails that were looked at and left for people, on servers that cannot mark that on the mail itself.
create table bounce_mailbox_left (
  -- A hash of server, user and folder.
  mailbox      bytea not null,
  uid_validity bigint not null,
  uid          bigint not null,
  primary key (mailbox, uid_validity, uid)
);
