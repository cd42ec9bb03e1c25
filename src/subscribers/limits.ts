/**
 * PURE. How much mail strangers can cause with the forms. A limit by client address does not protect
 * the one who is mailed (senders rotate it), so the count is by whom the letters reach.
 */
const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** Letters older than this no longer count, and their times are deleted. */
export const memoryOfLetters = 30 * day;

/**
 * The pause that is asked after the last letter, by how many went in the last thirty days: at most
 * one an hour and three a day, and to somebody who never answers soon one a week.
 */
const formGaps = [0, hour, 4 * hour, day, 2 * day, 4 * day, 7 * day];
/** Asked for with a link from one's own mail; mails get forwarded, so these have an end as well. */
const manageGaps = [0, 10 * minute, hour, 4 * hour, day];

export type LimitKind = 'form' | 'manage';
const gaps: Record<LimitKind, readonly number[]> = { form: formGaps, manage: manageGaps };

/** Letters that still count at that time. */
export function recentLetters(letters: readonly Date[], at: Date): Date[] {
  return letters.filter((sent) => sent.getTime() > at.getTime() - memoryOfLetters);
}

/** Whether another letter may go. Without gaps a burst at the turn of a fixed window would pass. */
export function mayWriteAgain(kind: LimitKind, letters: readonly Date[], at: Date): boolean {
  const recent = recentLetters(letters, at);
  const last = recent.at(-1);
  if (last === undefined) return true;
  const gap = gaps[kind][recent.length] ?? gaps[kind].at(-1) ?? 0;
  return at.getTime() - last.getTime() >= gap;
}

/** Letters an hour that the forms may send to one domain, and for how long its count is kept. */
export const domainWindow = hour;
const usualCap = 100;
const largeCap = 2_000;

/** Mailbox providers for everybody: many strangers with an address there are no attack on anyone. */
const publicProviders: ReadonlySet<string> = new Set([
  '126.com',
  '163.com',
  'aol.com',
  'bluewin.ch',
  'fastmail.com',
  'free.fr',
  'gmail.com',
  'gmx.at',
  'gmx.ch',
  'gmx.de',
  'gmx.net',
  'googlemail.com',
  'hotmail.com',
  'hotmail.fr',
  'icloud.com',
  'libero.it',
  'live.com',
  'mac.com',
  'mail.ru',
  'me.com',
  'msn.com',
  'naver.com',
  'orange.fr',
  'outlook.com',
  'outlook.de',
  'pm.me',
  'posteo.de',
  'proton.me',
  'protonmail.com',
  'qq.com',
  't-online.de',
  'telenet.be',
  'web.de',
  'yahoo.co.jp',
  'yahoo.co.uk',
  'yahoo.com',
  'yahoo.de',
  'yahoo.fr',
  'yandex.ru',
  'ziggo.nl',
]);

export function domainCap(domain: string): number {
  return publicProviders.has(domain) ? largeCap : usualCap;
}
