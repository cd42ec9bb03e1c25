import { type Actor, hasRole } from '../actor.js';
import { deliveryOfReturnPath } from '../deliveries/return-path.js';
import { type BookDeps, bookReport, type ReportResult } from './book.js';
import { unreadable } from './events.js';
import { readMail } from './read-mail.js';
import { type EventDeps, receiveEvents } from './receive-events.js';

export type { ReportResult } from './book.js';

export interface ReceivedReport {
  /**
   * `message/rfc822` or `text/plain` for a whole mail as it arrived, `multipart/report; boundary=…` for
   * its body alone, `application/json` (or `text/plain`, as Amazon says) for events of a provider.
   */
  contentType: string;
  body: Buffer;
  /** Whom the mail was sent to, if the envelope is known: there stands the token of the delivery. */
  envelopeTo?: readonly string[];
}

/**
 * Takes a report of what became of a mail after the hand-over: a bounce (RFC 3464, or in a mail system's own
 * words), a complaint (RFC 5965), an automatic answer, or events of a mail provider. A mailbox that does
 * not exist is not mailed again, nor is who complains; one that stays full for weeks neither; a blocked
 * sender, "still trying" and out-of-office take nobody off the list.
 *
 * What a mail says is believed from somebody with the role `editor`; from others only when it shows that
 * they have seen the mail in question (book.ts). The same report twice changes nothing.
 * @returns a result for each mail that it tells of; `not-a-report` for a letter of a person
 * @throws Refusal `bounce.unreadable` for what cannot be read as any of these
 */
export async function receiveReport(
  deps: BookDeps & EventDeps,
  report: ReceivedReport,
  actor: Actor,
): Promise<ReportResult[]> {
  // The header goes into the source of a message: no line break may come with it.
  const type = report.contentType.replace(/[\r\n]/g, ' ').trim();
  const isKnown = hasRole(actor, 'editor');
  if (isJson(type, report.body)) {
    if (!isKnown) throw unreadable('Events are taken from providers only.');
    return receiveEvents(deps, report.body, actor);
  }
  const source = sourceOf(type, report.body);
  const reports = source === null ? null : await readMail(source);
  const isLetter = reports?.length === 0 && source === report.body;
  if (isLetter) return [notAReport];
  if (reports === null || reports.length === 0) throw unreadable('This is no report of what became of a mail.');
  const results: ReportResult[] = [];
  const isOurs = createPathCheck(deps.config.secretKeys);
  for (const one of reports) {
    const paths = [...(report.envelopeTo ?? []), ...one.traces.returnPaths];
    const traces = { ...one.traces, returnPaths: paths.slice(0, mostPaths).filter(isOurs) };
    results.push(await bookReport(deps, { ...one, traces }, { actor, isKnown }, reports.length === 1));
  }
  return results;
}

/** More addresses than any report names. Each may cost hundreds of hashes, and a stranger writes thousands. */
const mostPaths = 100;

/** Whether an address names a delivery; asked once, as each report of a mail names the same ones. */
function createPathCheck(keys: readonly string[]): (address: string) => boolean {
  const known = new Map<string, boolean>();
  return (address) => {
    const before = known.get(address);
    if (before !== undefined) return before;
    const names = deliveryOfReturnPath(keys, address) !== null;
    known.set(address, names);
    return names;
  };
}

const notAReport: ReportResult = { outcome: 'not-a-report', kind: null, delivery: null, suppressed: false };

/** SNS calls its JSON `text/plain`; no mail begins with a bracket. */
function isJson(type: string, body: Buffer): boolean {
  if (/^application\/json\b/i.test(type)) return true;
  return /^text\/plain\b/i.test(type) && /^\uFEFF?\s*[[{]/.test(body.subarray(0, 100).toString('utf8'));
}

/** The whole mail; null for what is none. */
function sourceOf(type: string, body: Buffer): Buffer | null {
  if (/^multipart\/report\b/i.test(type)) return Buffer.concat([Buffer.from(`Content-Type: ${type}\r\n\r\n`), body]);
  return /^(?:message\/(?:rfc822|global)|text\/plain|application\/octet-stream)\b/i.test(type) ? body : null;
}
