import type { Change } from '../list/change.js';
import { type Account, describe, namesOf, summarise } from '../list/describe.js';
import type { ListDocument } from '../list/document.js';
import type { Look } from '../look.js';
import type { Texts } from '../texts.js';
import { labelled } from './account-text.js';
import { encodedSize, fitAccount } from './budget.js';
import { mailColours } from './colours.js';
import type { RenderedMail } from './message.js';
import { isolated, renderMjml, textMarkup } from './mjml.js';
import { inARow, shortened } from './shown-values.js';

/*
 * The notice: what changes, from when, until when to object, and all that a controller needs to
 * judge it (GDPR Art. 28(2); SCC 2021/915, 7.7(a)). HTML and text come from one account.
 */

export interface NoticeInput {
  /** `withdrawal`: what had been announced will not take effect. */
  kind: 'change' | 'withdrawal';
  version: {
    number: number;
    publishedAt: Date;
    effectiveAt: Date;
    /** Null: nothing in it opens an objection window. */
    objectionDeadline: Date | null;
    /** The admin's own words. */
    message: string | null;
    emergency: boolean;
    /** Why it is an emergency. */
    reason: string | null;
    withdrawalReason: string | null;
  };
  /** The version that readers were last told of; null when this is the first. */
  baseVersion: number | null;
  /** The net changes since then, in the reader's scope. */
  changes: readonly Change[];
  /** What of them takes effect before the rest does, as it came with an earlier version. */
  earlier?: readonly { version: number; effectiveAt: Date; changes: readonly Change[] }[];
  /** The versions that what is told here corrects. */
  corrects?: readonly number[];
  /** Of a withdrawal: the version that was announced in the same mail, and stands. */
  rest?: { version: number; effectiveAt: Date } | null;
  before: ListDocument | null;
  after: ListDocument;
  company: string;
  /** Without a slash at its end. */
  publicUrl: string;
  /** Of links and buttons; absent or null: ours. */
  accent?: Look['accent'];
  /** Whole URLs; with slots (`slottedLinks`) in mail for many. */
  links: { unsubscribe: string; preferences: string; objection: string };
  /** They subscribed, or a contract entitles them. */
  why: 'voluntary' | 'contractual';
}

const htmlLimit = 97_000;
const encodedLimit = 280_000;
const messageLimit = 4_000;
const reasonLimit = 1_000;
const longestSubject = 140;
const longestCompany = 80;

/** The notice in one language: the same for all its recipients, but for the slots in its links. */
export async function renderNotice(input: NoticeInput, texts: Texts): Promise<RenderedMail> {
  const account = describe(input.changes, namesOf(input.before, input.after), texts);
  const notice = wordsOf(input, account, texts);
  const frame = await renderMjml('notice', texts, {
    ...notice,
    changes: accountMark,
    colours: mailColours(input.accent),
  });
  const text = (changes: string) => noticeText(notice, changes, texts);

  const shown =
    input.kind === 'withdrawal'
      ? { html: '', text: '' }
      : fitAccount(
          account,
          {
            html: htmlLimit - Buffer.byteLength(frame),
            encoded: encodedLimit - encodedSize(frame) - encodedSize(text('')),
          },
          notice.link.url,
          texts,
        );
  return {
    subject: notice.subject,
    // Only now: what a list says never goes through MJML, which would read it anew.
    html: frame.replace(accountMark, () => shown.html),
    text: text(shown.text),
  };
}

/** The subject of the same notice, without the rest of it. */
export function noticeSubject(input: NoticeInput, texts: Texts): string {
  return subjectOf(input, texts);
}

// Stands where the account goes; letters only, so that nothing on the way touches it.
const accountMark = 'HereTheAccountOfChangesIsPutIn';

type Notice = ReturnType<typeof wordsOf>;

