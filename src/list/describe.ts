import type { Texts } from '../texts.js';
import type { Change, FieldChange, Severity } from './change.js';
import { type AccountFact, factsOf } from './facts.js';
import type { Original } from './localize.js';
import { columnTexts, isColumn, labelOf, type Names, partTexts, valueTexts } from './values.js';
import { vendorKey } from './vendors.js';

export { type Names, namesOf } from './values.js';

/*
 * PURE. Changes → an account for people: headings, labels and values in words of one language,
 * with no markup. Mail (both parts), page and feed are renderings of the same account, so that
 * they cannot tell different stories.
 */

export interface Account {
  /** Such as "2 sub-processors added, 1 removed". */
  summary: string;
  /** The gravest first; a severity without changes is left out. */
  groups: AccountGroup[];
  /** What of it is in the original language of the list, as it has no translation; null: nothing is known to be. */
  original: Original | null;
}

export interface AccountGroup {
  severity: Severity;
  heading: string;
  hint: string;
  items: AccountItem[];
}

export interface AccountItem {
  /** In the words of the account. */
  change: Change;
  /** Unique in the account and stable: an `id` on the comparison page. */
  anchor: string;
  /** The name of the vendor, data category or data subject kind, letter for letter. */
  heading: string;
  /** What tells entries of equal name apart: the product, or the data subject kind. */
  context: string | null;
  /** Such as "New sub-processor". */
  label: string;
  reasons: string[];
  /** That a person has set the severity, and why; null: it is what the rules say. */
  graded: string | null;
  /** Of added and removed entries, in the order in which a controller asks. */
  facts: AccountFact[];
  differences: AccountDifference[];
}

export interface AccountDifference {
  field: string;
  label: string;
  how: FieldChange['how'];
  /** Null: not stated. Of a column that came or went, one line an entry. */
  before: string[] | null;
  after: string[] | null;
  /** Members of a set-valued field that came and went; `kept` are the others. */
  added: string[];
  removed: string[];
  kept: string[];
}

const severities: readonly Severity[] = ['material', 'reducing', 'editorial'];
const kindOrder: readonly Change['kind'][] = [
  'sub-processor-added',
  'sub-processor-removed',
  'sub-processor-changed',
  'data-subject-added',
  'data-category-added',
  'data-category-removed',
  'data-subject-removed',
  'data-category-changed',
  'data-subject-changed',
  'list-changed',
];

/**
 * The account of changes in the words of `texts`, and of the list's own translations.
 * @param names of ids, from the documents before and after (`namesOf`)
 */
export function describe(changes: readonly Change[], names: Names, texts: Texts): Account {
  const local = names.in(texts.locale);
  const groups = severities.flatMap((severity): AccountGroup[] => {
    const own = inReadingOrder(changes.filter((change) => change.severity === severity));
    if (own.length === 0) return [];
    return [
      {
        severity,
        heading: texts.t(`list.severity.${severity}`),
        hint: texts.t(`list.severityHint.${severity}`),
        items: own.map((change) => describeChange(local.change(change), local.names, texts)),
      },
    ];
  });
  return { summary: summarise(changes, texts), groups, original: occurring(local.original, groups) };
}

/** What stays in the original language among the texts of the account; null: nothing does. */
function occurring(original: Original | null, groups: readonly AccountGroup[]): Original | null {
  if (original === null) return null;
  const said = groups.flatMap(({ items }) =>
    items.flatMap(({ heading, context, facts, differences }) => [
      heading,
      context,
      ...facts.flatMap(({ values }) => values),
      ...differences.flatMap(({ before, after, added, removed }) => [before, after, added, removed].flat()),
    ]),
  );
  const texts = new Set(said.filter((text) => text !== null).filter((text) => original.texts.has(text)));
  return texts.size === 0 ? null : { ...original, texts };
}

/**
 * What changes, in one line without vendor names: "2 sub-processors added, 1 removed".
 * @param most how many parts it may have before it ends with "and more"
 */
