import { type Actor, systemActor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import type { Db } from '../database/query.js';
import { transaction } from '../database/transaction.js';
import { wake } from '../database/wake.js';
import type { Deps } from '../deps.js';
import {
  countWaiting,
  lockState,
  type State,
  selectPlace,
  selectState,
  touchState,
  type Waiting,
  writeState,
} from './queries.js';

/** What waits for an admin's word, and why. */
export interface Hold {
  since: Date;
  /** `gap`: no instance ran for longer than HOLD_AFTER_HOURS. `copy`: this database is a restored copy. */
  because: 'gap' | 'copy';
  waiting: Waiting;
}

/**
 * Called at each start, before anything is sent. Where no instance has run for longer than
 * `holdAfterHours`, or the database is another than the one that was recorded (a restored copy, whose
 * original may have sent all this already), everything ordered before now is held: claims, fan-out and
 * planned publications pass it over until `release`. Nothing is held when nothing waits.
 * @returns the hold that is in force afterwards; null when there is none
 */
export async function checkIn(deps: Pick<Deps, 'db' | 'now' | 'config'>): Promise<Hold | null> {
  return transaction(deps.db, async (tx) => {
    const place = await selectPlace(tx);
    const state = await lockState(tx);
    const now = deps.now();
    const because = state === null ? null : reasonToHold(state, place, now, deps.config.holdAfterHours);
    const waiting = because === null ? null : await countWaiting(tx, now);
    const holds = waiting !== null && Object.values(waiting).some((count) => count > 0);
    const heldSince = holds ? now : (state?.heldSince ?? null);
    const heldBecause = holds ? because : (state?.heldBecause ?? null);
    await writeState(tx, { lastSeenAt: now, ...place, heldSince, heldBecause });
    if (holds) {
      await recordAudit(tx, {
        at: now,
        actor: systemActor,
        action: 'sending.held',
        subject: 'everything overdue',
        detail: { because, ...waiting, lastSeenAt: state?.lastSeenAt.toISOString() },
      });
    }
    return readHold(tx);
  });
}

/** Says that an instance runs; called once a minute by each. */
export async function stayAwake(deps: Pick<Deps, 'db' | 'now'>): Promise<void> {
  await touchState(deps.db, deps.now());
}

/** The hold in force, for those who can release it. */
export async function readHold(db: Db): Promise<Hold | null> {
  const state = await selectState(db);
  if (state === null || state.heldSince === null || state.heldBecause === null) return null;
  return { since: state.heldSince, because: state.heldBecause, waiting: await countWaiting(db, state.heldSince) };
}

/** Whether what was ordered at `at` waits for a release. */
export async function isHeld(db: Db, at: Date): Promise<boolean> {
  const since = (await selectState(db))?.heldSince ?? null;
  return since !== null && at < since;
}

/**
 * Lets everything that is held go its way: what is due is sent, and a publication that is late is
 * published or held by its own rule (versions/scheduled.ts).
 * @returns what was held; null when nothing was
 */
export async function release(deps: Pick<Deps, 'db' | 'now'>, actor: Actor): Promise<Hold | null> {
  return transaction(deps.db, async (tx) => {
    const state = await lockState(tx);
    if (state === null || state.heldSince === null || state.heldBecause === null) return null;
    const waiting = await countWaiting(tx, state.heldSince);
    await writeState(tx, { ...state, heldSince: null, heldBecause: null });
    await recordAudit(tx, {
      at: deps.now(),
      actor,
      action: 'sending.released',
      subject: 'everything overdue',
      detail: { because: state.heldBecause, ...waiting },
    });
    for (const channel of ['notices', 'deliveries', 'versions'] as const) await wake(tx, channel);
    return { since: state.heldSince, because: state.heldBecause, waiting };
  });
}

function reasonToHold(
  state: State,
  place: { cluster: string; databaseOid: number },
  now: Date,
  holdAfterHours: number,
): 'gap' | 'copy' | null {
  if (state.cluster !== place.cluster || state.databaseOid !== place.databaseOid) return 'copy';
  const hours = (now.getTime() - state.lastSeenAt.getTime()) / 3_600_000;
  return hours > holdAfterHours ? 'gap' : null;
}
