import type { Change } from '../../list/change.js';
import { type AccountDifference, type AccountItem, describe } from '../../list/describe.js';
import { diffLists } from '../../list/diff.js';
import { applyGradings } from '../../list/grading.js';
import type { Original } from '../../list/localize.js';
import { isColumn, namesOf } from '../../list/values.js';
import type { Texts } from '../../texts.js';
import type { Board } from '../../versions/read.js';
import type { PublishedVersion } from '../../versions/version.js';
import { type Html, html, joinHtml, listHtml, nameHtml, sentenceHtml, wordsHtml } from '../html.js';

/*
 * PURE. Versions and what they change, as the public pages show them.
 */

export interface AnnouncedView {
  version: PublishedVersion;
  /** Such as "2 sub-processors added, 1 removed". */
  summary: string;
  items: BriefItem[];
  /** How many more there are than `items` holds. */
  more: number;
  /** Path of the full account. */
  detail: string;
  /** What of it is in the original language of the list. */
  original: Original | null;
}

export interface BriefItem {
  severity: Change['severity'];
  label: string;
  heading: string;
  context: string | null;
  /** A few words each: what is added brings, or what becomes of what. */
  details: Html[];
}

const mostItems = 12;
/** Beyond this a value is not brief, and only its field is named. */
const briefLength = 80;

/** An announced version, the one that it will follow, and what it changes there. */
export interface Step {
  version: PublishedVersion;
  before: PublishedVersion | null;
  changes: Change[];
}

/** The way from the version in force to the last that is announced. */
export function stepsOf({ inForce, announced }: Board): Step[] {
  return announced.map((version, index) => {
    const before = announced[index - 1] ?? inForce;
    const { changes } = diffLists(before?.document ?? null, version.document);
    return { version, before, changes: applyGradings(changes, version.gradings) };
  });
}

/** Each announced version in words. */
export function announcedViews(steps: readonly Step[], texts: Texts): AnnouncedView[] {
  return steps.map(({ version, before, changes }) => {
    const account = describe(changes, namesOf(before?.document ?? null, version.document), texts);
    const items = account.groups.flatMap((group) => group.items);
    return {
      version,
      summary: account.summary,
      // A first list is shown below in full; to call each of its entries new would say nothing.
      items: before === null ? [] : items.slice(0, mostItems).map((item) => briefItem(item, texts, account.original)),
      more: before === null ? 0 : Math.max(0, items.length - mostItems),
      detail: before === null ? `/versions/${version.number}` : `/compare/${before.number}...${version.number}`,
      original: before === null ? null : account.original,
    };
  });
}

function briefItem(item: AccountItem, texts: Texts, original: Original | null): BriefItem {
  const brief = (value: string) => briefName(value, original);
  const told = new Set(['purposes', 'dataLocations', 'country', 'retention']);
  const facts = item.change.kind.endsWith('-added') ? item.facts.filter(({ field }) => told.has(field)) : [];
  return {
    severity: item.change.severity,
    label: item.label,
    heading: item.heading,
    context: item.context,
    details: [
      ...facts.map(({ label, values }) => html`${leadIn(label, texts)} ${listHtml(values.map(brief), texts)}`),
      ...item.differences.map((difference) => briefDifference(difference, texts, brief)),
    ],
  };
}

function briefDifference(difference: AccountDifference, texts: Texts, brief: (value: string) => Html): Html {
  const { field, label, how, before, after, added, removed } = difference;
  if (isColumn(field)) return html`${leadIn(label, texts)} ${texts.t(`list.how.${how}`)}`;
  if (added.length + removed.length > 0) {
    const part = (key: string, values: readonly string[]) =>
      values.length === 0
        ? []
        : [
            sentenceHtml({ values: listHtml(values.map(brief), texts) }, (plain) =>
              texts.t(`pages.changes.${key}`, plain),
            ),
          ];
    const parts = joinHtml(
      [...part('addedValues', added), ...part('removedValues', removed)],
      html`${texts.t('mail.separatorOfLong')}`,
    );
    return html`${leadIn(label, texts)} ${parts}`;
  }
  const [old, young] = [before, after].map((side) => side?.join(', ') ?? texts.t('list.notStated'));
  if (old === undefined || young === undefined || old.length + young.length > briefLength) return html`${label}`;
  const fromTo = sentenceHtml({ before: brief(old), after: brief(young) }, (values) =>
    texts.t('pages.changes.fromTo', values),
  );
  return html`${leadIn(label, texts)} ${fromTo}`;
}

/** "Purpose:", as the language sets its colon. */
function leadIn(label: string, texts: Texts): string {
  return texts.t('list.leadIn', { label });
}

function briefName(value: string, original: Original | null): Html {
  if (value.length <= briefLength) return nameHtml(value, original);
  const begun = [...value].slice(0, briefLength - 1).join('');
  return wordsHtml(value, original, nameHtml(`${begun.trimEnd()}…`));
}
