import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import { hasRole } from '../../actor.js';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import { adequacyCheckedOn } from '../../list/adequacy.js';
import type { Change } from '../../list/change.js';
import { describe, inAccountOrder, namesOf, summarise } from '../../list/describe.js';
import { countEntries } from '../../list/translation-gaps.js';
import { type Draft, diffDraft, readDraft } from '../../versions/draft.js';
import { type PublishPreview, previewPublish } from '../../versions/preview.js';
import { readLatestList, readVersion } from '../../versions/read.js';
import type { FieldFault } from '../pages/subscription-form.js';
import { approvalView, approvedView } from './approval.js';
import { type Console, consoleOf } from './console.js';
import { outcome, testedView, testView } from './publish.js';
import { type MailChoice, mailChoice, mailView } from './review-mail.js';
import { messageForm, type TypedMessage, typedMessage } from './review-message.js';
import { brokenGradings, datesView, gapLines, severityPath } from './review-view.js';

const pageSize = 50;
const mostGaps = 10;
const pageQuery = z.object({
  page: z.coerce.number().int().min(1).max(10_000).catch(1),
  done: z.enum(['message', 'severity']).optional().catch(undefined),
});

/** What the draft changes, as subscribers will read it: on the page and in the mail. */
export function reviewRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    app.get('/admin/review', { config: { permission: 'viewer' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const { page, done } = pageQuery.parse(request.query);
      return show(console, mailChoice(deps, request), {
        page,
        ...(done === undefined ? {} : { done: console.texts.t(`review.${done}.done`) }),
        ...testedView(console, outcome.parse(request.query).tested),
        ...approvedView(console, request.query),
      });
    });

    app.post('/admin/review/message', { config: { permission: 'editor', keepsText: true } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const typed = typedMessage(request);
      const answer = await messageForm(deps, console, typed);
      if (typed.json) return reply.code(answer.faults.length > 0 ? 422 : 200).send(answer);
      const { faults, conflicts } = answer;
      if (faults.length + conflicts.length === 0) return console.redirect('/admin/review?done=message#message-title');
      const errors: FieldFault[] = [...faults, ...conflicts.map(({ text }) => ({ field: 'message', message: text }))];
      return show(console, mailChoice(deps, request), {
        page: 1,
        errors,
        typed,
        status: faults.length > 0 ? 422 : 409,
      });
    });

    app.get('/admin/review/checklist', { config: { permission: 'viewer' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const { page } = pageQuery.parse(request.query);
      const draft = await readDraft(deps.db);
      if (draft === null) return console.redirect('/admin/draft');
      const { changes } = await diffDraft(deps.db);
      const lines = gapLines(draft.document, await readLatestList(deps.db), changes, console.texts);
      return console.page('review-checklist', 'review', {
        count: lines.length,
        // Without translations vendors alone can leave something open.
        entries: lines.some(({ vendor }) => !vendor)
          ? countEntries(draft.document)
          : draft.document.subProcessors.length,
        lines: lines.slice((page - 1) * pageSize, page * pageSize),
        checkedOn: new Date(`${adequacyCheckedOn}T12:00:00Z`),
        ...pagesOf(page, lines.length),
      });
    });
  };

  async function show(
    console: Console,
    choice: MailChoice,
    {
      page,
      status = 200,
      typed,
      ...view
    }: { page: number; status?: number; typed?: TypedMessage; errors?: readonly FieldFault[] } & object,
  ) {
    const draft = await readDraft(deps.db);
    if (draft === null) return console.redirect('/admin/draft');
    const { texts } = console;
    const { from, changes } = await diffDraft(deps.db);
    const planned = changes.length === 0 ? null : await planOrNull();
    const gaps = gapLines(draft.document, await readLatestList(deps.db), changes, texts);
    const changedGaps = gaps.filter(({ changed }) => changed);
    const editable = hasRole(console.actor, 'editor');
    const { mail, noMail } = await mailView(deps, console, draft.document, planned, choice);
    return console.page(
      'review',
      'review',
      {
        base: from,
        ...(await accountOf(draft, { from, changes, page }, texts)),
        gradable: editable ? { path: severityPath } : { path: null },
        broken: brokenGradings(draft, changes),
        dates: planned === null ? null : await datesView(deps, planned),
        gaps: changedGaps.slice(0, mostGaps),
        moreGaps: changedGaps.length - Math.min(changedGaps.length, mostGaps),
        allGaps: gaps.length,
        mail,
        noMail,
        message: {
          value: typed?.message ?? draft.message ?? '',
          base: JSON.stringify({ message: draft.message ?? '' }),
        },
        editable,
        scripts: editable ? ['editor.js'] : [],
        approval: changes.length === 0 ? null : await approvalView(deps, console, draft),
        test: mail === null ? null : testView(console, 'review'),
        refused: status !== 200,
        ...view,
      },
      { status },
    );
  }

  /** Null: somebody took the changes back between the two readings. */
  async function planOrNull(): Promise<PublishPreview | null> {
    try {
      return await previewPublish(deps, {});
    } catch (error) {
      if (error instanceof Refusal) return null;
      throw error;
    }
  }

  async function accountOf(
    draft: Draft,
    { from, changes, page }: { from: number | null; changes: readonly Change[]; page: number },
    texts: Console['texts'],
  ) {
    const before = from === null ? null : await readVersion(deps.db, from);
    const names = namesOf(before?.document ?? null, draft.document);
    const shown = inAccountOrder(changes).slice((page - 1) * pageSize, page * pageSize);
    const account = describe(shown, names, texts);
    return {
      account: { ...account, summary: summarise(changes, texts) },
      original: account.original,
      changed: changes.length,
      ...pagesOf(page, changes.length),
    };
  }
}

/** On which page of the review a change stands. */
export function pageOfChange(changes: readonly Change[], change: Change): number {
  return Math.floor(inAccountOrder(changes).indexOf(change) / pageSize) + 1;
}

function pagesOf(page: number, count: number) {
  const last = Math.max(1, Math.ceil(count / pageSize));
  return { page, pages: last, previous: page > 1 ? page - 1 : null, next: page < last ? page + 1 : null };
}
