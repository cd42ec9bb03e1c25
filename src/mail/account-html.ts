import type { AccountDifference, AccountGroup, AccountItem } from '../list/describe.js';
import type { AccountFact } from '../list/facts.js';
import type { Texts } from '../texts.js';
import { escapeMarkup } from './escape.js';
import { textMarkup } from './mjml.js';
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
 * PURE. The account of changes as the HTML of a mail: one data table an item, with a caption and
 * header cells. Classes are those of templates/mail/layout.mjml; the attributes keep the tables in
 * shape where a mail client drops the style sheet. Lean, since Gmail hides what follows 102 kB.
 */

/** An item with all its facts and differences. */
export function itemHtml(item: AccountItem, limit: ValueLimit, texts: Texts): string {
  const rows = [
    ...item.facts.map((fact) => factRow(fact, limit, texts)),
    ...(item.differences.length === 0 ? [] : [differenceHead(texts)]),
    ...item.differences.map((difference) => differenceRows(difference, limit, texts)),
  ];
  const graded = item.graded === null ? '' : `<p class="small">${textMarkup(item.graded)}</p>`;
  const heading = `<h3>${nameHtml(item)}</h3>${graded}`;
  if (rows.length === 0)
    return `<div class="item">${heading}<p class="quiet small">${captionHtml(item, texts)}</p></div>`;
  return `<div class="item">${heading}<table cellspacing="0" cellpadding="4" border="0"><caption align="left">${captionHtml(item, texts)}</caption>${rows.join('')}</table></div>`;
}

/** An item by name and label only. */
export function shortItemHtml(item: AccountItem, texts: Texts): string {
  const what = [item.label, ...item.differences.map(({ label }) => label)].join(texts.t('mail.separator'));
  return `<tr><th scope="row" align="left">${textMarkup(headingOf(item, texts))}</th><td>${signOf(item, texts)} ${textMarkup(what)}</td></tr>`;
}

/** The items of one severity: in full, in short, and how many more there are at `more.url`. */
export function groupHtml(
  group: AccountGroup,
  parts: { full: readonly string[]; short: readonly string[]; more: { count: number; url: string } },
  texts: Texts,
): string {
  const table = `<table cellspacing="0" cellpadding="4" border="0"><caption align="left" class="quiet small">${texts.t('mail.notice.rest')}</caption>${parts.short.join('')}</table>`;
  return [
    `<div class="group"><h2>${escapeMarkup(group.heading)}</h2><p class="quiet small">${escapeMarkup(group.hint)}</p></div>`,
    ...parts.full,
    ...(parts.short.length === 0 ? [] : [`<div class="item rest">${table}</div>`]),
    ...(parts.more.count === 0
      ? []
      : [
          `<p class="item"><a href="${escapeMarkup(parts.more.url)}">${escapeMarkup(texts.t('mail.notice.and', parts.more))}</a></p>`,
        ]),
  ].join('\n');
}

function nameHtml(item: AccountItem): string {
  const name = textMarkup(item.heading);
  return item.context === null ? name : `${name} <span class="quiet small">${textMarkup(item.context)}</span>`;
}

function captionHtml(item: AccountItem, texts: Texts): string {
  const label = `<b class="${item.change.severity}">${signOf(item, texts)} ${escapeMarkup(item.label)}</b>`;
  const reasons = item.reasons.filter((reason) => reason.toLowerCase() !== item.label.toLowerCase());
  return reasons.length === 0 ? label : `${label} · ${escapeMarkup(reasons.join(texts.t('mail.separator')))}`;
}

function factRow(fact: AccountFact, limit: ValueLimit, texts: Texts): string {
  const open = fact.field === 'notStated' ? ' class="open"' : '';
  return `<tr valign="top"><th scope="row" align="left" width="34%">${textMarkup(fact.label)}</th><td${open}>${valuesHtml(withinLimit(fact.values, limit, texts), texts)}</td></tr>`;
}

function differenceHead(texts: Texts): string {
  const cell = (key: string) => `<th scope="col" align="left" width="50%">${escapeMarkup(texts.t(key))}</th>`;
  return `<thead><tr>${cell('list.difference.before')}${cell('list.difference.after')}</tr></thead>`;
}

/** The field over the whole width, below it old and new beside each other: it fits a phone. */
function differenceRows(difference: AccountDifference, limit: ValueLimit, texts: Texts): string {
  return `<tbody><tr><th scope="rowgroup" colspan="2" align="left" class="field">${textMarkup(difference.label)}</th></tr><tr valign="top" class="under"><td width="50%">${beforeHtml(difference, limit, texts)}</td><td width="50%">${afterHtml(difference, limit, texts)}</td></tr></tbody>`;
}

function beforeHtml(difference: AccountDifference, limit: ValueLimit, texts: Texts): string {
  const { before, removed } = difference;
  if (before === null) return `<i class="quiet">${escapeMarkup(texts.t('list.notStated'))}</i>`;
  if (!isSet(difference)) return valuesHtml(withinLimit(before, limit, texts), texts);
  return [membersHtml('removed', removed, limit, texts), keptHtml(difference, texts)].filter(Boolean).join('<br>');
}

function afterHtml(difference: AccountDifference, limit: ValueLimit, texts: Texts): string {
  const { after, added } = difference;
  if (after === null) return `<i class="open">${escapeMarkup(texts.t('list.notStatedAnyMore'))}</i>`;
  if (!isSet(difference)) return valuesHtml(withinLimit(after, limit, texts), texts);
  return [membersHtml('added', added, limit, texts), keptHtml(difference, texts)].filter(Boolean).join('<br>');
}

function isSet({ added, removed, before, after }: AccountDifference): boolean {
  return added.length + removed.length > 0 && before !== null && after !== null;
}

function membersHtml(how: 'added' | 'removed', members: readonly string[], limit: ValueLimit, texts: Texts): string {
  if (members.length === 0) return '';
  const label = `${texts.t(`mail.sign.${how}`)} ${texts.t(`list.difference.${how}`)}`;
  const mark = `<b class="${how === 'added' ? 'in' : 'out'}">${escapeMarkup(texts.t('list.leadIn', { label }))}</b>`;
  return `${mark} ${valuesHtml(withinLimit(members, limit, texts), texts)}`;
}

function keptHtml({ kept }: AccountDifference, texts: Texts): string {
  if (kept.length === 0) return '';
  return `<span class="quiet small">${textMarkup(unchanged(kept, texts))}</span>`;
}

function valuesHtml(values: readonly string[], texts: Texts): string {
  if (fitInARow(values)) return inARow(values, texts, textMarkup);
  const [only = ''] = values;
  return values.length === 1
    ? valueHtml(only)
    : `<ul>${values.map((value) => `<li>${valueHtml(value)}</li>`).join('')}</ul>`;
}

function valueHtml(value: string): string {
  return isWebAddress(value) ? `<a href="${escapeMarkup(value)}">${escapeMarkup(value)}</a>` : textMarkup(value);
}
