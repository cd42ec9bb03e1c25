/*
 * PURE. When mails that came back with a temporary fault are enough to stop. Notices come weeks apart,
 * so a share of the last hundred mails, as senders of newsletters count, would take years to say anything.
 */

/**
 * - `soft`: it came back.
 * - `arrived`: it did not come back in the time in which mail systems give up.
 * - `undecided`: it may still come back, or what became of it says nothing of the mailbox (a policy).
 */
export interface PastMail {
  at: Date;
  became: 'soft' | 'arrived' | 'undecided';
}

const day = 24 * 60 * 60_000;
const fewest = 3;
const shortest = 14 * day;
/** Mail systems try for up to five days (RFC 5321, 4.5.4.1). */
export const givenUpAfterMs = 5 * day;

/**
 * Whether an address is given up: the last three mails or more came back, none in between did not,
 * and two weeks lie between the first of them and the last. A full mailbox is emptied after a holiday, and a
 * mail server that is down is mended within days.
 * @param mails newest first
 */
export function isGivenUp(mails: readonly PastMail[]): boolean {
  const decided = mails.filter(({ became }) => became !== 'undecided');
  const end = decided.findIndex(({ became }) => became === 'arrived');
  const run = end < 0 ? decided : decided.slice(0, end);
  const [newest] = run;
  const oldest = run.at(-1);
  if (newest === undefined || oldest === undefined || run.length < fewest) return false;
  return newest.at.getTime() - oldest.at.getTime() >= shortest;
}