export function summarise(changes: readonly Change[], texts: Texts, most = Number.POSITIVE_INFINITY): string {
  const parts: string[] = [];
  let noun: string | null = null;
  // What follows on its own kind leaves out the noun, and still agrees with it in gender: "3 supprimées".
  const say = (things: string, deed: 'Added' | 'Removed' | 'Changed', count: number) => {
    if (count === 0) return;
    parts.push(
      noun === things
        ? texts.t(`list.summary.also.${things}${deed}`, { count })
        : texts.t(`list.summary.${things}${deed}`, { count }),
    );
    noun = things;
  };
  const graver = changes.filter((change) => change.severity !== 'editorial' || !change.kind.endsWith('-changed'));
  const of = (kind: Change['kind']) => graver.filter((change) => change.kind === kind);
  const vendors = (list: readonly Change[]) => new Set(list.map(({ name }) => vendorKey(name))).size;
  const known = (change: Change) => 'knownVendor' in change && change.knownVendor;

  const added = of('sub-processor-added');
  const removed = of('sub-processor-removed');
  say('subProcessors', 'Added', vendors(added.filter((change) => !known(change))));
  say('subProcessors', 'Removed', vendors(removed.filter((change) => !known(change))));
  say('subProcessors', 'Changed', vendors(of('sub-processor-changed')));
  say('entries', 'Added', added.filter(known).length);
  say('entries', 'Removed', removed.filter(known).length);
  say('dataSubjects', 'Added', of('data-subject-added').length);
  say('dataSubjects', 'Removed', of('data-subject-removed').length);
  say('dataCategories', 'Added', of('data-category-added').length);
  say('dataCategories', 'Removed', of('data-category-removed').length);
  say('dataCategories', 'Changed', of('data-category-changed').length);
  say('dataSubjects', 'Changed', of('data-subject-changed').length);
  const list = of('list-changed').length;
  if (list > 0) parts.push(texts.t('list.summary.listChanged', { count: list }));
  const editorial = changes.length - graver.length;
  if (editorial > 0) parts.push(texts.t('list.summary.editorial', { count: editorial }));

  if (parts.length === 0) return texts.t('list.summary.none');
  const summary = parts.slice(0, most).join(texts.t('list.summary.separator'));
  return parts.length > most ? texts.t('list.summary.more', { summary }) : summary;
}

/** The changes as `describe` shows them: the gravest first, each severity in reading order. */
export function inAccountOrder(changes: readonly Change[]): Change[] {
  return severities.flatMap((severity) => inReadingOrder(changes.filter((change) => change.severity === severity)));
}

/** Added, removed, changed; entries of one vendor beside each other; otherwise the list's own order. */
function inReadingOrder(changes: readonly Change[]): Change[] {
  const firstOfName = new Map<string, number>();
  changes.forEach((change, index) => {
    const key = `${change.kind} ${change.name}`;
    if (!firstOfName.has(key)) firstOfName.set(key, index);
  });
  const place = (change: Change) => firstOfName.get(`${change.kind} ${change.name}`) ?? 0;
  return [...changes].sort((a, b) => kindOrder.indexOf(a.kind) - kindOrder.indexOf(b.kind) || place(a) - place(b) || 0);
}

function describeChange(change: Change, names: Names, texts: Texts): AccountItem {
  const isList = change.kind === 'list-changed';
  return {
    change,
    anchor: anchorOf(change),
    heading: isList ? texts.t('list.listItself') : change.name,
    context: contextOf(change, names),
    label: labelOfKind(change, texts),
    reasons: [...new Set(change.reasons)]
      .filter((reason) => change.grading === undefined || !reason.endsWith('-by-processor'))
      .map((reason) => texts.t(`list.reason.${reason}`)),
    graded: gradedText(change, texts),
    facts: factsOf(change, names, texts),
    differences: 'fields' in change ? change.fields.map((field) => describeField(change, field, names, texts)) : [],
  };
}

function gradedText({ grading, reasons }: Change, texts: Texts): string | null {
  if (grading === undefined) return null;
  const how = reasons.includes('raised-by-processor') ? 'raised' : 'lowered';
  return texts.t(`list.graded.${how}`, { reason: grading.reason });
}

/** Where a change stands on a page that shows the account. */
export function anchorOf(change: Change): string {
  const thing = change.kind.replace(/-(?:added|removed|changed)$/, '');
  const owner = 'dataSubject' in change ? `${change.dataSubject}-` : '';
  return `${thing}-${owner}${change.id}`.replace(/[^A-Za-z0-9_-]+/g, '-');
}

function contextOf(change: Change, names: Names): string | null {
  if ('dataSubject' in change) return names.dataSubject(change.dataSubject);
  if (change.kind.startsWith('sub-processor-') && 'entry' in change && 'product' in change.entry) {
    return change.entry.product ?? null;
  }
  return null;
}

function labelOfKind(change: Change, texts: Texts): string {
  const known = 'knownVendor' in change && change.knownVendor;
  return texts.t(`list.kind.${change.kind}${known ? '-known' : ''}`);
}

function describeField(change: Change, field: FieldChange, names: Names, texts: Texts): AccountDifference {
  const owner = 'dataSubject' in change ? change.dataSubject : null;
  const column = isColumn(field.field);
  const words = (value: FieldChange['before']) =>
    column ? columnTexts(field.field, value, names, texts) : valueTexts(field.field, value, names, texts);
  const members = (ids: readonly string[] | undefined) => partTexts(field.field, ids ?? [], names, texts);
  const added = members(field.added);
  const before = words(field.before);
  const after = words(field.after);
  return {
    field: field.field,
    label: labelOf(field.field, names, texts, owner),
    how: field.how,
    before,
    after,
    added,
    removed: members(field.removed),
    kept: field.added || field.removed ? (after ?? []).filter((value) => !added.includes(value)) : [],
  };
}
