import type { Actor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import type { Db } from '../database/query.js';
import { transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { type Fault, Refusal } from '../errors.js';
import { readLine } from './details.js';
import {
  deleteGroupRow,
  lockGroup,
  type NoticeGroup,
  type PeriodInUse,
  selectGroup,
  selectGroups,
  selectLongestPeriod,
  selectPeriodsInUse,
  upsertGroup,
} from './group-queries.js';

export type { NoticeGroup, PeriodInUse } from './group-queries.js';

const longestId = 60;
const longestName = 100;
export const mostNoticeDays = 365;

/** All groups, the shortest notice period first. */
export async function listGroups(db: Db): Promise<NoticeGroup[]> {
  return selectGroups(db);
}

/** @throws Refusal `group.missing` */
export async function readGroup(db: Db, id: string): Promise<NoticeGroup> {
  const group = await selectGroup(db, id);
  if (group === null) throw missing(id);
  return group;
}

/**
 * Makes a group, or gives it another name or notice period. A period holds for what is published from now
 * on; the dates of what is announced stay.
 * @param options `isNew`: whoever asks believes that there is none of that id, so that none is overwritten
 * @throws Refusal `input.invalid` with paths `id`, `name`, `noticeDays`
 */
export async function saveGroup(
  deps: Pick<Deps, 'db' | 'now'>,
  group: { id: string; name: string; noticeDays: number },
  actor: Actor,
  options: { isNew?: boolean } = {},
): Promise<{ group: NoticeGroup; added: boolean }> {
  const { id, noticeDays } = group;
  const name = readName(group.name);
  const faults = [
    ...(/^[a-z0-9]+(-[a-z0-9]+)*$/.test(id) && id.length <= longestId
      ? []
      : [
          {
            path: 'id',
            message: `must be lower case letters, digits and hyphens such as "dpa-30", at most ${longestId}`,
          },
        ]),
    ...(typeof name === 'string' ? [] : [name]),
    ...(Number.isInteger(noticeDays) && noticeDays >= 0 && noticeDays <= mostNoticeDays
      ? []
      : [{ path: 'noticeDays', message: `must be a whole number of days from 0 to ${mostNoticeDays}` }]),
  ];
  if (faults.length > 0 || typeof name !== 'string') {
    throw new Refusal('input.invalid', faults.map(({ path, message }) => `${path} ${message}`).join('; '), faults);
  }
  const at = deps.now();
  return transaction(deps.db, async (tx) => {
    const before = await lockGroup(tx, id);
    if (before !== null && options.isNew === true) {
      throw new Refusal('input.invalid', `there is a group ${id} already`, [{ path: 'id', message: 'is taken' }]);
    }
    const added = await upsertGroup(tx, { id, name, noticeDays, at });
    const saved = await selectGroup(tx, id);
    if (saved === null) throw new Error(`group ${id} was not saved`);
    if (before === null || before.name !== name || before.noticeDays !== noticeDays) {
      await recordAudit(tx, {
        at,
        actor,
        action: added ? 'group.created' : 'group.changed',
        subject: `group ${id}`,
        detail: { ...(before === null ? {} : { before: { noticeDays: before.noticeDays } }), after: { noticeDays } },
      });
    }
    return { group: saved, added };
  });
}

/**
 * Removes a group that nobody is in: whoever was in it would otherwise be told with another period than
 * their contract says.
 * @throws Refusal `group.missing`, `group.in-use`
 */
export async function deleteGroup(deps: Pick<Deps, 'db' | 'now'>, id: string, actor: Actor): Promise<void> {
  const at = deps.now();
  await transaction(deps.db, async (tx) => {
    const group = await lockGroup(tx, id);
    if (group === null) throw missing(id);
    if (group.members > 0) {
      throw new Refusal('group.in-use', `group ${id} has ${group.members} members; put them into another one first`);
    }
    await deleteGroupRow(tx, id);
    const detail = { before: { noticeDays: group.noticeDays } };
    await recordAudit(tx, { at, actor, action: 'group.deleted', subject: `group ${id}`, detail });
  });
}

/**
 * How many days of notice the recipients of a publication are owed at most: the longest period of the
 * groups that have any, where whoever has no group counts with `defaultDays`. Without recipients it is
 * `defaultDays`. As cheap for a million recipients as for ten, since publishing waits for it.
 * @returns `group`: the name of the group that asks for it; null: it is everybody's
 */
export async function longestNoticePeriod(
  db: Db,
  defaultDays: number,
): Promise<{ days: number; group: string | null }> {
  return (await selectLongestPeriod(db, defaultDays)) ?? { days: defaultDays, group: null };
}

/** Every notice period that recipients have, with how many they are; the longest first. Reads all of them. */
export async function noticePeriodsInUse(db: Db, defaultDays: number): Promise<PeriodInUse[]> {
  return selectPeriodsInUse(db, defaultDays);
}

function readName(text: string): string | Fault {
  const name = readLine(text, longestName);
  if (typeof name === 'string') return name;
  return { path: 'name', message: name === null ? 'must not be empty' : name.message };
}

function missing(id: string): Refusal {
  return new Refusal('group.missing', `there is no group ${JSON.stringify(id.slice(0, longestId))}`);
}
