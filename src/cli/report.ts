import type { Db } from '../database/query.js';
import { browseDeliveries, type DeliveryReport, deliveryReport } from '../notices/report.js';
import { adminVersionJson } from '../routes/api/wire.js';
import { readVersionState } from '../versions/read.js';
import { type Command, UsageError } from './command.js';
import { withDeps } from './open.js';

/** The evidence that a version was told: its dates and hash, and for each recipient what became of their notice. */
export const reportCommand: Command = {
  name: 'report',
  usage: 'N [--json]',
  summary: 'Tells who was told of version N and when; with --json a line for the version, then one a recipient.',
  options: { json: { type: 'boolean' } },
  arguments: { min: 1, max: 1 },
  async run({ positionals: [number = ''], flag }, surroundings) {
    if (!/^[1-9]\d{0,8}$/.test(number)) throw new UsageError('report needs the number of a version, such as 3');
    const { say } = surroundings;
    await withDeps(surroundings, async ({ db, now }) => {
      const { version, state } = await readVersionState(db, Number(number), now());
      const report = await deliveryReport(db, version.number);
      const facts = adminVersionJson(version, state);
      if (flag('json')) {
        say(JSON.stringify({ version: facts, counts: report.counts, complete: report.complete }));
        for await (const delivery of deliveriesOf(db, version.number)) say(JSON.stringify(delivery));
        return;
      }
      say(`Version ${version.number} (${state}), ${version.hash}`);
      say(`  published ${version.publishedAt.toISOString()}, in force from ${version.effectiveAt.toISOString()}`);
      if (version.objectionDeadline !== null) say(`  objections until ${version.objectionDeadline.toISOString()}`);
      for (const line of countLines(report)) say(`  ${line}`);
      for await (const { state: was, email, sentAt, response, reason } of deliveriesOf(db, version.number)) {
        say([was, sentAt?.toISOString() ?? '-', email ?? '(erased)', response ?? reason ?? ''].join('\t').trimEnd());
      }
    });
    return 0;
  },
};

function countLines({ counts, complete, notices }: DeliveryReport): string[] {
  if (notices.length === 0) return ['nobody was to be told'];
  const parts = Object.entries(counts).flatMap(([state, count]) => (count === 0 ? [] : [`${count} ${state}`]));
  return [`${parts.join(', ') || 'no recipients'}${complete ? '' : '; not complete yet'}`];
}

async function* deliveriesOf(db: Db, version: number) {
  let after: number | undefined;
  do {
    const page = await browseDeliveries(db, version, { after, limit: 1_000 });
    yield* page.deliveries;
    after = page.next ?? undefined;
  } while (after !== undefined);
}
