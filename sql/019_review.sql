-- What belongs to a draft beside its document: the message to subscribers, and the severities that a person
-- has set otherwise than the rules do (src/list/grading.ts). Both go with the draft when it is published.

alter table drafts add column message text;
alter table drafts add column gradings jsonb not null default '[]';

-- A planned publication keeps those of its draft; its message stands in the request.
alter table scheduled_publications add column gradings jsonb not null default '[]';

-- Those that held when the version was published: comparisons over several versions go by them as well.
alter table versions add column gradings jsonb not null default '[]';
