import { setTimeout as pause } from 'node:timers/promises';
import { type Tx, transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { createScratch, fillMessage, type Scratch } from '../mail/message.js';
import type { Reply } from '../mail/session.js';
import { sendsPerSession, type Transport } from '../mail/transport.js';
import type { ContentOf } from './delivery.js';
import { createHeldRefusals } from './held.js';
import { type DeliveryReason, judge, later, type Verdict } from './outcome.js';
import { type ClaimedDelivery, type Outcome, recordOutcomes, releaseExpired } from './queries.js';
import { createRecorder } from './recorder.js';
import { reportRefusals, type SenderRefusal } from './refusals.js';
import { askLeave, giveProbeBack, type Leave, reportRelayDown, reportRelayUp } from './relay.js';
import { returnPath } from './return-path.js';
import { createSupply, type Sendable } from './supply.js';

/** Somebody who does not have their mail, by what the relay said while talking. */
export interface Undelivered {
  subscriberId: number | null;
  recipientHash: Buffer;
  /** `bounced`: it is about the address; `failed`: it is not, and a contract entitles them to the notice. */
  state: 'bounced' | 'failed';
  reason: string;
  at: Date;
}

export interface SenderDeps extends Pick<Deps, 'db' | 'config' | 'now' | 'log'> {
  transport: Transport;
  /** What is in a delivery; see contents.ts. */
  contentOf: ContentOf;
  /** What follows for them, in the transaction that records the answers. */
  onUndelivered: (tx: Tx, people: readonly Undelivered[]) => Promise<void>;
  /** A UUID that no other process has. */
  instance: string;
  /** Aborted when the process is to end: what is in flight is finished, everything else given back. */
  signal?: AbortSignal | undefined;
}

/** Faults of the relay in a row after which a worker stops. */
const mostFaults = 2;
/** Answers that may wait for the database before no further mail is handed over: a crash repeats them. */
const mostUnrecorded = 200;
/** How long the first mail of a run may take until the others go as well, without having its answer. */
const rampMs = 1_000;
/** How long an ending process waits for answers of the relay. */
const graceMs = 10_000;

/**
 * Sends what is due, letters first: claims with a lease, composes, hands over, records the relay's own
 * answer. One call works until nothing is due, `most` were claimed or ten seconds have passed.
 *
 * Any number of processes may call it on one database; each delivery is at one of them. What a crash
 * leaves unrecorded (at most what is in flight and one statement's worth of answers) is sent again by
 * whoever comes, under the same Message-ID.
 *
 * A run begins with one mail; the others follow when it has an answer. So a relay that is down, or does
 * not know our password, costs one connection or two, and then sending rests for everybody (relay.ts).
 * @returns how many deliveries were claimed; 0 when nothing is due, or while the relay is down
 */
export async function sendBatch(deps: SenderDeps, most = 100_000): Promise<number> {
  if (deps.signal?.aborted === true) return 0;
  const leave = await askLeave(deps, deps.now());
  if (leave === 'none') return 0;
  await releaseExpired(deps.db, deps.now());
  return createRun(deps, leave, most)();
}

function createRun(deps: SenderDeps, leave: Exclude<Leave, 'none'>, most: number): () => Promise<number> {
  const { signal, instance } = deps;
  const probing = leave !== 'all';
  const recorder = createRecorder<Recorded>((batch) => write(deps, batch, (id) => supply.settled(id)));
  const supply = createSupply(deps, { instance, most: probing ? 1 : most, signal, onWithheld: withhold });
  const held = createHeldRefusals();
  const inFlight = new Map<number, Sendable>();
  const triedAgain = new Set<number>();
  let answers = 0;
  let accepted = 0;
  let stopped = 0;
  let lastFault: Reply | null = null;
  let onFirstAnswer = () => {};
  let over = false;

  return async () => {
    const firstAnswer = new Promise<void>((resolve) => {
      onFirstAnswer = resolve;
    });
    const ramp = new AbortController();
    try {
      const workers = [work()];
      await Promise.race([...workers, firstAnswer, resting(rampMs, ramp.signal)]);
      if (!probing && stopped === 0) {
        for (let count = 1; count < sendsPerSession * deps.config.mailConcurrency; count += 1) workers.push(work());
      }
      // All of them, also when the database fails one: what the others have in flight gets its answer.
      const ends = await Promise.race([Promise.allSettled(workers), endOfGrace(signal, ramp.signal)]);
      const broken = ends?.find((end) => end.status === 'rejected');
      if (broken !== undefined) throw broken.reason;
      await conclude(workers.length);
    } finally {
      over = true;
      ramp.abort();
      supply.close();
      for (const delivery of supply.rest()) release(delivery);
      for (const delivery of inFlight.values()) interrupt(delivery);
      await recorder.flush();
    }
    return supply.claimed;
  };

  async function work(): Promise<void> {
    let faults = 0;
    // The message lies in it until it is answered.
    const scratch = createScratch();
    while (faults < mostFaults) {
      if (held.isOfEverybody()) break;
      if (recorder.pending >= mostUnrecorded) await recorder.room(mostUnrecorded);
      const delivery = supply.take() ?? (await supply.next());
      if (delivery === null) return;
      inFlight.set(delivery.id, delivery);
      const reply = await handOver(deps, delivery, scratch, (reason) => withhold(delivery, reason));
      inFlight.delete(delivery.id);
      if (reply === null) continue;
      if (reply === 'not-composed') {
        record(delivery, later('composition', circumstances(delivery), 'recipient'), null);
        continue;
      }
      faults = take(delivery, reply) === 'fault' ? faults + 1 : 0;
    }
    stopped += 1;
  }

  /** Books an answer; a fault of the relay is no answer. */
  function take(delivery: Sendable, reply: Reply): 'answer' | 'fault' {
    const verdict = judge(reply, circumstances(delivery));
    if (over) {
      // The grace was over and it counts as interrupted; that it was sent is still a fact.
      if (verdict.state === 'sent') record(delivery, verdict, reply);
      return 'fault';
    }
    if (verdict.blames === 'relay') {
      lastFault = reply;
      // Nothing of it was said yet, so a fresh connection is worth one more try.
      if (!verdict.attempted && !triedAgain.has(delivery.id)) {
        triedAgain.add(delivery.id);
        supply.putBack(delivery);
      } else {
        record(delivery, verdict, reply);
      }
      return 'fault';
    }
    answers += 1;
    onFirstAnswer();
    if (verdict.blames === 'nobody') {
      accepted += 1;
      for (const refused of held.release()) record(refused.delivery, refused.verdict, refused.reply);
    }
    // Without a code the relay was not even asked.
    const isFinal = verdict.blames === 'recipient' && verdict.state !== 'deferred' && reply.code !== null;
    if ((verdict.blames === 'sender' || isFinal) && held.hold({ delivery, verdict, reply })) return 'answer';
    record(delivery, verdict, reply);
    return 'answer';
  }

  /** What the run says of the relay. */
  async function conclude(workers: number): Promise<void> {
    const at = { now: deps.now(), random: Math.random() };
    const ofEverybody = held.isOfEverybody() || (accepted === 0 && held.isOfMany());
    const refusals = held.release();
    const [refused] = refusals;
    const stillRefused = leave === 'probe-refusal' && accepted === 0;
    if (refused !== undefined && (ofEverybody || stillRefused)) {
      // Not their fault: nobody is given up for it before the relay has taken a mail again.
      for (const { delivery, reply } of refusals) {
        record(delivery, later('relay-refuses', circumstances(delivery), 'relay'), reply);
      }
      await reportRelayDown(deps, refused.reply, at);
      return;
    }
    for (const { delivery, verdict, reply } of refusals) record(delivery, verdict, reply);
    if (lastFault !== null && stopped === workers) await reportRelayDown(deps, lastFault, at);
    else if (probing && answers === 0 && lastFault === null) await giveProbeBack(deps, at.now);
    else if (leave === 'probe' ? answers > 0 : leave === 'probe-refusal' && accepted > 0)
      await reportRelayUp(deps, at.now);
  }

  function circumstances(delivery: ClaimedDelivery) {
    return { attempts: delivery.attempts, now: deps.now(), random: Math.random() };
  }

  function record(delivery: ClaimedDelivery, verdict: Verdict, reply: Reply | null): void {
    const { state, reason, dueAt, attempted } = verdict;
    const response = reply?.response ?? null;
    const outcome: Outcome = { id: delivery.id, state, reason, response, dueAt, at: deps.now(), attempted };
    // A mailbox that is full is somebody's, too; whether it was once too often is not for the outbox to judge.
    // And a contact whom a contract entitles is owed the notice, whoever is to blame that it failed.
    const isOwed = delivery.kind === 'notice' && delivery.why === 'contractual';
    const { subscriberId, recipientHash } = delivery;
    const undelivered: Undelivered[] =
      state === 'bounced' || (state === 'failed' && isOwed)
        ? [{ subscriberId, recipientHash, state, reason: reason ?? 'refused', at: outcome.at }]
        : [];
    const refusals = state === 'failed' && verdict.blames === 'sender' ? [refusalOf(delivery, outcome)] : [];
    recorder.add({ outcome, undelivered, refusals });
  }

  function withhold(delivery: ClaimedDelivery, reason: string): void {
    recorder.add({ outcome: { ...untried(delivery, deps.now()), state: 'suppressed', reason } });
  }

  function release(delivery: ClaimedDelivery): void {
    recorder.add({ outcome: untried(delivery, deps.now()) });
  }

  function interrupt(delivery: ClaimedDelivery): void {
    const reason: DeliveryReason = 'interrupted';
    recorder.add({
      outcome: { ...untried(delivery, deps.now()), state: 'deferred', reason, dueAt: deps.now(), attempted: true },
    });
  }
}

interface Recorded {
  outcome: Outcome;
  undelivered?: readonly Undelivered[];
  refusals?: readonly SenderRefusal[];
}

/**
 * Composes a delivery and gives it to the relay.
 * @returns the relay's answer; null when there was nothing to say (`onWithheld` was told)
 */
async function handOver(
  deps: SenderDeps,
  delivery: Sendable,
  scratch: Scratch,
  onWithheld: (reason: string) => void,
): Promise<Reply | 'not-composed' | null> {
  let message: Buffer;
  try {
    const content = await deps.contentOf(delivery);
    if (content === null) {
      onWithheld('obsolete');
      return null;
    }
    const { email: to, messageId } = delivery;
    message = fillMessage(content.message, { to, messageId, date: deps.now(), slots: content.slots }, scratch);
  } catch (err) {
    // Ours, and likely to be mended: it waits like any other, and those behind it go on.
    deps.log.error({ err, delivery: delivery.id, kind: delivery.kind }, 'a delivery could not be composed');
    return 'not-composed';
  }
  return deps.transport.send({ from: returnPath(deps.config, delivery.id), to: delivery.email }, message, {
    dotFree: true,
  });
}

async function write(deps: SenderDeps, batch: readonly Recorded[], onSettled: (id: number) => void): Promise<void> {
  const outcomes = batch.map(({ outcome }) => outcome);
  const undelivered = batch.flatMap((recorded) => recorded.undelivered ?? []);
  const refusals = batch.flatMap((recorded) => recorded.refusals ?? []);
  if (undelivered.length + refusals.length === 0) {
    await recordOutcomes(deps.db, deps.instance, outcomes);
  } else {
    await transaction(deps.db, async (tx) => {
      // In this order: everybody locks a person before their deliveries.
      await deps.onUndelivered(tx, undelivered);
      await recordOutcomes(tx, deps.instance, outcomes);
      await reportRefusals(tx, refusals);
    });
  }
  for (const { id } of outcomes) onSettled(id);
}

/** The state in which it was found: a claim alone is no attempt. */
function untried({ id, attempts }: ClaimedDelivery, at: Date): Outcome {
  const state = attempts > 1 ? 'deferred' : 'queued';
  return { id, state, reason: null, response: null, dueAt: null, at, attempted: false };
}

function refusalOf(delivery: ClaimedDelivery, { reason, response, at }: Outcome): SenderRefusal {
  const email = delivery.email ?? '';
  const domain = email.slice(email.lastIndexOf('@') + 1);
  return { domain, reason: reason ?? 'refused', response: response ?? '', at };
}

/** Resolves when an ending process has waited long enough for the relay; never while it is not ending. */
async function endOfGrace(ending: AbortSignal | undefined, over: AbortSignal): Promise<null> {
  if (ending === undefined) return new Promise(() => {});
  if (!ending.aborted) {
    await new Promise<void>((resolve) => {
      ending.addEventListener('abort', () => resolve(), { once: true, signal: over });
    });
  }
  await resting(graceMs, over);
  return null;
}

async function resting(milliseconds: number, signal: AbortSignal): Promise<void> {
  await pause(milliseconds, undefined, { signal }).catch(() => undefined);
}
