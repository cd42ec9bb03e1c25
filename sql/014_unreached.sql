-- Deliveries as admins look for them: who was not reached, and why.

-- What did not arrive, or not yet, of every notice and letter, newest first: beside what went these are few.
create index deliveries_unreached on deliveries (id)
  where state in ('deferred', 'bounced', 'failed', 'suppressed');
