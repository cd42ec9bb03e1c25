-- Who an admin is to the identity provider. The address is no key: it may change, and go to somebody else.

create table oidc_identities (
  issuer      text not null,
  -- The provider's own name for the person, 255 characters at most (OpenID Connect Core 1.0, 2).
  subject     text not null,
  admin_id    bigint not null references admins on delete cascade,
  created_at  timestamptz not null,
  primary key (issuer, subject),
  unique (admin_id, issuer)
);
