import pg from 'pg';

/*
 * What years of use leave in a database, made up: people, their events, the log, what waits for the admins.
 * Versions and the deliveries of notices are not here: the service makes them itself.
 */

const crowd = { subscribers: 100_000, groups: 20, auditEntries: 50_000, edits: 2_000, tasks: 500, objections: 1_000 };

/** People before anything is published: most are confirmed, some pending, some gone, a tenth by contract. */
export async function insertPeople(databaseUrl: string): Promise<void> {
  await withDatabase(databaseUrl, async (db) => {
    await db.query(
      `insert into notice_groups (id, name, notice_days, created_at)
       select 'group-' || n, 'Group ' || n, n % 60, now() from generate_series(1, $1::integer) n`,
      [crowd.groups],
    );
    await db.query(
      `insert into subscribers (email, email_key, email_hash, company, locale, status, created_at, confirmed_at,
         confirmed_moment, unsubscribed_at, kind, entitlement, notice_group)
       select address, address, sha256(address::bytea), 'Company ' || n % 7919, (array['en', 'de'])[1 + n % 2],
         case when n % 20 = 0 then 'pending' when n % 20 = 1 then 'unsubscribed' else 'confirmed' end,
         made, case when n % 20 = 0 then null else made + interval '1 hour' end,
         case when n % 20 = 0 then null else nextval('moments') end,
         case when n % 20 = 1 then made + interval '30 days' end,
         case when n % 10 = 5 then 'contractual' else 'voluntary' end,
         case when n % 10 = 5 then 'DPA ' || n end,
         case when n % 10 = 5 then 'group-' || (1 + n / 10 % $2::integer) end
       from generate_series(1, $1::integer) n,
         lateral (select 'person' || n || '@company' || n % 7919 || '.example' as address,
           now() - (n % 730) * interval '1 day' - interval '31 days' as made) made_up`,
      [crowd.subscribers, crowd.groups],
    );
    await db.query(
      `insert into subscriber_events (subscriber_id, at, kind, detail)
       select id, created_at, event, '{}' from subscribers, (values ('requested'), ('confirmed')) events (event)
       where status <> 'pending'`,
    );
    await db.query('vacuum analyze');
  });
}

/** What notices leave: mail that came back, objections, tasks, and a long log. */
export async function insertTraces(databaseUrl: string): Promise<void> {
  await withDatabase(databaseUrl, async (db) => {
    await db.query(
      `update deliveries set state = 'bounced', reason = 'mailbox-unknown', settled_at = now(), state_at = now(),
         response = '550 5.1.1 no such mailbox'
       where kind = 'notice' and id % 50 = 0 and state = 'sent'`,
    );
    await db.query(
      `insert into objections (delivery_id, subscriber_id, version, grounds, received_at, late, updated_at)
       select d.id, d.subscriber_id, n.version, 'We object to the transfer that this vendor brings.', now(), false, now()
       from deliveries d join notices n on n.id = d.notice_id
       where d.id % 50 = 1 and n.version = (select max(version) from notices) limit $1`,
      [crowd.objections],
    );
    await db.query(
      `insert into tasks (kind, subscriber_id, subject, opened_at, told_at)
       select 'bounced-contact', id, 'subscriber ' || id, now(), now() from subscribers
       where kind = 'contractual' order by id limit $1`,
      [crowd.tasks],
    );
    const actor = JSON.stringify({ kind: 'admin', id: 1, role: 'admin' });
    await db.query(
      `insert into draft_edits (revision, at, by, steps, refs)
       select n, now() - n * interval '1 minute', $2::jsonb, '[]', array['sub-processor/vendor-' || n % 2000]
       from generate_series(1, $1::integer) n`,
      [crowd.edits, actor],
    );
    await db.query(
      `insert into audit_log (at, actor, action, subject, detail, origin)
       select now() - n * interval '1 minute', $2::jsonb, (array['draft.edited', 'subscriber.updated',
         'admin.signed-in'])[1 + n % 3], 'subscriber ' || n, '{}', 'console 127.0.0.1'
       from generate_series(1, $1::integer) n`,
      [crowd.auditEntries, actor],
    );
    await db.query('vacuum analyze');
  });
}

async function withDatabase(databaseUrl: string, work: (db: pg.Client) => Promise<void>): Promise<void> {
  const db = new pg.Client(databaseUrl);
  await db.connect();
  try {
    await work(db);
  } finally {
    await db.end();
  }
}