/** Everything but the account, in the words of the language. */
function wordsOf(input: NoticeInput, account: Account, texts: Texts) {
  const { version, company, publicUrl, baseVersion } = input;
  const t = (key: string, values: Record<string, string | number> = {}) =>
    texts.t(`mail.notice.${key}`, { company, number: version.number, ...values });
  const withdrawn = input.kind === 'withdrawal';
  const variant = withdrawn ? 'Withdrawn' : version.emergency ? 'Emergency' : '';
  const subject = subjectOf(input, texts);
  const said = (reason: string) => shortened(reason.replace(/\s+/g, ' '), reasonLimit, texts);
  const dates = datesOf(input, texts);
  const versionUrl = `${publicUrl}/versions/${version.number}`;
  return {
    subject,
    // Beside the subject in lists of mail, so it says what the subject leaves out.
    preview: dates.map(({ label, value }) => labelled(label, value, texts)).join(' · '),
    start: texts.dir === 'rtl' ? 'right' : 'left',
    masthead: t(`masthead${variant}`),
    title: withdrawn ? t('titleWithdrawn') : account.summary,
    lead: [
      t(`lead${variant}`, { day: texts.day(version.publishedAt) }),
      ...(withdrawn ? [] : correctsLine(input, texts)),
      ...(withdrawn || account.original === null
        ? []
        : [texts.t('translations.note', { language: texts.language(account.original.language) })]),
      ...(version.emergency && !withdrawn && version.reason
        ? [t('emergencyReason', { reason: said(version.reason) })]
        : []),
      ...(withdrawn && version.withdrawalReason
        ? [t('withdrawnReason', { reason: said(version.withdrawalReason) })]
        : []),
      ...(withdrawn ? [t('withdrawnChanges', { summary: account.summary })] : []),
      ...(withdrawn && input.rest
        ? [texts.t('quiet-mail.rest', { number: input.rest.version, day: texts.day(input.rest.effectiveAt) })]
        : []),
    ],
    dates,
    link:
      baseVersion === null || withdrawn
        ? { text: t('see'), url: versionUrl }
        : {
            text: t('compare', { before: baseVersion, after: version.number }),
            url: `${publicUrl}/compare/${baseVersion}...${version.number}`,
          },
    message:
      version.message === null || withdrawn
        ? null
        : { heading: t('message'), paragraphs: paragraphsOf(version.message, texts) },
    objection: withdrawn ? null : objectionOf(input, texts),
    footer: {
      links: [
        { text: texts.t('mail.footer.unsubscribe'), url: input.links.unsubscribe },
        { text: texts.t('mail.footer.preferences'), url: input.links.preferences },
        { text: texts.t('mail.footer.version', { number: version.number }), url: versionUrl },
      ],
      lines: [t(input.why === 'contractual' ? 'footer.whyContractual' : 'footer.why')],
      company,
      url: publicUrl,
    },
    markup: (text: string) => textMarkup(text, texts),
  };
}

function correctsLine({ corrects = [] }: NoticeInput, texts: Texts): string[] {
  if (corrects.length === 0) return [];
  return [texts.t('corrections.mail', { count: corrects.length, versions: texts.list(corrects.map(String)) })];
}

/** What changes, from when, and who says so; the company comes last, as phones cut the end. */
function subjectOf(input: NoticeInput, texts: Texts): string {
  const { kind, version, changes, company } = input;
  const name = shortened(company, longestCompany, texts);
  if (kind === 'withdrawal') {
    return texts.t('mail.notice.subjectWithdrawn', { number: version.number, company: name });
  }
  const key = version.emergency ? 'subjectEmergency' : isInForce({ version }) ? 'subjectNow' : 'subject';
  const subjects = [3, 2, 1].map((most) =>
    texts.t(`mail.notice.${key}`, {
      summary: summarise(changes, texts, most),
      day: texts.day(firstEffect(input)),
      company: name,
    }),
  );
  return subjects.find((subject) => subject.length <= longestSubject) ?? subjects.at(-1) ?? '';
}

function isInForce({ version }: Pick<NoticeInput, 'version'>): boolean {
  return version.effectiveAt.getTime() <= version.publishedAt.getTime();
}

/** When the first of what is material takes effect. */
function firstEffect({ version, earlier = [] }: NoticeInput): Date {
  return earlier
    .filter(({ changes }) => changes.some(({ severity }) => severity === 'material'))
    .map(({ effectiveAt }) => effectiveAt)
    .reduce((first, next) => new Date(Math.min(first.getTime(), next.getTime())), version.effectiveAt);
}

