import type { Change } from '../list/change.js';
import { summarise } from '../list/describe.js';
import type { Look } from '../look.js';
import type { Texts } from '../texts.js';
import {
  type AdminChangedLetterInput,
  type AdminLinkLetterInput,
  adminChangedLetter,
  adminLinkLetter,
} from './admin-letter.js';
import { type Block, type Footer, letterMail } from './letter-blocks.js';
import type { RenderedMail } from './message.js';
import { isolated } from './mjml.js';
import { deadlineText } from './notice.js';
import { inARow, shortened } from './shown-values.js';
import { type TaskLetterInput, taskLetter } from './task-letter.js';

/*
 * Letters: every mail that is no notice. Each answers something that a person did, says what it is
 * about in one look, and holds no text that a visitor typed, but for the grounds in the receipt of
 * an objection, which go back to the person who wrote them.
 */

interface Common {
  company: string;
  /** Without a slash at its end. */
  publicUrl: string;
  /** A mailbox that people can write to: the address of MAIL_FROM, or a better one. */
  contact: string;
  /** Of links and buttons; absent or null: ours. */
  accent?: Look['accent'];
}

/** What is in force and announced, as the welcome letter tells it. */
export interface OpenWindow {
  version: number;
  changes: readonly Change[];
  effectiveAt: Date;
  /** Null: nothing in it opens an objection window. */
  objectionDeadline: Date | null;
  /** For the link to the comparison; null links to the version. */
  comparedWith: number | null;
}

export type LetterInput = Common &
  (
    | { kind: 'confirmation'; confirmUrl: string; notMeUrl: string; requestedAt: Date; validHours: number }
    | { kind: 'already-subscribed'; preferencesUrl: string }
    | {
        kind: 'welcome';
        /** The version in force; null: there is none yet. `vendors` may repeat a name. */
        list: { version: number; vendors: readonly string[] } | null;
        windows: readonly OpenWindow[];
        links: { unsubscribe: string; preferences: string };
        /** They subscribed, or a contract entitles them. */
        why: 'voluntary' | 'contractual';
      }
    | { kind: 'manage-link'; manageUrl: string; validHours: number }
    /** `confirm` goes to the new address and asks; `done` goes to the old one and tells. */
    | { kind: 'address-changed'; step: 'confirm'; confirmUrl: string; validHours: number }
    | { kind: 'address-changed'; step: 'done'; maskedAddress: string }
    | {
        kind: 'objection-receipt';
        version: number;
        summary: string;
        effectiveAt: Date;
        receivedAt: Date;
        late: boolean;
        /** As the person wrote them; empty: none. */
        grounds: string;
        versionUrl: string;
      }
    | Omit<TaskLetterInput, 'company' | 'publicUrl'>
    | Omit<AdminLinkLetterInput, 'company' | 'publicUrl' | 'contact'>
    | Omit<AdminChangedLetterInput, 'company' | 'publicUrl' | 'contact'>
  );

const vendorBudget = 60;
const groundsLimit = 10_000;

/** A letter in one language. */
export async function renderLetter(input: LetterInput, texts: Texts): Promise<RenderedMail> {
  switch (input.kind) {
    case 'confirmation':
      return ask(
        input,
        'confirmation',
        input.confirmUrl,
        texts,
        [
          paragraph(words(input, texts)('confirmation.who', { moment: texts.moment(input.requestedAt) })),
          paragraph(words(input, texts)('confirmation.ask')),
        ],
        [{ kind: 'link', text: words(input, texts)('confirmation.notMe'), url: input.notMeUrl }],
      );
    case 'already-subscribed':
      return alreadySubscribed(input, texts);
    case 'welcome':
      return welcome(input, texts);
    case 'manage-link':
      return ask(input, 'manageLink', input.manageUrl, texts, [paragraph(words(input, texts)('manageLink.body'))]);
    case 'address-changed':
      return input.step === 'confirm'
        ? ask(input, 'addressChange', input.confirmUrl, texts, [paragraph(words(input, texts)('addressChange.body'))])
        : addressChanged(input, texts);
    case 'objection-receipt':
      return objectionReceipt(input, texts);
    case 'admin-tasks':
      return taskLetter(input, texts);
    case 'admin-invitation':
    case 'admin-reset':
      return adminLinkLetter(input, texts);
    case 'admin-changed':
      return adminChangedLetter(input, texts);
    default:
      return input satisfies never;
  }
}

