import { randomUUID } from 'node:crypto';
import type { FastifyPluginAsync } from 'fastify';
import { hasRole } from '../../actor.js';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import { summarise } from '../../list/describe.js';
import { countRecipients } from '../../notices/report.js';
import { countByStatus } from '../../subscribers/browse.js';
import { dayOf, lastDayOf } from '../../versions/clock.js';
import { type PublishPreview, previewNotice, previewPublish } from '../../versions/preview.js';
import { publish } from '../../versions/publish.js';
import { readBoard, readScheduled } from '../../versions/read.js';
import type { FieldFault } from '../pages/subscription-form.js';
import { type Console, consoleOf } from './console.js';
import { faultsOfPublish, type PublishForm, publishForm, requestOf } from './publish-form.js';

/**
 * Publishing in two steps: the form proposes lawful dates, the second page says what will happen, and
 * only its button does it. A double click is one publication: the page carries an idempotency key.
 */
export function publishRoutes(deps: AppDeps): FastifyPluginAsync {
  const { config } = deps;
  return async (app) => {
    app.get('/admin/publish', { config: { permission: 'viewer' } }, async (request, reply) =>
      showForm(consoleOf(deps, request, reply), null, []),
    );

    app.post('/admin/publish/edit', { config: { permission: 'publisher' } }, async (request, reply) =>
      showForm(consoleOf(deps, request, reply), publishForm.parse(request.body), []),
    );

    app.post(
      '/admin/publish/check',
      { config: { permission: 'publisher', keepsText: true } },
      async (request, reply) => {
        const console = consoleOf(deps, request, reply);
        const form = publishForm.parse(request.body);
        try {
          return await showPlan(console, form);
        } catch (error) {
          return showRefusal(console, form, error);
        }
      },
    );

    app.post('/admin/publish', { config: { permission: 'publisher', keepsText: true } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const form = publishForm.parse(request.body);
      try {
        const result = await publish(deps, requestOf(form), console.actor, {
          ifRevision: form.revision,
          idempotencyKey: form.key === '' ? undefined : form.key,
        });
        if (result.status === 202) return console.redirect('/admin/versions?done=scheduled');
        const { version, notice } = result;
        const because = notice.ordered ? 'notice' : notice.because;
        return console.redirect(`/admin/versions/${version.number}?done=${because}`);
      } catch (error) {
        return showRefusal(console, form, error);
      }
    });
  };

  async function showForm(console: Console, typed: PublishForm | null, errors: FieldFault[], status = 200) {
    const preview = await previewOrReason(console);
    if ('nothing' in preview) return console.page('publish', 'publish', { ...emptyView, ...preview, errors });
    const { plan, defaults, draft } = preview;
    const material = plan.facts.material && !plan.facts.first;
    return console.page(
      'publish',
      'publish',
      {
        nothing: null,
        first: plan.facts.first,
        material,
        summary: summarise(plan.changes, console.texts),
        allowed: hasRole(console.actor, 'publisher'),
        errors,
        revision: String(draft.revision),
        values: typed ?? {
          ...emptyView.values,
          effectiveAt: material ? dayOf(defaults.effectiveAt, config.timeZone) : '',
          objectionDeadline:
            material && defaults.objectionDeadline ? lastDayOf(defaults.objectionDeadline, config.timeZone) : '',
        },
        facts: {
          proposed: defaults.effectiveAt,
          behind: await announcedBefore(preview),
          zone: config.timeZone,
          noticeDays: config.noticePeriodDays,
          objectionDays: config.objectionDays,
          confirmed: (await countByStatus(deps.db)).confirmed,
        },
      },
      { status },
    );
  }

  /** The announced version that holds this one back, if it is not the notice period. */
  async function announcedBefore({ plan, defaults }: PublishPreview): Promise<{ number: number } | null> {
    const { notBefore } = plan.facts;
    if (notBefore === null || defaults.earliest.getTime() !== notBefore.getTime()) return null;
    const { announced } = await readBoard(deps.db, deps.now());
    return announced.find(({ effectiveAt }) => effectiveAt.getTime() === notBefore.getTime()) ?? null;
  }

  async function showPlan(console: Console, form: PublishForm) {
    const request = requestOf(form);
    const { plan, dates, refusal, draft } = await previewPublish(deps, request);
    if (dates === null) throw refusal;
    const told = plan.notice.ordered ? await countRecipients(deps.db, plan.netChanges) : null;
    const subject = plan.notice.ordered ? (await previewNotice(deps, request, console.texts.locale)).subject : null;
    const seen: PublishForm = { ...form, revision: draft.revision, key: randomUUID() };
    return console.page('publish-confirm', 'publish', {
      plan: {
        number: plan.number,
        first: plan.facts.first,
        publishAt: request.publishAt === undefined ? null : plan.facts.publishedAt,
        effectiveAt: dates.effectiveAt,
        atOnce: dates.effectiveAt <= plan.facts.publishedAt,
        objectionDeadline: dates.objectionDeadline,
        told,
        subject,
        noMail: plan.notice.ordered ? null : console.texts.t(`console.review.because.${plan.notice.because}`),
        message: request.message ?? null,
        reason: request.reason ?? null,
        emergency: request.emergency === true,
      },
      hidden: [['_csrf', console.csrf], ...Object.entries(seen).map(([name, value]) => [name, String(value)])],
    });
  }

  async function showRefusal(console: Console, form: PublishForm, error: unknown) {
    if (!(error instanceof Refusal)) throw error;
    const faults = faultsOfPublish(error, console.texts, await earliestDay(console));
    if (faults === null) throw error;
    return showForm(console, form, faults, error.code === 'draft.stale' ? 409 : 422);
  }

  /** The day that the form proposes, for the sentence that refuses an earlier one. */
  async function earliestDay(console: Console): Promise<string | null> {
    const preview = await previewOrReason(console);
    return 'nothing' in preview ? null : console.texts.day(preview.defaults.effectiveAt);
  }

  async function previewOrReason({
    texts,
  }: Console): Promise<PublishPreview | { nothing: string; way: { path: string; label: string } }> {
    const scheduled = await readScheduled(deps.db);
    if (scheduled !== null) {
      const way = { path: '/admin/versions', label: texts.t('console.overview.toVersions') };
      return { nothing: texts.t('console.refusals.scheduledAlready'), way };
    }
    try {
      return await previewPublish(deps, {});
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const way = { path: '/admin/draft', label: texts.t('console.overview.toDraft') };
      if (error.code === 'draft.missing') return { nothing: texts.t('console.refusals.noDraft'), way };
      if (error.code === 'version.unchanged') return { nothing: texts.t('console.refusals.unchanged'), way };
      throw error;
    }
  }
}

const emptyView = {
  values: {
    message: '',
    effectiveAt: '',
    objectionDeadline: '',
    notify: 'yes',
    emergency: false,
    reason: '',
    publishAt: '',
  },
};
