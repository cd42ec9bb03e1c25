import type { Reply } from '../mail/session.js';
import { type Meaning, replyRules } from './reply-rules.js';

/*
 * PURE. What the relay's answer means for a delivery.
 */

/** Whom an answer is about: one recipient, the sender (that is us), or the relay; nobody: it was taken. */
export type Blame = 'nobody' | 'recipient' | 'sender' | 'relay';

export interface Verdict {
  state: 'sent' | 'deferred' | 'bounced' | 'failed';
  /** A code for people to look up; null when sent. */
  reason: DeliveryReason | null;
  /** When to try again; null: never. */
  dueAt: Date | null;
  /** Why the address must not be mailed again; null: it may. */
  suppress: 'hard-bounce' | null;
  blames: Blame;
  /** Whether this recipient's mail was tried: a relay that is down has not been asked about anybody. */
  attempted: boolean;
}

export type DeliveryReason =
  | Meaning
  | 'relay-unreachable'
  | 'relay-refuses'
  | 'relay-lacks-smtputf8'
  | 'connection-lost'
  | 'expired'
  | 'composition'
  | 'interrupted';

const minute = 60_000;
const hour = 60 * minute;
/**
 * Gaps between the attempts: 1, 3, 9, 27 and 81 minutes, then four hours, until four days have passed
 * (RFC 5321, 4.5.4.1). Greylisting is over by the third attempt, and a relay that knows no mercy sees
 * no more than three in the first five minutes.
 */
const gaps = [1, 3, 9, 27, 81].map((minutes) => minutes * minute);
const longestGap = 4 * hour;
const patience = 4 * 24 * hour;
/** Attempts that fit into the patience; as waits are counted, not time, an outage of ours costs nobody. */
export const mostAttempts = gaps.length + Math.floor((patience - gaps.reduce((sum, gap) => sum + gap, 0)) / longestGap);

/** How long to put aside a mail whose relay could not be spoken to; the relay has its own probes (relay.ts). */
const relayPause = 20_000;

/**
 * Judges an answer.
 * @param delivery attempts so far, this one included
 * @param random from 0 to 1: spreads the retries, so that they do not come as one wave
 */
export function judge(reply: Reply, delivery: { attempts: number; now: Date; random: number }): Verdict {
  if (reply.outcome === 'accepted') return { ...final('sent', null), blames: 'nobody' };
  if (reply.outcome === 'unreachable') return unreachable(reply, delivery);
  if (reply.stage === 'smtputf8') return final('failed', 'relay-lacks-smtputf8');

  const meaning = meaningOf(reply);
  if (meaning === 'dialogue') return later('connection-lost', delivery, 'relay');
  if (reply.stage === 'connect' || reply.stage === 'tls' || reply.stage === 'auth')
    return relayFault('relay-refuses', delivery);
  // At MAIL nobody was named yet: whatever it says is about the sender, except of this mail's size.
  if (reply.stage === 'mail' && meaning !== 'too-large') return relayFault('relay-refuses', delivery);
  // Without a code it was not sent at all, being too large, and that will not change.
  if (reply.code !== null && reply.code < 500) return later(meaning, delivery, 'recipient');

  switch (meaning) {
    case 'mailbox-unknown':
    case 'mailbox-disabled':
    case 'domain-unknown':
    case 'address-invalid':
      return { ...final('bounced', meaning), suppress: 'hard-bounce' };
    case 'mailbox-full':
    case 'domain-unreachable':
      return final('bounced', meaning);
    case 'policy':
    case 'throttled':
    case 'too-large':
    case 'relaying-denied':
    case 'sender-refused':
      return { ...final('failed', meaning), blames: 'sender' };
    case 'greylisted':
    case 'refused':
      // Said of this recipient, or of everybody? At RCPT likely of the one, at DATA of the mail.
      return { ...final('failed', 'refused'), blames: reply.stage === 'data' ? 'sender' : 'recipient' };
  }
}

/** A retry by the usual gaps; when they are used up the delivery fails and says what it waited for. */
export function later(
  reason: DeliveryReason,
  delivery: { attempts: number; now: Date; random: number },
  blames: Blame,
): Verdict {
  if (delivery.attempts > mostAttempts) return { ...final('failed', 'expired'), blames };
  const gap = gaps[delivery.attempts - 1] ?? longestGap;
  return {
    state: 'deferred',
    reason,
    dueAt: new Date(delivery.now.getTime() + spread(gap, delivery.random)),
    suppress: null,
    blames,
    attempted: true,
  };
}

/** What the reply is about, by the first rule that fits. */
export function meaningOf(reply: Pick<Reply, 'stage' | 'code' | 'enhanced' | 'response'>): Meaning {
  const { code, enhanced, response } = reply;
  const fits = replyRules.find(
    (rule) =>
      (rule.class === undefined || rule.class === Math.floor((code ?? 0) / 100)) &&
      (rule.codes === undefined || (code !== null && rule.codes.includes(code))) &&
      (rule.enhanced === undefined || (enhanced !== null && rule.enhanced.test(enhanced))) &&
      (rule.words === undefined || rule.words.test(response)) &&
      (rule.stages === undefined || rule.stages.some((stage) => stage === reply.stage)),
  );
  return fits?.means ?? 'refused';
}

function unreachable(reply: Reply, delivery: { attempts: number; now: Date; random: number }): Verdict {
  switch (reply.stage) {
    case 'rcpt':
    case 'data':
    case 'smtputf8':
      // Broken off in the middle of this mail: the recipient may be the reason (a relay that crashes
      // on one address), so the gaps grow; at DATA it may have arrived, and repeats as the same message.
      return later('connection-lost', delivery, 'relay');
    case 'mail':
    case 'connect':
    case 'tls':
      return relayFault('relay-unreachable', delivery);
    case 'auth':
      return relayFault('relay-refuses', delivery);
  }
}

function relayFault(reason: DeliveryReason, delivery: { now: Date; random: number }): Verdict {
  return {
    state: 'deferred',
    reason,
    dueAt: new Date(delivery.now.getTime() + spread(relayPause, delivery.random)),
    suppress: null,
    blames: 'relay',
    attempted: false,
  };
}

function final(state: 'sent' | 'bounced' | 'failed', reason: DeliveryReason | null): Verdict {
  return { state, reason, dueAt: null, suppress: null, blames: 'recipient', attempted: true };
}

/** A fifth to either side. */
export function spread(milliseconds: number, random: number): number {
  return Math.round(milliseconds * (0.8 + 0.4 * random));
}
