import { randomUUID } from 'node:crypto';
import type { Actor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import { sharePublishing } from '../database/locks.js';
import { transaction } from '../database/transaction.js';
import { type Fault, Refusal } from '../errors.js';
import { readCompany, readEntitlement, readServices, settleLocale } from './details.js';
import { selectGroupIds } from './group-queries.js';
import { putIntoEffect } from './import.js';
import type { ImportDeps, ImportResult } from './import-batch.js';
import { deleteRows, stageRows } from './import-queries.js';
import { unknownGroup } from './import-row.js';
import { insertEvent, lockSubscriberOf, setContract } from './queries.js';
import { readAddress } from './subscribe.js';

export interface NewContact {
  email: string;
  company: string;
  locale: string;
  services?: readonly string[];
  /** Where the contract says that they are to be told. */
  entitlement: string;
  /** Id of a notice group; null or empty: none, also for somebody who was in one. */
  group: string | null;
}

/**
 * - `added`: a contact who was not here; `updated`: who was here is a contact now, or has the new details.
 * - `suppressed`, `unsubscribed`: nothing was done, since only the owner of the address may bring it back.
 */
export type ContactOutcome = 'added' | 'updated' | 'suppressed' | 'unsubscribed';

/**
 * An admin enters one contractual contact: the same as a file with one row, by the same rules. The contract
 * entitles them, so nobody is asked to confirm; the notices' footer says why they come and how to leave.
 * @throws Refusal `address.invalid` (path `email`), `input.invalid` (`company`, `entitlement`, `group`, `services`)
 */
export async function addContact(
  deps: ImportDeps,
  contact: NewContact,
  actor: Actor,
  options: { knownServices: readonly string[] | null },
): Promise<ContactOutcome> {
  const address = readAddress(contact.email);
  const company = readCompany(contact.company);
  const entitlement = readEntitlement(contact.entitlement);
  if (entitlement === null)
    throw refuse({ path: 'entitlement', message: 'is missing: say where the contract entitles them' });
  const groups = await selectGroupIds(deps.db);
  const noticeGroup = contact.group === null || contact.group === '' ? null : contact.group;
  if (noticeGroup !== null && !groups.includes(noticeGroup)) {
    throw refuse({ path: 'group', message: unknownGroup(noticeGroup, groups) });
  }
  const row = {
    line: 1,
    email: address.address,
    emailKey: address.key,
    company,
    locale: settleLocale(deps.texts, contact.locale),
    services: readServices(contact.services, options.knownServices),
    toldOf: null,
    kind: 'contractual' as const,
    entitlement,
    noticeGroup,
    confirmed: true,
    confirmedAt: null,
    consent: null,
  };
  const importId = randomUUID();
  const result: ImportResult = { imported: 0, updated: 0, skipped: 0, errors: [] };
  try {
    await transaction(deps.db, (tx) => stageRows(tx, importId, [row], deps.now()));
    await putIntoEffect(deps, { importId, actor, result });
  } finally {
    await transaction(deps.db, (tx) => deleteRows(tx, importId, null));
  }
  const [skipped] = result.errors;
  if (skipped?.code === 'suppressed' || skipped?.code === 'unsubscribed') return skipped.code;
  // The group was removed at this very moment.
  if (skipped !== undefined) throw refuse({ path: 'group', message: skipped.message });
  if (result.imported > 0) return 'added';
  if (noticeGroup === null) await leaveGroup(deps, address.key, actor);
  return 'updated';
}

/** In a file an empty cell says nothing; whoever fills in the form has chosen that there is no group. */
async function leaveGroup(deps: ImportDeps, emailKey: string, actor: Actor): Promise<void> {
  const at = deps.now();
  await transaction(deps.db, async (tx) => {
    await sharePublishing(tx);
    const contact = await lockSubscriberOf(tx, emailKey);
    if (contact === null || contact.noticeGroup === null) return;
    const { entitlement, noticeGroup: groupBefore, kind: was } = contact;
    await setContract(tx, contact.id, { entitlement, noticeGroup: null });
    const detail = { via: 'import', by: actor, kind: 'contractual', entitlement, noticeGroup: null };
    await insertEvent(tx, { subscriberId: contact.id, at, kind: 'entitled', detail });
    await recordAudit(tx, {
      at,
      actor,
      action: 'subscriber.entitled',
      subject: `subscriber ${contact.id}`,
      detail: { was, group: null, groupBefore },
    });
  });
}

function refuse(fault: Fault): Refusal {
  return new Refusal('input.invalid', `${fault.path} ${fault.message}`, [fault]);
}
