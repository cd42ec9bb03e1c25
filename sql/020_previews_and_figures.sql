-- Files of subscribers that are looked at before they take effect, and what was counted day by day.

-- A file on its way in through the console: shown line by line, and put into effect when somebody says so.
create table subscriber_imports (
  id          uuid primary key,
  created_at  timestamptz not null,
  created_by  jsonb not null,
  -- Of the file, until it has taken effect; null: it was pasted.
  name        text,
  encoding    text not null,
  state       text not null check (state in ('reading', 'shown', 'applying', 'applied')),
  -- Lines by outcome, as they were shown.
  counts      jsonb not null default '{}',
  -- Lines by outcome, as they came out, and the numbers of those that came out otherwise. Nobody's data.
  result      jsonb not null default '{}',
  applied_at  timestamptz,
  applied_by  jsonb
);
create index subscriber_imports_since on subscriber_imports (created_at);

-- Its lines. They go when the file takes effect or is put aside, with their person, and after seven days.
create table subscriber_import_lines (
  import_id  uuid not null references subscriber_imports on delete cascade,
  line       integer not null,
  -- What would happen, as it was shown.
  outcome    text not null check (outcome in ('confirmed', 'asked', 'updated', 'unchanged', 'skipped', 'error')),
  why        text not null,
  -- What the words of `why` need.
  facts      jsonb not null default '{}',
  -- As it stands in the file.
  email      text not null,
  email_key  text,
  -- What the line says; null: it cannot take effect.
  row        jsonb,
  primary key (import_id, line)
);
create index subscriber_import_lines_by_outcome on subscriber_import_lines (import_id, outcome, line);
create index subscriber_import_lines_of on subscriber_import_lines (email_key) where email_key is not null;

-- How many people there were at the end of each day in TIME_ZONE, and who came and went on it. Numbers
-- alone, so they stay when a person is erased.
create table subscriber_days (
  day                date primary key,
  confirmed          integer not null,
  pending            integer not null,
  unsubscribed       integer not null,
  suppressed         integer not null,
  gained             integer not null,
  lost_unsubscribed  integer not null,
  lost_suppressed    integer not null,
  lost_erased        integer not null,
  -- Null: made up afterwards from those who were still there, so without whoever had been erased.
  counted_at         timestamptz
);

-- What an event makes of somebody's status; null: it leaves it as it is.
create function status_after(kind text, detail jsonb) returns text language sql immutable parallel safe as $$
  select case
    when kind in ('confirmed', 'entitled') then 'confirmed'
    when kind = 'imported' and detail->>'confirmed' = 'true' then 'confirmed'
    when kind in ('unsubscribed', 'suppressed') then kind
  end
$$;

-- How many mails reached a state that lasts, by the day on which they did.
create table delivery_days (
  day         date not null,
  state       text not null check (state in ('sent', 'bounced', 'failed', 'suppressed')),
  count       integer not null,
  counted_at  timestamptz not null,
  primary key (day, state)
);

-- What is counted of a day is found by its time: of a million mails those of today.
create index deliveries_sent_at on deliveries (sent_at) where sent_at is not null;
create index deliveries_settled_at on deliveries (settled_at) where state in ('bounced', 'failed', 'suppressed');
create index subscriber_events_since on subscriber_events (at);
create index audit_log_erasures on audit_log (at) where action = 'subscriber.erased';

-- A page of the members of a group, also of one that has none.
create index subscribers_grouped on subscribers (notice_group, id) where notice_group is not null;
