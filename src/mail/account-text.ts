import type { AccountDifference, AccountGroup, AccountItem } from '../list/describe.js';
import type { AccountFact } from '../list/facts.js';
import type { Texts } from '../texts.js';
import { isolated } from './mjml.js';
import {
  fitInARow,
  headingOf,
  inARow,
  isWebAddress,
  signOf,
  unchanged,
  type ValueLimit,
  withinLimit,
} from './shown-values.js';

/*
 * PURE. The account of changes as plain text, made from the same items as the HTML and never from
 * the HTML: it stands alone. Values are not wrapped, so that they stay letter for letter.
 */

/** An item with all its facts and differences. */
export function itemText(item: AccountItem, limit: ValueLimit, texts: Texts): string {
  return [
    `${signOf(item, texts)} ${labelled(item.label, isolated(headingOf(item, texts), texts), texts)}`,
    ...(item.reasons.length === 0 || !('fields' in item.change)
      ? []
      : [`  (${item.reasons.join(texts.t('mail.separator'))})`]),
    ...(item.graded === null ? [] : [`  ${isolated(item.graded, texts)}`]),
    ...item.facts.map((fact) => factText(fact, limit, texts)),
    ...item.differences.map((difference) => differenceText(difference, limit, texts)),
  ].join('\n');
}

/** An item by name and label only. */
export function shortItemText(item: AccountItem, texts: Texts): string {
  const what = [item.label, ...item.differences.map(({ label }) => label)].join(texts.t('mail.separator'));
  return `${signOf(item, texts)} ${labelled(isolated(headingOf(item, texts), texts), what, texts)}`;
}

/** The items of one severity: in full, in short, and how many more there are at `more.url`. */
export function groupText(
  group: AccountGroup,
  parts: { full: readonly string[]; short: readonly string[]; more: { count: number; url: string } },
  texts: Texts,
): string {
  const heading = group.heading.toLocaleUpperCase(texts.locale);
  return [
    `${'='.repeat(68)}\n${heading}\n${group.hint}`,
    ...parts.full,
    ...(parts.short.length === 0
      ? []
      : [[texts.t('list.leadIn', { label: texts.t('mail.notice.rest') }), ...parts.short].join('\n')]),
    ...(parts.more.count === 0
      ? []
      : [`${texts.t('mail.link.sentence', { text: texts.t('mail.notice.and', parts.more) })}\n${parts.more.url}`]),
  ].join('\n\n');
}

/** A label and its value on one line. */
export function labelled(label: string, value: string, texts: Texts): string {
  return texts.t('mail.labelled', { label, value });
}

function factText(fact: AccountFact, limit: ValueLimit, texts: Texts): string {
  return field(fact.label, withinLimit(fact.values, limit, texts), '  ', texts);
}

function differenceText(difference: AccountDifference, limit: ValueLimit, texts: Texts): string {
  const { label, before, after, added, removed, kept } = difference;
  const isSet = added.length + removed.length > 0 && before !== null && after !== null;
  const side = (values: string[] | null, key: string, open: string) =>
    field(texts.t(key), values === null ? [texts.t(open)] : withinLimit(values, limit, texts), '    ', texts);
  const members = (how: 'added' | 'removed', values: readonly string[]) =>
    values.length === 0
      ? []
      : [
          field(
            `${texts.t(`mail.sign.${how}`)} ${texts.t(`list.difference.${how}`)}`,
            withinLimit(values, limit, texts),
            '    ',
            texts,
          ),
        ];
  const lines = isSet
    ? [
        ...members('added', added),
        ...members('removed', removed),
        ...(kept.length === 0 ? [] : [`    ${unchanged(kept, texts)}`]),
      ]
    : [
        side(before, 'list.difference.before', 'list.notStated'),
        side(after, 'list.difference.after', 'list.notStatedAnyMore'),
      ];
  return [`  ${isolated(label, texts)}`, ...lines].join('\n');
}

function field(label: string, values: readonly string[], indent: string, texts: Texts): string {
  if (fitInARow(values)) return `${indent}${labelled(label, inARow(values, texts, isolated), texts)}`;
  const [only = ''] = values;
  const inner = `${indent}  `;
  if (values.length === 1 && !only.includes('\n') && !isWebAddress(only))
    return `${indent}${labelled(label, isolated(only, texts), texts)}`;
  const bullet = values.length === 1 ? '' : texts.t('mail.bullet');
  return [
    `${indent}${texts.t('list.leadIn', { label })}`,
    ...values.map((value) => `${inner}${bullet}${isolated(value, texts).replaceAll('\n', `\n${inner}`)}`),
  ].join('\n');
}