const mostNames = 5;
const longestName = 60;

function earlierDates({ earlier = [] }: NoticeInput, texts: Texts): { label: string; value: string }[] {
  return earlier.map(({ version, effectiveAt, changes }) => {
    const names = changes.slice(0, mostNames).map(({ name }) => shortened(name, longestName, texts));
    const more = changes.length - names.length;
    const shown = more > 0 ? [...names, texts.t('mail.moreValues', { count: more })] : names;
    return {
      label: texts.t('quiet-mail.earlier', { day: texts.day(effectiveAt) }),
      value: texts.t('quiet-mail.ofVersion', { names: inARow(shown, texts, isolated), number: version }),
    };
  });
}

function datesOf(input: NoticeInput, texts: Texts): { label: string; value: string }[] {
  const { effectiveAt, objectionDeadline } = input.version;
  const label = (key: string) => texts.t(`mail.notice.dates.${key}`);
  if (input.kind === 'withdrawal') return [{ label: label('wouldBe'), value: texts.day(effectiveAt) }];
  return [
    { label: label(isInForce(input) ? 'effectiveNow' : 'effective'), value: texts.day(effectiveAt) },
    ...earlierDates(input, texts),
    {
      label: label('deadline'),
      value: objectionDeadline === null ? label('noDeadline') : deadlineText(objectionDeadline, texts),
    },
  ];
}

/** "14 February 2027, 24:00 CET": the zone is part of a deadline. */
export function deadlineText(deadline: Date, texts: Texts): string {
  const zone = texts.zone(new Date(deadline.getTime() - 1));
  return texts.t('mail.notice.dates.deadlineValue', { day: texts.lastDay(deadline), zone });
}

function objectionOf(input: NoticeInput, texts: Texts) {
  const { version, links } = input;
  const { objectionDeadline } = version;
  if (objectionDeadline === null) return null;
  const effectiveAt = firstEffect(input);
  const t = (key: string, values: Record<string, string> = {}) => texts.t(`mail.notice.objection.${key}`, values);
  const zone = texts.zone(new Date(objectionDeadline.getTime() - 1));
  // The window may outlast the effective date; then silence does not mean what it means otherwise.
  const silence = isInForce(input)
    ? 'silenceEmergency'
    : effectiveAt.getTime() < objectionDeadline.getTime()
      ? 'silenceLater'
      : 'silence';
  return {
    heading: t('heading'),
    lines: [t('how', { day: texts.lastDay(objectionDeadline), zone }), t(silence, { day: texts.day(effectiveAt) })],
    link: t('link'),
    url: links.objection,
  };
}

function paragraphsOf(message: string, texts: Texts): string[] {
  return shortened(message.trim(), messageLimit, texts)
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.trim());
}

function noticeText(notice: Notice, changes: string, texts: Texts): string {
  const link = ({ text, url }: { text: string; url: string }) => `${texts.t('mail.link.sentence', { text })}\n${url}`;
  return `${[
    notice.masthead,
    notice.title,
    ...notice.lead,
    ...(notice.dates.length === 0
      ? []
      : [notice.dates.map(({ label, value }) => labelled(label, value, texts)).join('\n')]),
    link(notice.link),
    ...(notice.message === null
      ? []
      : [
          `${'-'.repeat(68)}\n${texts.t('list.leadIn', { label: notice.message.heading })}`,
          ...notice.message.paragraphs.map((line) => isolated(line, texts)),
          '-'.repeat(68),
        ]),
    ...(changes === '' ? [] : [changes]),
    ...(notice.objection === null
      ? []
      : [
          `${'='.repeat(68)}\n${notice.objection.heading.toLocaleUpperCase(texts.locale)}`,
          ...notice.objection.lines,
          link({ text: notice.objection.link, url: notice.objection.url }),
        ]),
    '='.repeat(68),
    ...notice.footer.links.map(link),
    ...notice.footer.lines,
    `${notice.footer.company}\n${notice.footer.url}`,
  ].join('\n\n')}\n`;
}
