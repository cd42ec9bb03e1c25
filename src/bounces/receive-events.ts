import type { Actor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import { transaction } from '../database/transaction.js';
import { type BookDeps, bookReport, type ReportResult } from './book.js';
import { readEvents, unreadable } from './events.js';
import { isSignedBy, type SnsMessage, snsUrl } from './sns.js';
import type { SnsWeb } from './sns-web.js';

export interface EventDeps {
  /** The way to Amazon SNS; without it no subscription is confirmed. */
  snsWeb?: SnsWeb;
}

const nothing: ReportResult = { outcome: 'not-a-report', kind: null, delivery: null, suppressed: false };

/**
 * Takes what a mail provider sent, which is known to come from it: by its signature, or by whose token
 * came with it.
 * @throws Refusal `bounce.unreadable`
 */
export async function receiveEvents(deps: BookDeps & EventDeps, body: Buffer, actor: Actor): Promise<ReportResult[]> {
  const events = readEvents(body);
  if (events.kind === 'sns') return [await takeSnsRequest(deps, events.message, actor)];
  const results: ReportResult[] = [];
  for (const report of events.reports) results.push(await bookReport(deps, report, { actor, isKnown: true }));
  return results.length === 0 ? [nothing] : results;
}

/**
 * SNS asks whether we want a topic's events: yes, if the settings name the topic and Amazon signed the
 * question, whoever's token came with it. That it ends a subscription is only heard: its address would
 * begin it anew.
 */
async function takeSnsRequest(deps: BookDeps & EventDeps, message: SnsMessage, actor: Actor): Promise<ReportResult> {
  if (message.Type !== 'SubscriptionConfirmation') return nothing;
  const url = snsUrl(message.SubscribeURL, 'subscription');
  if (deps.snsWeb === undefined || url === null || !(await isFromSns(deps, deps.snsWeb, message))) {
    throw unreadable(
      'This subscription is not confirmed: SNS_TOPIC_ARNS must name the topic, and Amazon must have signed it.',
    );
  }
  // A fault of ours or of Amazon's: SNS asks again.
  if (!(await deps.snsWeb.confirm(url))) throw new Error('Amazon SNS did not take the confirmation of a subscription');
  await transaction(deps.db, (tx) =>
    recordAudit(tx, { at: deps.now(), actor, action: 'bounces.subscribed', subject: message.TopicArn }),
  );
  return { ...nothing, outcome: 'subscribed' };
}

/** Whether Amazon SNS signed a message of a topic that the settings name. Calls nobody but Amazon. */
export async function isFromSns(
  { config, now }: Pick<BookDeps, 'config' | 'now'>,
  web: SnsWeb,
  message: SnsMessage,
): Promise<boolean> {
  if (!config.snsTopicArns.includes(message.TopicArn)) return false;
  const url = snsUrl(message.SigningCertURL, 'certificate');
  if (url === null) return false;
  const certificate = await web.fetchCertificate(url);
  return certificate !== null && isSignedBy(message, certificate, now());
}
