import { stringify } from 'csv-stringify/sync';
import type { Actor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import { transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { toSpreadsheet } from '../spreadsheet.js';
import { type Column, columns } from './csv.js';
import { type ExportedSubscriber, selectForExport } from './export-queries.js';

const page = 1_000;

/**
 * All subscribers as CSV, page by page, in the columns that the import reads: a file that was exported
 * here can be imported into a fresh instance, with the consent of each as text. UTF-8 with a byte
 * order mark, without which spreadsheets take it for something else. Cells that a spreadsheet would
 * run as formulas get an apostrophe in front, which the import takes away again.
 *
 * The audit log says who took the addresses out.
 */
export async function* exportSubscribers(deps: Pick<Deps, 'db' | 'now'>, actor: Actor): AsyncGenerator<string> {
  const at = deps.now();
  await transaction(deps.db, (tx) =>
    recordAudit(tx, { at, actor, action: 'subscribers.exported', subject: 'subscribers' }),
  );
  yield `\uFEFF${columns.join(',')}\r\n`;
  let after = 0;
  for (;;) {
    const rows = await selectForExport(deps.db, after, page);
    const last = rows.at(-1);
    if (last === undefined) return;
    yield stringify(rows.map(cellsOf), { columns: [...columns], record_delimiter: '\r\n' });
    after = last.id;
  }
}

function cellsOf(subscriber: ExportedSubscriber): Record<Column, string> {
  return {
    email: toSpreadsheet(subscriber.email),
    company: toSpreadsheet(subscriber.company ?? ''),
    locale: subscriber.locale,
    services: (subscriber.services ?? []).join(' '),
    status: subscriber.suppression === null ? subscriber.status : 'suppressed',
    confirmedAt: subscriber.confirmedAt?.toISOString() ?? '',
    consent: toSpreadsheet(consentOf(subscriber)),
    toldOf: subscriber.toldOf,
    kind: subscriber.kind,
    group: subscriber.noticeGroup ?? '',
    entitlement: toSpreadsheet(subscriber.entitlement ?? ''),
  };
}

/** Where and when consent was given, in one line; the whole evidence is in the events. */
function consentOf({ evidence, confirmedAt }: ExportedSubscriber): string {
  if (evidence === null || confirmedAt === null) return '';
  if (typeof evidence.consent === 'string') return evidence.consent;
  // Entitled by a contract and never asked.
  if (evidence.kind === 'contractual') return '';
  const { via, wording, requestedAt } = evidence;
  const asked = typeof requestedAt === 'string' ? `asked ${requestedAt}` : 'asked';
  const how = typeof via === 'string' ? ` by ${via}` : '';
  const said = typeof wording === 'string' ? `: ${wording.replace(/\s+/g, ' ')}` : '';
  return `Double opt-in, ${asked}${how}, confirmed by mail ${confirmedAt.toISOString()}${said}`;
}
