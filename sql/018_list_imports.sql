-- A file or a pasted text on its way into the draft: what it was read as, what its tables and columns are taken
-- for, and which entries were found to be the same. Nothing of it is in the list before somebody takes it over;
-- then, or after seven days, its contents go.

create table list_imports (
  id               bigint generated always as identity primary key,
  created_at       timestamptz not null,
  by               jsonb not null,
  -- As the browser called it; null: the text was pasted.
  file_name        text,
  -- The tables (src/list/import/tables.ts) as JSON. Text and not jsonb: it is read whole or not at all, and what
  -- a file holds need not be what jsonb can.
  source           text,
  -- What each table and column is taken for (src/list/import/mapping.ts).
  mapping          jsonb,
  -- The import is the whole list, or adds to the one that is there.
  mode             text not null check (mode in ('replace', 'merge')),
  -- For each suggested pair that was decided: the two ids that are one entry, or null for none.
  pairs            jsonb not null default '{}',
  -- Another for each state of the above, so that nobody takes over what they have not seen.
  revision         bigint not null default 1,
  -- The draft's revision that it made; its contents are gone then.
  applied_revision bigint,
  constraint list_imports_erased_when_applied
    check ((applied_revision is null) = (source is not null) and (source is null) = (mapping is null))
);
create index list_imports_by_age on list_imports (created_at);
