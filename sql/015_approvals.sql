-- Four eyes: who has approved which draft. By its hash, so that an approval ends with the first letter that
-- is changed, and holds again if that is taken back.

create table approvals (
  id      bigint generated always as identity primary key,
  -- SHA-256 of the draft's document as canonical JSON.
  hash    text not null check (hash ~ '^[0-9a-f]{64}$'),
  by      jsonb not null,
  at      timestamptz not null
);
create index approvals_of on approvals (hash, id);
create trigger approvals_never_change before update or delete on approvals
  for each row execute function refuse_change();
create trigger approvals_are_not_emptied before truncate on approvals
  for each statement execute function refuse_change();
