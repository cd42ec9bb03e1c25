import type { Account, AccountDifference, AccountItem } from '../../list/describe.js';
import type { ListDocument } from '../../list/document.js';
import { categoryEntryFacts, entryFacts } from '../../list/facts.js';
import { localize } from '../../list/localize.js';
import { namesOf } from '../../list/values.js';
import type { Texts } from '../../texts.js';
import { markdownParagraphs } from '../markdown.js';
import type { Block } from './pdf.js';
import type { HeadRow } from './version-head.js';

/*
 * PURE. A version of the list, and a comparison, as the blocks of a paper: the same account of changes as in mail
 * and on the page, the same facts as in the list.
 */

/** Past this many the facts of an entry are one paragraph: thousands of lists would be a thousand pages and more. */
const mostInFull = 500;

/** What a paper begins with. */
export interface PaperHead {
  title: string;
  company: string;
  rows: readonly HeadRow[];
  message: string | null;
  url: string;
}

/** The whole of a version. `account`: what it changed, told against `base`; null: there was none before it. */
export function* versionBlocks(
  original: ListDocument,
  told: { account: Account; base: number } | null,
  head: PaperHead,
  texts: Texts,
): Generator<Block> {
  const { document } = localize(original, texts.locale);
  yield* headBlocks(head);
  if (document.introduction !== undefined) {
    for (const text of markdownParagraphs(document.introduction)) yield { kind: 'paragraph', text };
  }
  if (told !== null) {
    yield { kind: 'heading', level: 2, text: texts.t('pages.version.changes', { version: String(told.base) }) };
    yield* accountBlocks(told.account, texts);
  }
  yield* listBlocks(document, texts);
}

/** What changed from one version to another. */
export function* comparisonBlocks(account: Account, head: PaperHead, texts: Texts): Generator<Block> {
  yield* headBlocks(head);
  yield* accountBlocks(account, texts);
}

function* headBlocks({ title, company, rows, message, url }: PaperHead): Generator<Block> {
  yield { kind: 'heading', level: 1, text: title, note: company };
  yield { kind: 'facts', rows: rows.map(({ label, text }) => ({ label, values: [text] })) };
  yield { kind: 'link', text: url, url };
  if (message !== null) yield { kind: 'paragraph', text: message };
}

function* accountBlocks(account: Account, texts: Texts): Generator<Block> {
  yield { kind: 'paragraph', text: account.summary };
  for (const { heading, hint, items } of account.groups) {
    yield { kind: 'heading', level: 3, text: heading, note: hint };
    for (const item of items) yield* itemBlocks(item, texts);
  }
}

function* itemBlocks(item: AccountItem, texts: Texts): Generator<Block> {
  const { heading, context, label, reasons, graded } = item;
  const name = context === null ? heading : texts.t('list.inBrackets', { text: heading, note: context });
  yield { kind: 'heading', level: 4, text: texts.t('list.ofEntry', { name: label, value: name }) };
  const rows = [
    ...item.facts.map(({ label: of, values }) => ({ label: of, values: inShort(values, texts) })),
    ...item.differences.map((difference) => ({ label: difference.label, values: differenceLines(difference, texts) })),
  ];
  if (rows.length > 0) yield { kind: 'facts', rows };
  if (item.differences.length > 0 && reasons.length > 0) {
    yield {
      kind: 'paragraph',
      isQuiet: true,
      text: texts.t('pages.changes.because', { reasons: texts.list(reasons) }),
    };
  }
  if (graded !== null) yield { kind: 'paragraph', isQuiet: true, text: graded };
}

/** What came and went of a set; else how it was and how it is. */
function differenceLines({ before, after, added, removed, kept }: AccountDifference, texts: Texts): string[] {
  const line = (key: string, values: readonly string[] | null) =>
    texts.t('list.ofEntry', {
      name: texts.t(`list.difference.${key}`),
      value: values === null ? texts.t('list.notStated') : inShort(values, texts).join('\n'),
    });
  if (added.length + removed.length === 0) return [line('before', before), line('after', after)];
  return [
    ...(added.length > 0 ? [line('added', added)] : []),
    ...(removed.length > 0 ? [line('removed', removed)] : []),
    ...(kept.length > 0 ? [texts.t('list.difference.unchanged', { count: kept.length })] : []),
  ];
}

function linesOf(rows: readonly { label: string; values: string[] }[], texts: Texts): string[] {
  return rows.map(({ label, values }) => texts.t('list.ofEntry', { name: label, value: values.join('\n') }));
}

/** Short values stand beside each other, long ones below each other. */
function inShort(values: readonly string[], texts: Texts): string[] {
  const isShort = values.length > 1 && values.every((value) => value.length <= 40 && !/[,;\n]/.test(value));
  return isShort ? [texts.list(values)] : [...values];
}

function* listBlocks(document: ListDocument, texts: Texts): Generator<Block> {
  const names = namesOf(document);
  const { subProcessors, dataSubjects, statements = [] } = document;
  yield { kind: 'heading', level: 2, text: texts.t('pages.list.subProcessors', { count: subProcessors.length }) };
  const isLong = subProcessors.length > mostInFull;
  for (const entry of subProcessors) {
    const text =
      entry.product === undefined ? entry.name : texts.t('list.inBrackets', { text: entry.name, note: entry.product });
    yield { kind: 'heading', level: 3, text };
    const rows = entryFacts(entry, names, texts).map(({ label, values }) => ({
      label,
      values: inShort(values, texts),
    }));
    if (rows.length === 0) continue;
    if (isLong) yield { kind: 'paragraph', text: linesOf(rows, texts).join('\n') };
    else yield { kind: 'facts', rows };
  }
  if (dataSubjects.length > 0) yield { kind: 'heading', level: 2, text: texts.t('pages.catalogue.title') };
  for (const { name, description, dataCategories = [] } of dataSubjects) {
    yield { kind: 'heading', level: 3, text: name, note: description ?? null };
    for (const category of dataCategories) {
      yield { kind: 'heading', level: 4, text: category.name };
      const rows = categoryEntryFacts(category, names, texts);
      if (rows.length > 0) yield { kind: 'facts', rows };
    }
  }
  if (statements.length > 0) {
    yield { kind: 'heading', level: 2, text: texts.t('pages.list.statements') };
    yield { kind: 'list', items: statements.map(({ text }) => text) };
  }
}
