import type { AccountDifference, AccountGroup, AccountItem } from '../list/describe.js';
import type { AccountFact } from '../list/facts.js';
import type { Original } from '../list/localize.js';
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
  const graded = item.graded === null ? '' : `<p class="small">${textMarkup(item.graded, texts)}</p>`;
  const heading = `<h3>${nameHtml(item, limit.original ?? null, texts)}</h3>${graded}`;
  if (rows.length === 0)
    return `<div class="item">${heading}<p class="quiet small">${captionHtml(item, texts)}</p></div>`;
  return `<div class="item">${heading}<table cellspacing="0" cellpadding="4" border="0"><caption align="${startOf(texts)}">${captionHtml(item, texts)}</caption>${rows.join('')}</table></div>`;
}

/** An item by name and label only. */
export function shortItemHtml(item: AccountItem, texts: Texts): string {
  const what = [item.label, ...item.differences.map(({ label }) => label)].join(texts.t('mail.separator'));
  return `<tr><th scope="row" align="${startOf(texts)}">${textMarkup(headingOf(item, texts), texts)}</th><td>${signOf(item, texts)} ${textMarkup(what, texts)}</td></tr>`;
}

/** The items of one severity: in full, in short, and how many more there are at `more.url`. */
export function groupHtml(
  group: AccountGroup,
  parts: { full: readonly string[]; short: readonly string[]; more: { count: number; url: string } },
  texts: Texts,
): string {
  const table = `<table cellspacing="0" cellpadding="4" border="0"><caption align="${startOf(texts)}" class="quiet small">${texts.t('mail.notice.rest')}</caption>${parts.short.join('')}</table>`;
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

function nameHtml(item: AccountItem, original: Original | null, texts: Texts): string {
  const name = markedHtml(item.heading, original, texts);
  if (item.context === null) return name;
  return `${name} <span class="quiet small">${markedHtml(item.context, original, texts)}</span>`;
}

function captionHtml(item: AccountItem, texts: Texts): string {
  const label = `<b class="${item.change.severity}">${signOf(item, texts)} ${escapeMarkup(item.label)}</b>`;
  const reasons = item.reasons.filter((reason) => reason.toLowerCase() !== item.label.toLowerCase());
  return reasons.length === 0 ? label : `${label} · ${escapeMarkup(reasons.join(texts.t('mail.separator')))}`;
}

function factRow(fact: AccountFact, limit: ValueLimit, texts: Texts): string {
  const open = fact.field === 'notStated' ? ' class="open"' : '';
  return `<tr valign="top"><th scope="row" align="${startOf(texts)}" width="34%">${textMarkup(fact.label, texts)}</th><td${open}>${valuesHtml(fact.values, limit, texts)}</td></tr>`;
}

function differenceHead(texts: Texts): string {
  const cell = (key: string) =>
    `<th scope="col" align="${startOf(texts)}" width="50%">${escapeMarkup(texts.t(key))}</th>`;
  return `<thead><tr>${cell('list.difference.before')}${cell('list.difference.after')}</tr></thead>`;
}

/** The field over the whole width, below it old and new beside each other: it fits a phone. */
function differenceRows(difference: AccountDifference, limit: ValueLimit, texts: Texts): string {
  return `<tbody><tr><th scope="rowgroup" colspan="2" align="${startOf(texts)}" class="field">${textMarkup(difference.label, texts)}</th></tr><tr valign="top" class="under"><td width="50%">${beforeHtml(difference, limit, texts)}</td><td width="50%">${afterHtml(difference, limit, texts)}</td></tr></tbody>`;
}

function beforeHtml(difference: AccountDifference, limit: ValueLimit, texts: Texts): string {
  const { before, removed } = difference;
  if (before === null) return `<i class="quiet">${escapeMarkup(texts.t('list.notStated'))}</i>`;
  if (!isSet(difference)) return valuesHtml(before, limit, texts);
  return [membersHtml('removed', removed, limit, texts), keptHtml(difference, texts)].filter(Boolean).join('<br>');
}

function afterHtml(difference: AccountDifference, limit: ValueLimit, texts: Texts): string {
  const { after, added } = difference;
  if (after === null) return `<i class="open">${escapeMarkup(texts.t('list.notStatedAnyMore'))}</i>`;
  if (!isSet(difference)) return valuesHtml(after, limit, texts);
  return [membersHtml('added', added, limit, texts), keptHtml(difference, texts)].filter(Boolean).join('<br>');
}

function isSet({ added, removed, before, after }: AccountDifference): boolean {
  return added.length + removed.length > 0 && before !== null && after !== null;
}

function membersHtml(how: 'added' | 'removed', members: readonly string[], limit: ValueLimit, texts: Texts): string {
  if (members.length === 0) return '';
  const label = `${texts.t(`mail.sign.${how}`)} ${texts.t(`list.difference.${how}`)}`;
  const mark = `<b class="${how === 'added' ? 'in' : 'out'}">${escapeMarkup(texts.t('list.leadIn', { label }))}</b>`;
  return `${mark} ${valuesHtml(members, limit, texts)}`;
}

function keptHtml({ kept }: AccountDifference, texts: Texts): string {
  if (kept.length === 0) return '';
  return `<span class="quiet small">${textMarkup(unchanged(kept, texts), texts)}</span>`;
}

function valuesHtml(all: readonly string[], limit: ValueLimit, texts: Texts): string {
  const values = withinLimit(all, limit, texts);
  // What was cut is known by the whole of it.
  const whole = new Map(values.map((value, at) => [value, all[at] ?? value]));
  const show = (value: string) => markedHtml(value, limit.original ?? null, texts, whole.get(value));
  if (fitInARow(values)) return inARow(values, texts, show);
  const valueHtml = (value: string) =>
    isWebAddress(value) ? `<a href="${escapeMarkup(value)}">${escapeMarkup(value)}</a>` : show(value);
  const [only = ''] = values;
  return values.length === 1
    ? valueHtml(only)
    : `<ul>${values.map((value) => `<li>${valueHtml(value)}</li>`).join('')}</ul>`;
}

/** A text; in the original language of the list with that language. */
function markedHtml(text: string, original: Original | null, texts: Texts, whole = text): string {
  if (!original?.texts.has(whole)) return textMarkup(text, texts);
  const { language, dir } = original;
  return `<span lang="${escapeMarkup(language)}" dir="${dir}">${escapeMarkup(text).replaceAll('\n', '<br>')}</span>`;
}

function startOf({ dir }: Texts): 'left' | 'right' {
  return dir === 'rtl' ? 'right' : 'left';
}
