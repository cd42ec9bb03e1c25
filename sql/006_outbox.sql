-- The outbox at the speed of the wire, and what became of a delivery step by step.

-- A Message-ID now begins with the number of its delivery, so that a bounce finds the row without an
-- index: one over random values was the dearest part of each claim. Those made before are kept here.
create table former_message_ids (
  message_id   text primary key,
  delivery_id  bigint not null references deliveries
);
insert into former_message_ids (message_id, delivery_id)
  select message_id, id from deliveries where message_id is not null;
drop index deliveries_message_id;

alter table deliveries
  -- When it was last taken up to be handed over.
  add column claimed_at timestamptz,
  -- When the present state was reached.
  add column state_at timestamptz;

-- Each state that a delivery has passed through, beside what its own row says: created_at (queued),
-- claimed_at (sending), sent_at with the answer. So a notice that goes at the first attempt, as nearly all
-- do, costs no further row.
create table delivery_transitions (
  id           bigint generated always as identity primary key,
  delivery_id  bigint not null references deliveries,
  at           timestamptz not null,
  state        text not null,
  reason       text,
  -- The relay's own words.
  response     text,
  attempts     integer not null
);
create index delivery_transitions_of on delivery_transitions (delivery_id, id);

create function record_delivery_transition() returns trigger language plpgsql as $$
begin
  -- A bounce puts its words in the place of the relay's, which are the proof of the hand-over.
  if old.state = 'sent' and old.attempts <= 1 then
    insert into delivery_transitions (delivery_id, at, state, reason, response, attempts)
    values (old.id, coalesce(old.sent_at, clock_timestamp()), old.state, old.reason, old.response, old.attempts);
  end if;
  insert into delivery_transitions (delivery_id, at, state, reason, response, attempts)
  values (new.id, coalesce(new.state_at, clock_timestamp()), new.state, new.reason, new.response, new.attempts);
  return null;
end $$;
-- By the database, so that no way into a state can forget it.
create trigger deliveries_record_transitions after update on deliveries
  for each row when (
    old.state <> new.state and new.state <> 'sending' and (new.state <> 'sent' or new.attempts > 1))
  execute function record_delivery_transition();

-- Erasure takes the person out of the proof, and keeps the proof.
create function forget_recipient_in_transitions() returns trigger language plpgsql as $$
begin
  update delivery_transitions set response = regexp_replace(response, '[^\s<>()",;:]+@[^\s<>()",;:]+', '[address]', 'g')
  where delivery_id = new.id;
  return null;
end $$;
create trigger deliveries_forget_the_person after update of email on deliveries
  for each row when (old.email is not null and new.email is null) execute function forget_recipient_in_transitions();
