-- Versions published within a quiet time reach a recipient as one notice of the net change.

alter table notices
  -- Not before; what waits until then may still be taken over by a later version.
  add column send_after timestamptz,
  -- The later version that took over what this one was to tell: with its notice, or with none when all
  -- of it was taken back. Null: it carries itself.
  add column merged_into integer references versions,
  -- Null while it waits: recipients are those who are confirmed when it begins to go out. All that go
  -- out as one notice have the same moment.
  alter column moment drop not null;
update notices set send_after = ordered_at;
alter table notices
  alter column send_after set not null,
  -- For an instance of the version before that still runs during an update.
  alter column send_after set default now(),
  add check (kind = 'change' or moment is not null),
  add check (merged_into > version);
create index notices_of_moment on notices (moment);
create index notices_waiting on notices (version) where moment is null;
create index notices_merged on notices (merged_into) where merged_into is not null;
