import type { Test } from 'tap';
import { fanOut } from '../../src/notices/fan-out.js';
import { deliveryReport } from '../../src/notices/report.js';
import { withdraw } from '../../src/versions/withdraw.js';
import { addSubscribers } from '../deliveries/make.js';
import { aList, officer, openStage } from './make.js';

/** Of the quiet time that a version published at the start opens. */
export const end = '2027-01-04T10:00:00.000Z';

/** An hour of quiet time; version 1 is published, and Ann is told of what follows. */
export async function openQuiet(t: Test, env: Readonly<Record<string, string>> = {}) {
  const stage = await openStage(t, { QUIET_MINUTES: '60', ...env });
  await stage.publish(aList('Twilio'));
  await addSubscribers(stage.deps.db, [{ email: 'ann@example.org' }]);
  return {
    ...stage,
    take: (number: number, reason = 'a mistake') => withdraw(stage.deps, number, reason, officer),
    fanOut: () => fanOut(stage.deps),
    /** What mail was made of: version, kind, base and the names of what it tells. */
    told: async () => {
      const { rows } = await stage.deps.db.query<{ line: string }>(
        `select n.version || ' ' || n.kind || ' since ' || n.base_version || ': '
           || (select string_agg(c ->> 'name' || ' ' || regexp_replace(c ->> 'kind', '.*-', ''), ', ')
               from jsonb_array_elements(n.changes) c) as line
         from deliveries d join notices n on n.id = d.notice_id where d.state = 'queued' or d.sent_at is not null
         order by d.id`,
      );
      return rows.map(({ line }) => line);
    },
    markSent: () =>
      stage.deps.db.query(`update deliveries set state = 'sent', attempts = 1, sent_at = $1 where state = 'queued'`, [
        stage.clock.now(),
      ]),
    report: (version: number) => deliveryReport(stage.deps.db, version),
  };
}
