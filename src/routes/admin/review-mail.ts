import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import type { ListDocument } from '../../list/document.js';
import { type Appearance, appearances, shownIn } from '../../mail/appearance.js';
import { escapeMarkup } from '../../mail/escape.js';
import { listGroups } from '../../subscribers/groups.js';
import { concerns, type PublishPreview, previewNotice, previewSubject } from '../../versions/preview.js';
import type { Console } from './console.js';

/** The mail as a page of its own, inside a frame that may run and load nothing. */
const mailPolicy =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'; sandbox";

const choiceSchema = z.object({
  /** The language. */
  mail: z.string().optional().catch(undefined),
  /** `voluntary`, `contractual`, or `group:<id>`. */
  reader: z.string().max(100).optional().catch(undefined),
  /** The id of the one service that the reader uses; empty: all. */
  service: z.string().max(200).optional().catch(undefined),
  appearance: z.enum(appearances).catch('light'),
});

/** For whom the mail is shown, and how. */
export interface MailChoice {
  locale: string;
  why: 'voluntary' | 'contractual';
  reader: string;
  services: string[] | null;
  appearance: Appearance;
}

export function mailChoice({ texts, pages }: Pick<AppDeps, 'texts' | 'pages'>, request: FastifyRequest): MailChoice {
  const { mail, reader = 'voluntary', service = '', appearance } = choiceSchema.parse(request.query);
  return {
    locale: texts.locales.find((locale) => locale === mail) ?? pages.localeOf(request),
    why: reader === 'voluntary' ? 'voluntary' : 'contractual',
    reader,
    services: service === '' ? null : [service],
    appearance,
  };
}

/** The mail that publishing the draft would send, as one of its readers gets it: for frames of the review. */
export function reviewMailRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    for (const form of ['html', 'text'] as const) {
      const path = form === 'html' ? '/admin/draft/preview.html' : '/admin/draft/preview-text.html';
      app.get(path, { config: { permission: 'viewer' } }, async (request, reply) => {
        const choice = mailChoice(deps, request);
        const { html, text } = await previewNotice(deps, {}, choice);
        return reply
          .header('content-security-policy', mailPolicy)
          .header('x-frame-options', 'SAMEORIGIN')
          .header('cache-control', 'no-store')
          .type('text/html; charset=utf-8')
          .send(form === 'html' ? shownIn(html, choice.appearance) : textPage(text, choice));
      });
    }
  };
}

/** The text part as a client shows it that has nothing else. */
function textPage(text: string, { locale, appearance }: MailChoice): string {
  return `<!doctype html><html lang="${locale}"><head><meta charset="utf-8"><meta name="color-scheme" content="${appearance}"><title>${locale}</title><style>body{margin:16px}pre{margin:0;font:14px/1.5 ui-monospace,Menlo,Consolas,monospace;white-space:pre-wrap;overflow-wrap:anywhere}</style></head><body><pre>${escapeMarkup(text)}</pre></body></html>`;
}

/** What the section of the mail needs; `nobody`: such a reader would get none. */
export async function mailView(
  deps: AppDeps,
  { texts }: Console,
  document: ListDocument,
  planned: PublishPreview | null,
  choice: MailChoice,
) {
  const none = { noMail: null, mail: null };
  if (planned === null) return none;
  const { plan } = planned;
  if (!plan.notice.ordered) {
    return { ...none, noMail: texts.t(`console.review.because.${plan.notice.because}`) };
  }
  try {
    const nobody = !concerns(planned, choice.services);
    return {
      noMail: null,
      mail: {
        ...choice,
        service: choice.services?.[0] ?? '',
        nobody,
        subject: nobody ? null : await previewSubject(deps, planned, choice),
        base: plan.told?.number ?? null,
        readers: await readerChoices(deps, texts),
        services: document.services ?? [],
        appearances,
        query: new URLSearchParams({
          mail: choice.locale,
          reader: choice.reader,
          service: choice.services?.[0] ?? '',
          appearance: choice.appearance,
        }).toString(),
      },
    };
  } catch (error) {
    // Between reading the draft and this somebody took the changes back.
    if (error instanceof Refusal) return none;
    throw error;
  }
}

async function readerChoices({ db }: AppDeps, texts: Console['texts']) {
  const groups = await listGroups(db);
  return [
    { value: 'voluntary', label: texts.t('review.mail.voluntary') },
    { value: 'contractual', label: texts.t('review.mail.contractual') },
    ...groups.map(({ id, name, noticeDays }) => ({
      value: `group:${id}`,
      label: texts.t('review.mail.group', { group: name, count: noticeDays }),
    })),
  ];
}
