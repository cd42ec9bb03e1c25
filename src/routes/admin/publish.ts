import { randomUUID } from 'node:crypto';
import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import { hasRole } from '../../actor.js';
import type { AppDeps } from '../../app.js';
import { Refusal, type RefusalCode } from '../../errors.js';
import { summarise } from '../../list/describe.js';
import { approvalMissing } from '../../versions/approve.js';
import { dayOf, lastDayOf } from '../../versions/clock.js';
import { reviewMark } from '../../versions/draft-hash.js';
import { checkPublish, type DryRun } from '../../versions/dry-run.js';
import { isNotifiable, type VersionPlan } from '../../versions/plan.js';
import { type PublishPreview, previewNotice } from '../../versions/preview.js';
import { publish } from '../../versions/publish.js';
import { correctableNumbers, readBoardSummary } from '../../versions/read.js';
import { orderTestNotice } from '../../versions/test-notice.js';
import type { FieldFault } from '../pages/subscription-form.js';
import { approvalView } from './approval.js';
import { type Console, consoleOf } from './console.js';
import { dryRunView } from './dry-run-view.js';
import { faultsOfPublish, type PublishForm, publishForm, requestOf, testForm } from './publish-form.js';

/**
 * Publishing in two steps: the form proposes lawful dates, the second page says what will happen, and
 * only its button does it. A double click is one publication: the page carries an idempotency key.
 */
