import type { Change } from '../../list/change.js';
import { namesOf, valueTexts } from '../../list/values.js';
import type { Texts } from '../../texts.js';
import type { PublishedVersion } from '../../versions/version.js';
import { categoryAnchor, entryAnchor, statementAnchor, subjectAnchor } from './catalogue-view.js';
import type { Step } from './version-view.js';

/*
 * PURE. What is announced, marked where it stands in the list in force: what changes or goes at its place, what
 * comes at the place that it will have.
 */

/** That a thing of the list in force is going to change, shown at the thing. */
export interface Mark {
  version: PublishedVersion;
  removed: boolean;
}

/** Something that is not in the list yet. */
export interface Coming {
  kind: 'sub-processor' | 'data-category' | 'data-subject' | 'statement';
  /** Where: the group of a sub-processor (null: none), the anchor of a data category's data subject kind. */
  place: string | null;
  anchor: string;
  name: string;
  /** What it is about, a few words each. */
  details: string[];
  version: PublishedVersion;
}

/** By the anchors of the list's page; of several announced changes of one thing the first counts. */
export function marksOf(steps: readonly Step[]): Map<string, Mark> {
  const marks = new Map<string, Mark>();
  for (const { version, changes } of steps) {
    for (const change of changes) {
      for (const anchor of placesOf(change)) {
        if (!marks.has(anchor)) marks.set(anchor, { version, removed: change.kind.endsWith('-removed') });
      }
    }
  }
  return marks;
}

function placesOf(change: Change): string[] {
  if (change.severity === 'editorial') return [];
  switch (change.kind) {
    case 'sub-processor-changed':
    case 'sub-processor-removed':
      return [entryAnchor(change.id)];
    case 'data-category-changed':
    case 'data-category-removed':
      return [categoryAnchor(change.dataSubject, change.id)];
    case 'data-subject-changed':
    case 'data-subject-removed':
      return [subjectAnchor(change.id)];
    case 'list-changed':
      return change.fields.flatMap(({ field, severity, before }) =>
        severity === 'editorial' || (before === undefined && field.startsWith('statements.')) ? [] : [partOf(field)],
      );
    default:
      return [];
  }
}

/** The part of the page that a field of the list itself is shown in. */
function partOf(field: string): string {
  const [head = '', ...rest] = field.split('.');
  if (head === 'statements') return statementAnchor(rest.join('.'));
  if (head === 'dataSubjects') return 'catalogue';
  return head === 'subProcessors' || head === 'services' || head === 'dpaUrl' ? 'sub-processors' : 'introduction';
}

/** What the announced versions bring, in their order. A first list brings nothing: it is shown as it is. */
export function comingOf(steps: readonly Step[], texts: Texts): Coming[] {
  return steps.flatMap(({ version, before, changes }) => {
    if (before === null) return [];
    const { names, change: inWords } = namesOf(before.document, version.document).in(texts.locale);
    const words = (field: string, value: Parameters<typeof valueTexts>[1]) =>
      valueTexts(field, value, names, texts) ?? [];
    return changes.map(inWords).flatMap((change): Coming[] => {
      switch (change.kind) {
        case 'sub-processor-added': {
          const { id, name, group, product, country, purposes } = change.entry;
          const details = [...words('product', product), ...words('country', country), ...words('purposes', purposes)];
          return [
            {
              kind: 'sub-processor',
              place: group ?? null,
              anchor: `coming-${entryAnchor(id)}`,
              name,
              details,
              version,
            },
          ];
        }
        case 'data-category-added': {
          const { id, name, purpose, retention } = change.entry;
          const details = [...words('purpose', purpose), ...words('retention', retention)];
          const anchor = `coming-${categoryAnchor(change.dataSubject, id)}`;
          return [{ kind: 'data-category', place: subjectAnchor(change.dataSubject), anchor, name, details, version }];
        }
        case 'data-subject-added': {
          const { id, name, dataCategories = [] } = change.entry;
          const details = dataCategories.map((category) => category.name);
          return [{ kind: 'data-subject', place: null, anchor: `coming-${subjectAnchor(id)}`, name, details, version }];
        }
        case 'list-changed':
          return change.fields.flatMap(({ field, before: old, after }) => {
            const id = /^statements\.(.+)$/.exec(field)?.[1];
            if (id === undefined || old !== undefined) return [];
            const [name = ''] = words('statements', after);
            return [
              { kind: 'statement', place: null, anchor: `coming-${statementAnchor(id)}`, name, details: [], version },
            ];
          });
        default:
          return [];
      }
    });
  });
}
