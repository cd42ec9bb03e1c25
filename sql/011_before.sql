-- A notice that one admin sends to themselves before it is published.

alter table deliveries drop constraint deliveries_kind_check;
alter table deliveries add constraint deliveries_kind_check check (kind in (
  'notice', 'confirmation', 'already-subscribed', 'welcome', 'manage-link', 'address-changed', 'objection-receipt',
  'admin-tasks', 'test-notice'));