export function publishRoutes(deps: AppDeps): FastifyPluginAsync {
  const { config } = deps;
  return async (app) => {
    app.get('/admin/publish', { config: { permission: 'viewer' } }, async (request, reply) => {
      const { tested } = outcome.parse(request.query);
      const { corrects } = chosen.parse(request.query);
      return showForm(consoleOf(deps, request, reply), null, [], { tested, corrects });
    });

    // From three pages: back to the one that it was sent from, with all that was filled in there.
    app.post('/admin/publish/test', { config: { permission: 'editor', keepsText: true } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const { locale, from } = testForm.parse(request.body);
      const form = publishForm.parse(request.body);
      const tested = await sendTest(console, form, locale);
      if (from === 'review') return console.redirect(`/admin/review?tested=${tested}`);
      if (from === 'publish') return showForm(console, form, [], { tested });
      try {
        return await showPlan(console, form, tested);
      } catch (error) {
        return showRefusal(console, form, error);
      }
    });

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
          ifReviewed: form.reviewed === '' ? undefined : form.reviewed,
          idempotencyKey: form.key === '' ? undefined : form.key,
        });
        if (result.status === 202) {
          return console.redirect(`/admin/versions?done=${form.publishAt === '' ? 'held-back' : 'scheduled'}`);
        }
        const { version, notice } = result;
        const because = !notice.ordered ? notice.because : notice.sendAfter === undefined ? 'notice' : 'waits';
        return console.redirect(`/admin/versions/${version.number}?done=${because}`);
      } catch (error) {
        return showRefusal(console, form, error);
      }
    });
  };

  async function sendTest(console: Console, form: PublishForm, locale: string): Promise<Tested> {
    try {
      await orderTestNotice(deps, { ...requestOf(form), locale }, console.actor);
      return 'sent';
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return error.code === 'rate.exceeded' ? 'limited' : 'refused';
    }
  }

  async function showForm(
    console: Console,
    typed: PublishForm | null,
    errors: FieldFault[],
    { status = 200, tested, corrects = '', planned }: FormOptions = {},
  ) {
    const ready = planned ?? (await planOrReason(console));
    if ('nothing' in ready) return console.page('publish', 'publish', { ...emptyView, ...ready, errors });
    const { found, preview } = ready;
    const { plan, defaults, draft } = preview;
    const { total, outOfScope, notMaterial } = found.recipients;
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
        dryRun: dryRunView(found, console.texts),
        test: testView(console, 'publish'),
        ...testedView(console, tested, errors),
        revision: String(draft.revision),
        values: {
          ...emptyView.values,
          message: draft.message ?? '',
          corrects,
          effectiveAt: material ? dayOf(defaults.effectiveAt, config.timeZone) : '',
          objectionDeadline:
            material && defaults.objectionDeadline ? lastDayOf(defaults.objectionDeadline, config.timeZone) : '',
          ...typed,
        },
        approval: await approvalView(deps, console, draft),
        correctable: (await correctableNumbers(deps.db)).map(String),
        holdBacks: holdBackChoices(config.holdBackMinutes, console.texts),
        facts: {
          proposed: defaults.effectiveAt,
          behind: await announcedBefore(preview),
          zone: config.timeZone,
          noticeDays: plan.clock.noticePeriodDays,
          objectionDays: config.objectionDays,
          confirmed: total + outOfScope + notMaterial,
        },
      },
      { status },
    );
  }

  /** The announced version that holds this one back, if it is not the notice period. */
  async function announcedBefore({ plan, defaults }: PublishPreview): Promise<{ number: number } | null> {
    const { notBefore } = plan.facts;
    if (notBefore === null || defaults.earliest.getTime() !== notBefore.getTime()) return null;
    const { announced } = await readBoardSummary(deps.db, deps.now());
    return announced.find(({ effectiveAt }) => effectiveAt.getTime() === notBefore.getTime()) ?? null;
  }

  async function showPlan(console: Console, form: PublishForm, tested?: Tested) {
    const { found, preview } = await checkPublish(deps, requestOf(form));
    const [refusal] = found.refusals;
    if (refusal !== undefined) throw refusal;
    if (preview === null || preview.dates === null) throw new Error('a plan without dates is refused');
    const { plan, dates, draft, request } = preview;
    const message = request.message || null;
    // Now, and not only once everything is looked through and the button is pressed.
    const unapproved = await approvalMissing(deps.db, config, { ...draft, message }, console.actor);
    if (unapproved !== null) throw unapproved;
    const heldBack = request.publishAt === undefined && plan.facts.publishedAt > deps.now();
    const mail = plan.notice.ordered
      ? await previewNotice(deps, request, { locale: console.texts.locale }, preview)
      : null;
    const reviewed = reviewMark(draft);
    const seen = { ...form, message: message ?? '', revision: draft.revision, reviewed, key: randomUUID() };
    return console.page('publish-confirm', 'publish', {
      plan: {
        number: plan.number,
        first: plan.facts.first,
        publishAt: request.publishAt === undefined ? null : plan.facts.publishedAt,
        heldBackUntil: heldBack ? plan.facts.publishedAt : null,
        effectiveAt: dates.effectiveAt,
        atOnce: dates.effectiveAt <= plan.facts.publishedAt,
        objectionDeadline: dates.objectionDeadline,
        told: plan.notice.ordered ? found.recipients.total : null,
        mailWaits: mailWaits(console, plan),
        subject: mail?.subject ?? null,
        noMail: plan.notice.ordered ? null : console.texts.t(`console.review.because.${plan.notice.because}`),
        message,
        reason: request.reason ?? null,
        emergency: request.emergency === true,
        corrects: request.corrects ?? null,
      },
      dryRun: dryRunView(found, console.texts),
      hidden: [['_csrf', console.csrf], ...fieldsOf(seen)],
      test: plan.notice.ordered ? testView(console, 'plan', seen) : null,
      ...testedView(console, tested),
    });
  }

  async function showRefusal(console: Console, form: PublishForm, error: unknown) {
    if (!(error instanceof Refusal)) throw error;
    const planned = await planOrReason(console);
    // The day that the form proposes, for the sentence that refuses an earlier one.
    const earliestDay = 'nothing' in planned ? null : console.texts.day(planned.preview.defaults.effectiveAt);
    const faults = faultsOfPublish(error, console.texts, earliestDay);
    if (faults === null) throw error;
    return showForm(console, form, faults, { status: error.code === 'draft.stale' ? 409 : 422, planned });
  }

  /** What publishing without any choice would come to, planned once for the whole page. */
  async function planOrReason({ texts }: Console): Promise<Planned | Nothing> {
    const { found, preview } = await checkPublish(deps, {});
    const refused = (code: RefusalCode) => found.refusals.find((refusal) => refusal.code === code);
    if (refused('version.scheduled-already') !== undefined) {
      const way = { path: '/admin/versions', label: texts.t('console.overview.toVersions') };
      return { nothing: texts.t('console.refusals.scheduledAlready'), way };
    }
    if (preview !== null) return { found, preview };
    const way = { path: '/admin/draft', label: texts.t('console.overview.toDraft') };
    if (refused('draft.missing') !== undefined) return { nothing: texts.t('console.refusals.noDraft'), way };
    if (refused('version.unchanged') !== undefined) return { nothing: texts.t('console.refusals.unchanged'), way };
    throw found.refusals[0] ?? new Error('there is no plan, and nothing says why');
  }
}

