import type { Reply } from '../mail/session.js';
import type { Verdict } from './outcome.js';
import type { Sendable } from './supply.js';

/*
 * Refusals that may be about us. "550 blocked by policy" for one domain is that domain's matter; the
 * same for everybody means that our sender, or what we send, is refused, and then a list must not be
 * burnt mail by mail. So such a refusal is booked only when the relay has taken another mail after it.
 * "550 user unknown" is a recipient's matter, unless a relay that was set up wrongly says it of everybody.
 */

export interface Refused {
  delivery: Sendable;
  verdict: Verdict;
  reply: Reply;
}

/** Refusals in a row, none accepted between them, and to how many domains, that are no accident. */
const everybody = { refusals: 15, domains: 3 };
/** The same where each is of a recipient: a list may hold many dead addresses, but not so many in a row. */
const recipients = { refusals: 30, domains: 10 };
/** As `everybody`, for a short run in which nothing was accepted at all. */
const many = { refusals: 3, domains: 2 };
/** One domain may refuse a hundred thousand; they need not all wait in memory. */
const mostHeld = 500;
/** After so many attempts a refusal counts, whatever became of the others. */
const mostAttempts = 5;

export interface HeldRefusals {
  /** Keeps it until the relay has taken a mail; false: book it at once. */
  hold(refused: Refused): boolean;
  /** All that are held, to be booked now; the count begins anew. */
  release(): Refused[];
  isOfEverybody(): boolean;
  isOfMany(): boolean;
}

export function createHeldRefusals(): HeldRefusals {
  let held: Refused[] = [];
  let refusals = 0;
  const domains = new Set<string>();
  const allDomains = new Set<string>();

  return {
    hold(refused) {
      if (held.length >= mostHeld || refused.delivery.attempts >= mostAttempts) return false;
      held.push(refused);
      const { email, id } = refused.delivery;
      // Refused at MAIL (larger than the relay takes), no recipient was named: it is nobody's domain.
      const domain = refused.reply.stage === 'mail' ? `mail ${id}` : email.slice(email.lastIndexOf('@') + 1);
      allDomains.add(domain);
      if (refused.verdict.blames === 'recipient') return true;
      refusals += 1;
      domains.add(domain);
      return true;
    },
    release() {
      const released = held;
      held = [];
      refusals = 0;
      domains.clear();
      allDomains.clear();
      return released;
    },
    isOfEverybody: () =>
      (refusals >= everybody.refusals && domains.size >= everybody.domains) ||
      (held.length >= recipients.refusals && allDomains.size >= recipients.domains),
    isOfMany: () => refusals >= many.refusals && domains.size >= many.domains,
  };
}
