import type { Db } from '../database/query.js';
import type { DeliveryState, LetterKind } from './delivery.js';
import { type DeliveryFacts, selectFacts, selectTransitions } from './history-queries.js';

/** One state that a delivery reached. */
export interface DeliveryStep {
  state: DeliveryState;
  at: Date;
  /** Hand-overs so far. */
  attempts: number;
  /** Why, as a code; null where there is nothing to explain. */
  reason: string | null;
  /** The mail system's own words, if it said something. */
  response: string | null;
}

/** A delivery, and how it came to be as it is. */
export interface DeliveryHistory {
  id: number;
  kind: 'notice' | LetterKind;
  /** The version that it tells of; null for a letter. */
  version: number | null;
  subscriberId: number | null;
  /** Null once the person is erased. */
  email: string | null;
  messageId: string | null;
  /** When it is tried next; null: never, or at this moment. */
  dueAt: Date | null;
  /** Oldest first; the last one is the present state. */
  steps: DeliveryStep[];
}

/**
 * Every state of a delivery with its time, the count of attempts and the mail system's own words.
 * @returns null when there is no such delivery
 */
export async function deliveryHistory(db: Db, id: number): Promise<DeliveryHistory | null> {
  const facts = await selectFacts(db, id);
  if (facts === null) return null;
  const transitions = await selectTransitions(db, id);
  const { kind, version, subscriberId, email, messageId, dueAt } = facts;
  return {
    id,
    kind,
    version,
    subscriberId,
    email,
    messageId,
    dueAt,
    steps: stepsOf(facts, transitions),
  };
}

/**
 * PURE. The row tells the first state and the way of a mail that went at once; what it cannot hold, a
 * retry or an end other than that, stands in the transitions.
 */
export function stepsOf(facts: DeliveryFacts, transitions: readonly DeliveryStep[]): DeliveryStep[] {
  const { state, reason, response, attempts, createdAt, claimedAt, sentAt, stateAt } = facts;
  const blank = { reason: null, response: null };
  const isStillborn = state === 'suppressed' && transitions.length === 0;
  if (isStillborn) return [{ state, at: createdAt, attempts: 0, reason, response: null }];
  const steps: DeliveryStep[] = [{ ...blank, state: 'queued', at: createdAt, attempts: 0 }];
  if (claimedAt !== null && attempts === 1) steps.push({ ...blank, state: 'sending', at: claimedAt, attempts });
  steps.push(...transitions);
  if (state === 'sending' && attempts > 1) steps.push({ ...blank, state, at: stateAt ?? createdAt, attempts });
  if (state === 'sent' && sentAt !== null && !transitions.some((step) => step.state === 'sent'))
    steps.push({ state, at: sentAt, attempts, reason, response });
  return steps;
}
