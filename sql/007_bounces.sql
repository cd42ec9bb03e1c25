-- What became of mails after the relay had taken them: evidence, one row a report.

create table bounces (
  id              bigint generated always as identity primary key,
  delivery_id     bigint not null references deliveries,
  -- Of the address that the mail went to; outlives the person.
  recipient_hash  bytea not null,
  received_at     timestamptz not null,
  kind            text not null check (kind in (
    'hard', 'soft', 'block', 'complaint', 'auto-reply', 'delayed', 'delivered', 'feedback')),
  -- Why, as a code such as 'mailbox-unknown'.
  reason          text,
  -- RFC 3463, such as '5.1.1'.
  status          text,
  -- What the remote mail system said.
  diagnostic      text not null check (length(diagnostic) <= 1000),
  source          text not null check (source in ('dsn', 'arf', 'mail', 'ses', 'postmark', 'sendgrid', 'mailgun')),
  -- The same report twice has the same key, whichever way it comes.
  event_key       text not null unique
);
create index bounces_of_delivery on bounces (delivery_id, id);

-- Once the person is erased the report stays without an address, as the relay's answer does (GDPR Art. 17(3)(e)).
create function forget_bounced() returns trigger language plpgsql as $$
begin
  update bounces set diagnostic = left(
    regexp_replace(diagnostic, '[^\s<>()",;:]+@[^\s<>()",;:]+', '[address]', 'g'), 1000)
  where delivery_id = new.id;
  return null;
end $$;
create trigger deliveries_forget_the_bounced after update of email on deliveries
  for each row when (old.email is not null and new.email is null) execute function forget_bounced();

-- Mailgun signs a token and not the event beside it: each token is good once. Rows go after half a day.
create table webhook_tokens (
  token_hash  bytea primary key,
  seen_at     timestamptz not null
);
create index webhook_tokens_seen on webhook_tokens (seen_at);

-- 'soft-bounces': nothing final was said, but mail after mail came back for weeks.
alter table suppressions drop constraint suppressions_reason_check;
alter table suppressions add constraint suppressions_reason_check
  check (reason in ('hard-bounce', 'soft-bounces', 'complaint', 'erased', 'admin'));
