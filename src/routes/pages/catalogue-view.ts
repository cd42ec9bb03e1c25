import type { DataCategory, ListDocument, SubProcessor } from '../../list/document.js';

/*
 * PURE. The catalogue of each data subject kind as its page shows it: which data, what for, on which
 * ground, from where, for how long, and which sub-processors get it.
 */

export interface SubjectView {
  name: string;
  anchor: string;
  description: string | null;
  /** Columns that at least one category states, so that no column of blanks is shown. */
  columns: { purpose: boolean; legalBasis: boolean; source: boolean; retention: boolean };
  categories: CategoryView[];
}

export interface CategoryView {
  name: string;
  anchor: string;
  /** What the list is filtered by for it: `managers.email-address`. */
  key: string;
  optional: boolean;
  special: boolean;
  purpose: string | null;
  description: string | null;
  example: string | null;
  legalBasis: string | null;
  source: string | null;
  retention: string | null;
  /** Each vendor once; the link goes to its first entry that gets the data. */
  recipients: { name: string; anchor: string }[];
  /** Past this many they are counted, not named: with thousands the table would be longer than the list. */
  tooMany: boolean;
}

const mostRecipients = 100;

/** The `id` of an entry on the page; mail, feeds and the catalogue link to it. */
export function entryAnchor(id: string): string {
  return `sub-processor-${id}`;
}

/** The `id` of a data category on the page. */
export function categoryAnchor(subject: string, category: string): string {
  return `data-category-${subject}-${category}`;
}

/** The `id` of a data subject kind on the page. */
export function subjectAnchor(subject: string): string {
  return `data-subject-${subject}`;
}

/** The `id` of a statement on the page. */
export function statementAnchor(id: string): string {
  return `statement-${id}`;
}

/**
 * The catalogue of every data subject kind, in the document's order.
 * @param only anchors of the data categories that are shown; absent: all
 */
export function catalogueView(document: ListDocument, only?: ReadonlySet<string>): SubjectView[] {
  if (only?.size === 0) return [];
  const found = recipientsOf(document.subProcessors);
  const recipientsAt = (anchor: string) => {
    const recipients = found.get(anchor) ?? [];
    return { recipients, tooMany: recipients.length > mostRecipients };
  };
  const isShown = (subject: string) => (category: DataCategory) =>
    only?.has(categoryAnchor(subject, category.id)) ?? true;
  return document.dataSubjects.flatMap((subject) => {
    const categories = (subject.dataCategories ?? []).filter(isShown(subject.id));
    if (only !== undefined && categories.length === 0) return [];
    const states = (...fields: (keyof DataCategory)[]) =>
      categories.some((category) => fields.some((field) => category[field] !== undefined));
    return {
      name: subject.name,
      anchor: subjectAnchor(subject.id),
      description: subject.description ?? null,
      columns: {
        purpose: states('purpose', 'description', 'example'),
        legalBasis: states('legalBasis'),
        source: states('source'),
        retention: states('retention'),
      },
      categories: categories.map((category) => ({
        name: category.name,
        anchor: categoryAnchor(subject.id, category.id),
        key: `${subject.id}.${category.id}`,
        optional: category.optional === true,
        special: category.specialCategory === true,
        purpose: category.purpose ?? null,
        description: category.description ?? null,
        example: category.example ?? null,
        legalBasis: category.legalBasis ?? null,
        source: category.source ?? null,
        retention: category.retention ?? null,
        ...recipientsAt(categoryAnchor(subject.id, category.id)),
      })),
    };
  });
}

/** Which vendors get a data category, by the category's anchor. */
function recipientsOf(entries: readonly SubProcessor[]): Map<string, CategoryView['recipients']> {
  const found = new Map<string, Map<string, Map<string, CategoryView['recipients'][number]>>>();
  for (const { id, name, dataCategories = {} } of entries) {
    const recipient = { name, anchor: entryAnchor(id) };
    for (const subject of Object.keys(dataCategories)) {
      const ofSubject = found.get(subject) ?? new Map();
      found.set(subject, ofSubject);
      for (const category of dataCategories[subject] ?? []) {
        const vendors = ofSubject.get(category) ?? new Map();
        ofSubject.set(category, vendors);
        if (!vendors.has(name)) vendors.set(name, recipient);
      }
    }
  }
  return new Map(
    [...found].flatMap(([subject, categories]) =>
      [...categories].map(([category, vendors]) => [categoryAnchor(subject, category), [...vendors.values()]]),
    ),
  );
}
