-- One row: when some instance last ran, and in which database. A restored copy, or a service that
-- wakes after a long night, must not send by itself what may have been sent or outdated meanwhile.
create table service_state (
  id            integer primary key default 1 check (id = 1),
  last_seen_at  timestamptz not null,
  -- Which cluster and database this is; in a restored copy at least one of the two differs.
  cluster       text not null,
  database_oid  bigint not null,
  -- Whatever was ordered before this moment waits until an admin releases it; null: nothing waits.
  held_since    timestamptz,
  held_because  text check (held_because in ('gap', 'copy')),
  check ((held_since is null) = (held_because is null))
);
