import type { Db } from '../database/query.js';
import {
  type ReceivedMail,
  type SentObjection,
  type SubscriberEvent,
  selectEvents,
  selectMailOf,
  selectObjectionsOf,
} from './own-queries.js';

/** What happened with one person: how they came, what they were sent, what they said to it. */
export interface SubscriberHistory {
  /** With the evidence of consent or of the entitlement, oldest first. */
  events: SubscriberEvent[];
  /** Every mail and what their mail server answered, oldest first. */
  mail: ReceivedMail[];
  objections: SentObjection[];
}

/** The history of a subscriber, for the admins; empty for somebody who is not there. */
export async function subscriberHistory(db: Db, id: number): Promise<SubscriberHistory> {
  return {
    events: await selectEvents(db, id),
    mail: await selectMailOf(db, id),
    objections: await selectObjectionsOf(db, id),
  };
}
