import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import { hasRole } from '../../actor.js';
import type { AppDeps } from '../../app.js';
import { deliveryStates } from '../../deliveries/delivery.js';
import { Refusal } from '../../errors.js';
import { describe, namesOf } from '../../list/describe.js';
import { browseDeliveries, type DeliveryReport, deliveryReport } from '../../notices/report.js';
import { readCorrections, readScheduled, readVersion, readVersionState, readVersions } from '../../versions/read.js';
import { cancelScheduled } from '../../versions/scheduled.js';
import { sendNow } from '../../versions/send-now.js';
import { withdraw } from '../../versions/withdraw.js';
import type { FieldFault } from '../pages/subscription-form.js';
import { type Console, consoleOf } from './console.js';
import { progressView } from './progress.js';
import { obstaclesOf } from './sending.js';

const pageSize = 50;
const outcomes = ['notice', 'no-net-change', 'not-wanted', 'first-version', 'withdrawn', 'waits', 'sent-now'] as const;
const params = z.object({ number: z.coerce.number().int().positive() });
const query = z.object({
  state: z.enum(deliveryStates).optional().catch(undefined),
  after: z.coerce.number().int().nonnegative().optional().catch(undefined),
  done: z.enum(outcomes).optional().catch(undefined),
  /** The page renews itself while mails wait; a reader may stop that (WCAG 2.2.2). */
  watch: z.enum(['off']).optional().catch(undefined),
});
const renewSeconds = 3;
const withdrawal = z.object({ reason: z.string().default(''), sure: z.string().optional() });

/** The archive, one version with its deliveries and the relay's answers, and taking one back. */
export function versionsRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    app.get('/admin/versions', { config: { permission: 'viewer' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const { done } = z
        .object({ done: z.enum(['scheduled', 'held-back', 'cancelled']).optional().catch(undefined) })
        .parse(request.query);
      return showVersions(console, done === 'cancelled' ? console.texts.t('console.versions.cancelled') : null);
    });

    app.post('/admin/versions/cancel-scheduled', { config: { permission: 'publisher' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      await cancelScheduled(deps, console.actor);
      return console.redirect('/admin/versions?done=cancelled');
    });

    app.get('/admin/versions/:number', { config: { permission: 'viewer' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      return showVersion(console, params.parse(request.params).number, query.parse(request.query));
    });

    app.post('/admin/versions/:number/send-now', { config: { permission: 'publisher' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const { number } = params.parse(request.params);
      try {
        await sendNow(deps, number, console.actor);
      } catch (error) {
        // Its time came while somebody looked at the page: it has gone, as they wished.
        if (!(error instanceof Refusal) || error.code !== 'notice.not-waiting') throw error;
      }
      return console.redirect(`/admin/versions/${number}?done=sent-now`);
    });

    app.post(
      '/admin/versions/:number/withdraw',
      { config: { permission: 'publisher', keepsText: true } },
      async (request, reply) => {
        const console = consoleOf(deps, request, reply);
        const { number } = params.parse(request.params);
        const { reason, sure } = withdrawal.parse(request.body);
        const errors: FieldFault[] = [];
        if (reason.trim() === '') errors.push({ field: 'reason', message: console.texts.t('console.faults.reason') });
        if (sure === undefined) {
          errors.push({ field: 'sure', message: console.texts.t('console.version.withdrawConfirmMissing') });
        }
        if (errors.length === 0) {
          try {
            await withdraw(deps, number, reason.trim(), console.actor);
            return console.redirect(`/admin/versions/${number}?done=withdrawn`);
          } catch (error) {
            if (!(error instanceof Refusal) || error.code !== 'version.not-withdrawable') throw error;
            errors.push({ field: null, message: console.texts.t('console.refusals.notWithdrawable') });
          }
        }
        return showVersion(console, number, {}, { errors, reason });
      },
    );
  };

  async function showVersions(console: Console, done: string | null) {
    const scheduled = await readScheduled(deps.db);
    return console.page('versions', 'versions', {
      versions: await readVersions(deps.db, deps.now()),
      scheduled,
      scripts: scheduled === null ? [] : ['countdown.js'],
      mayPublish: hasRole(console.actor, 'publisher'),
      done,
      errors: [],
    });
  }

  async function showVersion(
    console: Console,
    number: number,
    { state, after, done, watch }: z.infer<typeof query>,
    attempt: { errors: FieldFault[]; reason: string } = { errors: [], reason: '' },
  ) {
    const found = await readVersionState(deps.db, number, deps.now());
    const { version } = found;
    const before = number > 1 ? await readVersion(deps.db, number - 1) : null;
    const account = describe(version.changes, namesOf(before?.document ?? null, version.document), console.texts);
    const report = await deliveryReport(deps.db, number);
    const deliveries = await browseDeliveries(deps.db, number, { state, after, limit: pageSize });
    const renewing =
      !report.complete && !report.waits && watch !== 'off' && after === undefined && attempt.errors.length === 0;
    return console.page(
      'version',
      'versions',
      {
        version,
        state: found.state,
        account,
        original: account.original,
        progress:
          report.notices.length === 0 ? null : progressView(await deps.progress.read(number, report), console.texts),
        running: !report.complete,
        mailNote: quietText(console, report),
        waits: report.waits,
        renewing,
        renewSeconds: renewing ? renewSeconds : null,
        scripts: renewing ? ['progress.js'] : [],
        deliveries: deliveries.deliveries,
        next: deliveries.next,
        filter: state ?? null,
        corrections: await readCorrections(deps.db, number),
        correctable: found.state !== 'withdrawn' && hasRole(console.actor, 'publisher'),
        withdrawable: found.state === 'announced' && hasRole(console.actor, 'publisher'),
        ...(await obstaclesOf(deps)),
        mayPublish: hasRole(console.actor, 'publisher'),
        values: { reason: attempt.reason },
        errors: attempt.errors,
        done: doneText(console, String(number), done),
      },
      { status: attempt.errors.length > 0 ? 422 : 200 },
    );
  }
}

/** Whose notice tells of the version and until when it waits, where that is not simply its own at once. */
function quietText({ texts }: Console, { toldWith, takenBackBy, sendAfter, waits }: DeliveryReport): string | null {
  if (takenBackBy !== null) return texts.t('quiet.console.takenBack', { version: String(takenBackBy) });
  const moment = sendAfter === null ? '' : texts.moment(sendAfter);
  if (toldWith === null) return waits ? texts.t('quiet.console.waits', { moment }) : null;
  const version = String(toldWith);
  return texts.t(waits ? 'quiet.console.toldWithWaits' : 'quiet.console.toldWith', { version, moment });
}

function doneText({ texts }: Console, version: string, done: (typeof outcomes)[number] | undefined): string | null {
  if (done === undefined) return null;
  if (done === 'sent-now') return texts.t('quiet.console.sentNow');
  if (done === 'withdrawn') return texts.t('console.version.withdrawn', { version });
  const published = texts.t('console.publish.done', { version });
  // Until when is on the page.
  if (done === 'waits') return published;
  if (done === 'notice') return `${published} ${texts.t('console.publish.doneNotice')}`;
  const because = texts.t(`console.review.because.${done}`);
  return `${published} ${texts.t('console.publish.doneNoNotice', { because })}`;
}