type Of<Kind extends LetterInput['kind']> = Extract<LetterInput, { kind: Kind }>;

/** A letter that waits for one click: what for, the button, how long it is good, what if it was not you. */
function ask(
  input: Common & { validHours: number },
  name: 'confirmation' | 'manageLink' | 'addressChange',
  url: string,
  texts: Texts,
  body: readonly Block[],
  end: readonly Block[] = [],
): Promise<RenderedMail> {
  const t = words(input, texts);
  return letterMail(
    {
      subject: t(`${name}.subject`),
      masthead: t('masthead'),
      title: t(`${name}.title`),
      blocks: [
        ...body,
        { kind: 'button', text: t(`${name}.button`), url },
        paragraph(t(`${name}.valid`, { count: input.validHours })),
        paragraph(t(`${name}.notYou`)),
        ...end,
      ],
      footer: footerOf(input, texts),
    },
    texts,
    input.accent,
  );
}

function alreadySubscribed(input: Of<'already-subscribed'>, texts: Texts): Promise<RenderedMail> {
  const t = words(input, texts);
  return letterMail(
    {
      subject: t('alreadySubscribed.subject'),
      masthead: t('masthead'),
      title: t('alreadySubscribed.title'),
      blocks: [
        paragraph(t('alreadySubscribed.body')),
        { kind: 'button', text: t('alreadySubscribed.button'), url: input.preferencesUrl },
        paragraph(t('alreadySubscribed.notYou')),
      ],
      footer: footerOf(input, texts),
    },
    texts,
    input.accent,
  );
}

function welcome(input: Of<'welcome'>, texts: Texts): Promise<RenderedMail> {
  const t = words(input, texts);
  const [first] = input.windows;
  const own = (key: string) => (input.why === 'contractual' ? `${key}Contractual` : key);
  return letterMail(
    {
      subject: first
        ? t(own('welcome.subjectOpen'), { summary: summarise(first.changes, texts, 2) })
        : t('welcome.subject'),
      masthead: t('masthead'),
      title: t(own('welcome.title')),
      blocks: [
        paragraph(t(own('welcome.body'))),
        ...(input.windows.length === 0 ? [] : [heading(t('welcome.windows'))]),
        ...input.windows.flatMap((window) => windowBlocks(window, input, texts)),
        ...(input.windows.some(({ objectionDeadline }) => objectionDeadline !== null)
          ? [paragraph(t('welcome.objectBy'))]
          : []),
        ...listBlocks(input, texts),
      ],
      footer: footerOf(input, texts, [
        { text: texts.t('mail.footer.unsubscribe'), url: input.links.unsubscribe },
        { text: texts.t('mail.footer.preferences'), url: input.links.preferences },
      ]),
    },
    texts,
    input.accent,
  );
}

function windowBlocks(window: OpenWindow, input: Of<'welcome'>, texts: Texts): Block[] {
  const t = words(input, texts);
  const dates = (key: string) => texts.t(`mail.notice.dates.${key}`);
  const { version, effectiveAt, objectionDeadline, comparedWith } = window;
  const newVendors = unique(
    window.changes.filter(({ kind }) => kind === 'sub-processor-added').map(({ name }) => name),
  );
  return [
    paragraph(t('welcome.windowOf', { number: version, summary: summarise(window.changes, texts) })),
    {
      kind: 'facts',
      facts: [
        { label: dates('effective'), value: texts.day(effectiveAt) },
        {
          label: dates('deadline'),
          value: objectionDeadline === null ? dates('noDeadline') : deadlineText(objectionDeadline, texts),
        },
        ...(newVendors.length === 0
          ? []
          : [{ label: t('welcome.newVendors'), value: inARow(someOf(newVendors, texts), texts, isolated) }]),
      ],
    },
    {
      kind: 'button',
      text: t('welcome.compare', { number: version }),
      url:
        comparedWith === null
          ? `${input.publicUrl}/versions/${version}`
          : `${input.publicUrl}/compare/${comparedWith}...${version}`,
    },
  ];
}

