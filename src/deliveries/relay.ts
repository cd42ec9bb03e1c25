import { systemActor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import { transaction } from '../database/transaction.js';
import { wake } from '../database/wake.js';
import type { Deps } from '../deps.js';
import { withoutAddresses } from '../mail/address.js';
import type { Reply } from '../mail/session.js';
import { openTask, settleTask } from '../tasks/open.js';
import { spread } from './outcome.js';
import { markRelayDown, markRelayUp, probeRelayAt, type RelayState, selectRelay, takeProbe } from './relay-queries.js';

/*
 * A relay that is down, or that refuses us, is one fault and not one a recipient: sending stops for all
 * instances, one of them tries one mail now and then, and the first answer sets everything going again.
 */

const second = 1_000;
const firstProbe = 5 * second;
/** Mail is late by no more than this once the relay works again. */
const longestProbe = 60 * second;
/** Where the relay takes the session and refuses the mail, each probe costs a recipient's patience. */
const longestProbeOfRefusal = 15 * 60 * second;

/** The relay as all instances see it: whether it is down, since when, and what it said. */
export async function readRelay(deps: Pick<Deps, 'db'>): Promise<RelayState> {
  return selectRelay(deps.db);
}

/**
 * - `all`: whatever is due may go.
 * - `probe`: one mail may, to see whether there is a relay.
 * - `probe-refusal`: one mail may, to see whether the relay still refuses everything.
 * - `none`: it is down, and it is not time yet, or another instance is trying.
 */
export type Leave = 'all' | 'probe' | 'probe-refusal' | 'none';

/** Whether mail may go now. */
export async function askLeave(deps: Pick<Deps, 'db'>, now: Date): Promise<Leave> {
  const relay = await selectRelay(deps.db);
  if (relay.downSince === null) return 'all';
  // Moved on before the probe is made: whoever reads the row next waits.
  if (!(await takeProbe(deps.db, now, new Date(now.getTime() + longestProbe)))) return 'none';
  return relay.stage === 'rcpt' || relay.stage === 'data' ? 'probe-refusal' : 'probe';
}

/** Nothing was handed over, as nothing was due or it must not go: the next mail is the probe. */
export async function giveProbeBack(deps: Pick<Deps, 'db'>, now: Date): Promise<void> {
  await transaction(deps.db, (tx) => probeRelayAt(tx, now));
}

/** Stops sending for all instances; the admins find it in the audit log once, with the relay's words. */
export async function reportRelayDown(
  deps: Pick<Deps, 'db' | 'log'>,
  reply: Reply,
  at: { now: Date; random: number },
): Promise<void> {
  const fault = withoutAddresses(reply.response);
  await transaction(deps.db, async (tx) => {
    const { faults } = await selectRelay(tx);
    const longest = reply.outcome === 'rejected' ? longestProbeOfRefusal : longestProbe;
    const gap = Math.min(firstProbe * 2 ** Math.min(faults, 20), longest);
    const probeAt = new Date(at.now.getTime() + spread(gap, at.random));
    const { first } = await markRelayDown(tx, { stage: reply.stage, fault, now: at.now, probeAt });
    if (!first) return;
    deps.log.error(
      { stage: reply.stage, code: reply.code, enhanced: reply.enhanced },
      'the mail relay does not take mail',
    );
    await recordAudit(tx, {
      at: at.now,
      actor: systemActor,
      action: 'relay.down',
      subject: 'relay',
      detail: { stage: reply.stage, code: reply.code, response: fault },
    });
    const detail = { stage: reply.stage, response: fault };
    await openTask(tx, { kind: 'relay-down', subscriberId: null, subject: 'relay', detail, at: at.now });
  });
}

/** Sets sending going again, if it had stopped. */
export async function reportRelayUp(deps: Pick<Deps, 'db' | 'log'>, now: Date): Promise<void> {
  await transaction(deps.db, async (tx) => {
    const since = await markRelayUp(tx);
    if (since === null) return;
    deps.log.info({ downSince: since }, 'the mail relay takes mail again');
    await recordAudit(tx, {
      at: now,
      actor: systemActor,
      action: 'relay.up',
      subject: 'relay',
      detail: { downSince: since },
    });
    await settleTask(tx, { kind: 'relay-down', subject: 'relay' }, { actor: systemActor, at: now });
    await wake(tx, 'deliveries');
  });
}

/** "Try now": the next step of any instance probes the relay. */
export async function tryRelayNow(deps: Pick<Deps, 'db' | 'now'>): Promise<void> {
  await transaction(deps.db, async (tx) => {
    await probeRelayAt(tx, deps.now());
    await wake(tx, 'deliveries');
  });
}
