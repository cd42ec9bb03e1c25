-- What was done to the draft, step by step: to be shown, and to be taken back.

create table draft_edits (
  id          bigint generated always as identity primary key,
  -- The draft's revision that it made.
  revision    bigint not null,
  at          timestamptz not null,
  by          jsonb not null,
  -- The steps (src/list/edit.ts); null: the whole draft was replaced by a text.
  steps       jsonb,
  -- The entries that it touched, as `sub-processor/twilio`.
  refs        text[] not null default '{}',
  -- What a text replaced (document, source, sourceIds), so that it can be taken back; null: nothing was
  -- there, or it is too long ago.
  before      jsonb,
  -- The edit that it took back.
  undoes      bigint references draft_edits
);
create index draft_edits_of on draft_edits using gin (refs);
-- Asked every few seconds by each page on which somebody edits.
create index draft_edits_since on draft_edits (revision);
create unique index draft_edits_undone_once on draft_edits (undoes) where undoes is not null;

-- An admin's own YAML follows what is edited by form when it is asked for. Which entries it holds, while it
-- does not yet say what the document says; null: it says the same.
alter table drafts add column source_ids jsonb;