function listBlocks(input: Of<'welcome'>, texts: Texts): Block[] {
  const t = words(input, texts);
  const { list } = input;
  const inventory = (): Block[] => {
    if (list === null) return [paragraph(t('welcome.noList'))];
    const vendors = unique(list.vendors);
    if (vendors.length === 0) return [paragraph(t('welcome.emptyList', { number: list.version }))];
    return [
      paragraph(t('welcome.listOf', { number: list.version, count: vendors.length })),
      { kind: 'items', items: someOf(vendors, texts) },
    ];
  };
  return [
    heading(t('welcome.listHeading')),
    ...inventory(),
    { kind: 'link', text: t('welcome.list'), url: `${input.publicUrl}/` },
  ];
}

function addressChanged(input: Extract<Of<'address-changed'>, { step: 'done' }>, texts: Texts): Promise<RenderedMail> {
  const t = words(input, texts);
  return letterMail(
    {
      subject: t('addressChanged.subject'),
      masthead: t('masthead'),
      title: t('addressChanged.title'),
      blocks: [
        paragraph(t('addressChanged.body', { masked: input.maskedAddress })),
        paragraph(t('addressChanged.notYou', { address: input.contact })),
      ],
      footer: footerOf(input, texts),
    },
    texts,
    input.accent,
  );
}

function objectionReceipt(input: Of<'objection-receipt'>, texts: Texts): Promise<RenderedMail> {
  const t = words(input, texts);
  const grounds = shortened(input.grounds.trim(), groundsLimit, texts);
  return letterMail(
    {
      subject: t('objectionReceipt.subject', { number: input.version }),
      masthead: t('masthead'),
      title: t('objectionReceipt.title'),
      blocks: [
        paragraph(t('objectionReceipt.body', { number: input.version })),
        ...(input.late ? [paragraph(t('objectionReceipt.late'))] : []),
        {
          kind: 'facts',
          facts: [
            { label: t('objectionReceipt.received'), value: texts.moment(input.receivedAt) },
            {
              label: t('objectionReceipt.version'),
              value: t('objectionReceipt.versionOf', { number: input.version, summary: input.summary }),
            },
            { label: t('objectionReceipt.effective'), value: texts.day(input.effectiveAt) },
          ],
        },
        ...(grounds === ''
          ? [paragraph(t('objectionReceipt.noGrounds'))]
          : [paragraph(texts.t('mail.link.sentence', { text: t('objectionReceipt.grounds') })), quote(grounds)]),
        { kind: 'link', text: t('objectionReceipt.link'), url: input.versionUrl },
      ],
      footer: footerOf(input, texts),
    },
    texts,
    input.accent,
  );
}

/** Texts of `mail.letter`, with the company filled in. */
function words({ company }: Common, texts: Texts): Texts['t'] {
  return (key, values = {}) => texts.t(`mail.letter.${key}`, { company, ...values });
}

function footerOf(input: Common, texts: Texts, links: Footer['links'] = []): Footer {
  return {
    links,
    lines: [words(input, texts)('contact', { address: input.contact })],
    company: input.company,
    url: input.publicUrl,
  };
}

/** Names up to the budget, then how many more. */
function someOf(names: readonly string[], texts: Texts): string[] {
  if (names.length <= vendorBudget) return [...names];
  const more = texts.t('mail.letter.welcome.more', { count: names.length - vendorBudget });
  return [...names.slice(0, vendorBudget), more];
}

/** One vendor with several entries is named once. */
function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}

function paragraph(text: string): Block {
  return { kind: 'paragraph', text };
}

function heading(text: string): Block {
  return { kind: 'heading', text };
}

function quote(text: string): Block {
  return { kind: 'quote', text };
}