type Planned = { found: DryRun; preview: PublishPreview };
/** Why there is nothing to publish, and where to go from there. */
type Nothing = { nothing: string; way: { path: string; label: string } };
interface FormOptions {
  status?: number;
  tested?: Tested | undefined;
  /** The version to be corrected, chosen on its page. */
  corrects?: string;
  /** Where the page is planned already. */
  planned?: Planned | Nothing;
}

const chosen = z.object({
  corrects: z
    .string()
    .regex(/^[1-9]\d{0,8}$/)
    .catch(''),
});

/** How long a publication may wait to be stopped: what the settings ask for, and some more. */
function holdBackChoices(least: number, { t }: Console['texts']): { value: string; label: string }[] {
  const minutes = [...new Set([least, 5, 15, 60])].filter((one) => one >= least);
  return minutes.map((one) => ({
    value: String(one),
    label: one === 0 ? t('console.publish.holdBackNone') : t('console.publish.holdBackMinutes', { count: one }),
  }));
}

/** The query of the page that comes after a test. */
export const outcome = z.object({ tested: z.enum(['sent', 'limited', 'refused']).optional().catch(undefined) });
/** What became of a test: on its way, one too many, or there is nothing to be tested. */
export type Tested = NonNullable<z.infer<typeof outcome>['tested']>;

/** The form of a test to oneself; null for a role that may not send one. */
export function testView({ actor, email, texts }: Console, from: 'publish' | 'plan' | 'review', form?: PublishForm) {
  if (!hasRole(actor, 'editor')) return null;
  return {
    email,
    locale: texts.locale,
    // The test on the page with the form goes with what is typed there, sent yet or not.
    form: from === 'publish' ? 'publish-form' : null,
    fields: [['from', from], ...(form === undefined ? [] : fieldsOf(form))],
  };
}

/** What became of it, in the words of the page. */
export function testedView({ texts }: Console, tested: Tested | undefined, errors: readonly FieldFault[] = []) {
  if (tested === undefined) return { errors };
  const message = texts.t(`before.test.${tested}`);
  return tested === 'sent' ? { errors, done: message } : { errors: [...errors, { field: null, message }] };
}

function fieldsOf(form: PublishForm): [string, string][] {
  return Object.entries(form).map(([name, value]) => [name, String(value ?? '')]);
}

/** Until when the mail waits for further versions, and what waits already; null: nothing does. */
function mailWaits({ texts }: Console, { notice, window, netChanges }: VersionPlan): string | null {
  const version = String(window?.carrier ?? '');
  if (notice.ordered && notice.sendAfter !== undefined) {
    const moment = texts.moment(notice.sendAfter);
    return window?.carrier
      ? texts.t('quiet.console.publishJoins', { version, moment })
      : texts.t('quiet.console.publishWaits', { moment });
  }
  const takesBack = !notice.ordered && window?.carrier && !isNotifiable(netChanges);
  return takesBack ? texts.t('quiet.console.publishTakesBack', { version }) : null;
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
    holdBackMinutes: '',
    corrects: '',
  },
};
