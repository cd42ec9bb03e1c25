import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import type { Change } from '../../list/change.js';
import { describe, namesOf } from '../../list/describe.js';
import type { ListDocument } from '../../list/document.js';
import { gapsOf } from '../../list/gaps.js';
import { diffDraft, readDraft } from '../../versions/draft.js';
import { previewNotice, previewPublish } from '../../versions/preview.js';
import { readVersion } from '../../versions/read.js';
import { approvalView, approvedView } from './approval.js';
import { type Console, consoleOf } from './console.js';
import { outcome, testedView, testView } from './publish.js';

const mostGaps = 30;
/** The mail as a page of its own, inside a frame that may run and load nothing. */
const mailPolicy =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'; sandbox";

/** What the draft changes, as subscribers will read it: on the page and in the mail. */
export function reviewRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    app.get('/admin/review', { config: { permission: 'viewer' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const draft = await readDraft(deps.db);
      if (draft === null) return console.redirect('/admin/draft');
      const { from, changes } = await diffDraft(deps.db);
      const before = from === null ? null : await readVersion(deps.db, from);
      const mail = changes.length === 0 ? null : await readMail(console, mailLocale(request));
      return console.page('review', 'review', {
        base: from,
        account: describe(changes, namesOf(before?.document ?? null, draft.document), console.texts),
        gaps: gapsOfChanges(console, changes, draft.document),
        noMail: mail?.noMail ?? null,
        mail: mail?.preview ?? null,
        approval: changes.length === 0 ? null : await approvalView(deps, console, draft),
        test: mail?.preview ? testView(console, 'review') : null,
        ...testedView(console, outcome.parse(request.query).tested),
        ...approvedView(console, request.query),
      });
    });

    app.get('/admin/draft/preview.html', { config: { permission: 'viewer' } }, async (request, reply) => {
      const { html } = await previewNotice(deps, {}, mailLocale(request));
      return reply
        .header('content-security-policy', mailPolicy)
        .header('x-frame-options', 'SAMEORIGIN')
        .header('cache-control', 'no-store')
        .type('text/html; charset=utf-8')
        .send(html);
    });
  };

  function mailLocale(request: FastifyRequest): string {
    const { mail } = z.object({ mail: z.string().optional().catch(undefined) }).parse(request.query);
    return deps.texts.locales.find((locale) => locale === mail) ?? deps.pages.localeOf(request);
  }

  async function readMail({ texts }: Console, locale: string) {
    try {
      const preview = await previewPublish(deps, {});
      const { plan } = preview;
      if (!plan.notice.ordered) {
        return { noMail: texts.t(`console.review.because.${plan.notice.because}`), preview: null };
      }
      const { subject, text } = await previewNotice(deps, {}, locale, preview);
      return { noMail: null, preview: { subject, text, locale, base: plan.told?.number ?? null } };
    } catch (error) {
      // Between reading the draft and this somebody took the changes back.
      if (error instanceof Refusal) return null;
      throw error;
    }
  }
}

/** Entries that are new or changed and leave out what customers ask for. */
function gapsOfChanges({ texts }: Console, changes: readonly Change[], document: ListDocument) {
  const touched = new Set(
    changes.flatMap((change) =>
      change.kind === 'sub-processor-added' || change.kind === 'sub-processor-changed' ? [change.id] : [],
    ),
  );
  return document.subProcessors
    .filter(({ id }) => touched.has(id))
    .flatMap((entry) => {
      const gaps = gapsOf(entry);
      if (gaps.length === 0) return [];
      return [{ name: entry.name, facts: texts.list(gaps.map((gap) => texts.t(`console.review.check.${gap}`))) }];
    })
    .slice(0, mostGaps);
}
