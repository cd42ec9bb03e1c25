import { systemActor } from '../actor.js';
import { Refusal } from '../errors.js';
import { receiveReport } from './receive.js';

/*
 * What arrives as mail where bounces go, by IMAP, LMTP or SMTP: reports, answers of machines, and mail of
 * people who pressed "reply".
 */

/**
 * - `report`: it told of a mail of ours, and that is booked.
 * - `auto-reply`: a machine answered; nothing follows from it.
 * - `unmatched`: a report of a mail that we do not know, or that shows nothing of it.
 * - `no-report`: from a person, or from whom else ever.
 */
export type ArrivedKind = 'report' | 'auto-reply' | 'unmatched' | 'no-report';

export type ArrivedDeps = Parameters<typeof receiveReport>[0];

/**
 * Takes a mail, whose sender may be anybody; what it reports is booked when this returns.
 * @param source the whole mail, or its first part
 * @param envelopeTo the recipients of its envelope, where they are known; its header is asked as well
 * @throws whatever the database throws: nothing was booked then, or it may be told again
 */
export async function takeMail(deps: ArrivedDeps, source: Buffer, envelopeTo: readonly string[]): Promise<ArrivedKind> {
  try {
    const report = { contentType: 'message/rfc822', body: source, envelopeTo };
    return kindOf(await receiveReport(deps, report, systemActor));
  } catch (error) {
    if (error instanceof Refusal) return 'no-report';
    throw error;
  }
}

/** A notification may tell of several recipients: one that is ours makes it ours. */
function kindOf(results: Awaited<ReturnType<typeof receiveReport>>): ArrivedKind {
  if (results.every(({ outcome }) => outcome === 'not-a-report')) return 'no-report';
  if (results.every(({ kind }) => kind === 'auto-reply')) return 'auto-reply';
  return results.every(({ outcome }) => outcome === 'unmatched') ? 'unmatched' : 'report';
}
