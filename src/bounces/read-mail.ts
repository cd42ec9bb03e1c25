import { readFeedback } from './arf.js';
import { readAutoReply } from './auto-reply.js';
import { hasStatus, readDsn } from './dsn.js';
import { readMailSource } from './mail-source.js';
import { isFromBouncer, readProse } from './prose.js';
import type { Report } from './report.js';

/*
 * PURE. What a mail that came back to us is, the surest sign first: a part for programs decides, then
 * the known words of a mail system, then the marks of an automatic answer. What is left people wrote.
 */

/**
 * @param source the whole mail
 * @returns no report for a letter of a person; null for what is no mail, or a notification that names nobody
 */
export async function readMail(source: Buffer): Promise<Report[] | null> {
  const mail = await readMailSource(source);
  if (mail === null) return null;
  const feedback = readFeedback(mail);
  if (feedback !== null) return [feedback];
  const reports = readDsn(mail);
  if (reports.length > 0) return reports;
  // Its prose is not consulted: it would be read without what the notification itself says.
  if (hasStatus(mail)) return null;
  const told = readProse(mail);
  if (told.length > 0) return told;
  // A bounce in words that are not known is for people to read, whatever else it is marked as.
  if (isFromBouncer(mail.headers)) return [];
  const automatic = readAutoReply(mail);
  return automatic === null ? [] : [automatic];
}
