import { z } from 'zod';
import type { Actor } from '../actor.js';
import { adminAddress } from '../admins/recipients.js';
import { countSince } from '../audit/browse.js';
import { recordAudit } from '../audit/record.js';
import { transaction } from '../database/transaction.js';
import type { Content, DeliveryAtHand } from '../deliveries/delivery.js';
import { enqueueLetter } from '../deliveries/enqueue.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { slottedLinks } from '../mail/message.js';
import { prepareNotice } from '../notices/message.js';
import { testLink } from '../subscribers/test-link.js';
import { emailHash } from '../subscribers/tokens.js';
import { previewPublish, renderPreview } from './preview.js';
import { publishRequestSchema } from './version.js';

const hour = 60 * 60 * 1_000;
/** Of all instances together: enough to try things out, too few to write to anybody in earnest. */
const mostAnHour = 20;
const action = 'notice.tested';

export const testNoticeRequestSchema = publishRequestSchema.extend({
  locale: z.string().max(35).optional().describe('Language of the mail'),
  to: z.string().max(320).optional().describe('The address of an admin; without it the own one'),
  why: z
    .enum(['voluntary', 'contractual'])
    .optional()
    .describe('As a subscriber gets it, or a contact by contract; the footer differs'),
});
export type TestNoticeRequest = z.infer<typeof testNoticeRequestSchema>;

/**
 * Orders the notice of the draft as a mail to one admin, by the same outbox, relay and signature as in
 * earnest. Its subject says that it is a test, its links are signed for nobody. Only to admins: nobody
 * else gets what is not published.
 *
 * What is fixed now is the request and the moment that its dates count from. The list is the draft as it
 * stands when the mail goes, seconds later as a rule: whoever goes on writing gets what they wrote.
 *
 * Refuses what `publish` would refuse of the draft and its dates, `input.invalid` (path `to`: no admin's
 * address), and `rate.exceeded`.
 * @returns the id of the delivery
 */
export async function orderTestNotice(
  deps: Pick<Deps, 'db' | 'now' | 'config' | 'texts'>,
  order: TestNoticeRequest,
  actor: Actor,
): Promise<{ delivery: number; email: string }> {
  const { locale, to, why = 'voluntary', ...request } = order;
  const recipient = await adminAddress(deps.db, { actor, to });
  if (recipient === null) {
    throw new Refusal('input.invalid', 'A test goes to an administrator only.', [
      {
        path: 'to',
        message: to === undefined ? 'is required with a token' : 'must be the address of an account of the console',
      },
    ]);
  }
  const { draft, dates, refusal } = await previewPublish(deps, request);
  if (dates === null && refusal !== null) throw refusal;
  const at = deps.now();
  await refuseTooMany(deps, at);
  return transaction(deps.db, async (tx) => {
    const delivery = await enqueueLetter(tx, {
      kind: 'test-notice',
      subscriberId: null,
      email: recipient.email,
      recipientHash: emailHash(deps.config.secretKeys, recipient.emailKey),
      locale: deps.texts.negotiate(locale),
      params: { request, why },
      at,
    });
    await recordAudit(tx, {
      at,
      actor,
      action,
      subject: `draft revision ${draft.revision}`,
      detail: { admin: recipient.id, delivery },
    });
    return { delivery, email: recipient.email };
  });
}

async function refuseTooMany({ db }: Pick<Deps, 'db'>, now: Date): Promise<void> {
  const recent = await countSince(db, action, new Date(now.getTime() - hour), mostAnHour);
  if (recent.count < mostAnHour || recent.oldest === null) return;
  const seconds = Math.max(1, Math.ceil((recent.oldest.getTime() + hour - now.getTime()) / 1_000));
  throw new Refusal('rate.exceeded', `At most ${mostAnHour} tests may be sent in an hour.`, [], seconds);
}

const Params = z.object({ request: publishRequestSchema, why: z.enum(['voluntary', 'contractual']) });

/** What is in a delivery of kind `test-notice`; null when the draft cannot be published any more. */
export async function testNoticeContent(deps: Deps, delivery: DeliveryAtHand): Promise<Content | null> {
  const { request, why } = Params.parse(delivery.params);
  const { publicUrl, secretKeys: keys } = deps.config;
  try {
    const rendered = await renderPreview({ ...deps, now: () => delivery.createdAt }, request, {
      locale: delivery.locale,
      links: slottedLinks(publicUrl),
      why,
    });
    const subject = deps.texts.for(delivery.locale).t('test-mail.subject', { subject: rendered.subject });
    return {
      message: await prepareNotice({ ...rendered, subject }, deps.config),
      slots: {
        unsubscribe: testLink(keys, 'unsubscribe'),
        preferences: testLink(keys, 'preferences'),
        objection: testLink(keys, 'objection'),
      },
    };
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
}
