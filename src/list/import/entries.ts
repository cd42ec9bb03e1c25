import { limits } from '../document.js';
import { idsFor } from '../ids.js';
import { plainText } from '../plain.js';
import { completeAccount, leave, understand } from './account.js';
import { type MappedTable, noteCaption, noteOnce } from './build-catalogue.js';
import type { Note } from './build-list.js';
import { leaveRow, repeatsHeadings } from './catalogue-row.js';
import { type EntryInput, putLine, putMembers, type SetField } from './entry-fields.js';
import { type EntryDraft, readEntryRow } from './entry-row.js';
import { relationshipOf } from './flags.js';
import type { HeadingTarget } from './mapping.js';
import type { Piece } from './pieces.js';
import { headingOf, placesOfHeading } from './table-heading.js';

/*
 * PURE. Tables of sub-processors as entries, with what the heading above a table says of each of its rows.
 */

/** An entry that may stand under several headings, which are then members of one set. */
export interface TableDraft extends EntryDraft {
  /** The set that the heading is a member of. */
  underHeading: SetField | 'services' | null;
}

/** The rows of a table as entries, still without what needs the rest of the list. */
export function readEntries(mapped: MappedTable, isName: (text: string) => boolean, notes: Note[]): TableDraft[] {
  const { table, rows, headingAs, columns } = mapped;
  const heading = headingOf(table);
  const isUsed = headingAs !== 'ignore' && headingAs !== 'dataSubject' && heading !== null;
  for (const text of table.headings) {
    if (!(isUsed && heading.text === text)) noteOnce({ code: 'heading-unused', values: { text } }, notes);
  }
  const relationship = isUsed && headingAs === 'relationship' ? relationshipOfHeading(heading.text, mapped) : null;
  const caption = table.caption?.split('\n') ?? [];
  const unused = isUsed && heading.isCaption ? caption.slice(0, -1) : caption;
  if (unused.length > 0) noteCaption(unused.join('\n'), notes);

  return table.rows.flatMap((source, at): TableDraft[] => {
    const row = rows[at];
    if (row === undefined) return [];
    if (repeatsHeadings(source, table.columns)) {
      leaveRow(row, source, 'repeated-heading');
      return [];
    }
    const draft = readEntryRow(source, row, { targets: columns, headings: table.columns, isName });
    if (draft === null) return [];
    if (draft.guessed !== null)
      notes.push({ code: 'name-guessed', values: { line: source.line, name: draft.guessed } });
    const underHeading = isUsed ? applyHeading(draft, headingAs, heading.text, relationship) : null;
    return [{ ...draft, underHeading }];
  });
}

function applyHeading(
  draft: EntryDraft,
  headingAs: HeadingTarget,
  text: string,
  relationship: ReturnType<typeof relationshipOf>,
): TableDraft['underHeading'] {
  const { entry, row } = draft;
  const place = { row, column: null };
  switch (headingAs) {
    case 'group':
    case 'product':
      if (entry[headingAs] === undefined) putLine(entry, headingAs, text, place);
      return null;
    case 'relationship':
      if (entry.relationship === undefined && relationship !== null) {
        entry.relationship = relationship;
        understand(row, 'relationship', relationship, null, text);
      }
      if (entry.group === undefined) putLine(entry, 'group', text, place);
      return null;
    case 'services':
      draft.services.push({ value: text.replace(/\s*:$/, ''), text, column: null });
      return 'services';
    case 'purposes':
      putMembers(entry, 'purposes', [{ value: text.replace(/\s*:$/, ''), text }], place);
      return 'purposes';
    case 'dataLocations':
    case 'regions': {
      const places = placesOfHeading(text);
      const pieces: Piece[] = places.length > 0 ? places.map((value) => ({ value, text })) : [{ value: text, text }];
      putMembers(entry, headingAs, pieces, place);
      return headingAs;
    }
    default:
      return null;
  }
}

function relationshipOfHeading(text: string, { table, columns }: MappedTable): ReturnType<typeof relationshipOf> {
  const at = Math.max(
    0,
    columns.findIndex((target) => target.startsWith('name')),
  );
  const isOwn = isOwnHeading(
    text,
    table.rows.map(({ cells }) => cells[at]?.text ?? ''),
  );
  return relationshipOf(text) ?? (isOwn ? 'affiliate' : null);
}

/** "Stakater Subprocessors" above nothing but Stakater companies: they are the group's own. */
export function isOwnHeading(heading: string, names: readonly string[]): boolean {
  const [word = ''] = plainText(heading).split(' ');
  return word.length > 2 && names.length > 1 && names.every((name) => plainText(name).split(' ')[0] === word);
}

/** The entries of the list, alike ones joined, parents looked up, within what a list can hold. */
export function entriesOf(drafts: readonly TableDraft[], notes: Note[]): EntryInput[] {
  const byContent = new Map<string, { index: number; draft: TableDraft; count: number }>();
  const joined: TableDraft[] = [];
  let surplus = 0;
  for (const draft of drafts) {
    const key = contentOf(draft);
    const same = byContent.get(key);
    if (same !== undefined) {
      same.count++;
      join(same.draft, draft);
      draft.row.entry = { kind: 'sub-processor', index: same.index };
    } else if (joined.length >= limits.subProcessors) {
      surplus++;
      leaveSurplus(draft);
    } else {
      byContent.set(key, { index: joined.length, draft, count: 1 });
      draft.row.entry = { kind: 'sub-processor', index: joined.length };
      joined.push(draft);
    }
  }
  for (const { draft, count } of byContent.values()) {
    if (count > 1) notes.push({ code: 'rows-joined', values: { count, name: draft.entry.name } });
  }
  if (surplus > 0) notes.push({ code: 'too-many-rows', values: { limit: limits.subProcessors, count: surplus } });
  return withParents(joined);
}

/** Equal for rows that say the same but for a heading that is one of several. */
function contentOf({ entry, underHeading, parent }: TableDraft): string {
  const { [underHeading ?? 'name']: own, ...rest } = entry;
  const facts = Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([underHeading, entry.name, parent?.value ?? null, underHeading === null ? own : null, facts]);
}

function join({ entry, underHeading }: TableDraft, other: TableDraft): void {
  if (underHeading === null) return;
  entry[underHeading] = [...new Set([...(entry[underHeading] ?? []), ...(other.entry[underHeading] ?? [])])].slice(
    0,
    200,
  );
}

function leaveSurplus({ row, source }: TableDraft): void {
  row.understood = [];
  row.left = [];
  for (const [column, { text }] of source.cells.entries()) leave(row, column, text, 'too-many');
  completeAccount(row, source);
}

/** Ids that are stated twice are left; who engages an entry is found by name or id, as long as no circle closes. */
function withParents(drafts: readonly TableDraft[]): EntryInput[] {
  const seen = new Set<string>();
  for (const { entry, row } of drafts) {
    if (entry.id === undefined || !seen.has(entry.id)) {
      if (entry.id !== undefined) seen.add(entry.id);
      continue;
    }
    const { id } = entry;
    delete entry.id;
    const said = row.understood.find(({ field }) => field === 'id');
    row.understood = row.understood.filter((one) => one !== said);
    leave(row, said?.column ?? null, said?.text ?? id, 'not-accepted');
  }
  const named = drafts.map(({ entry: { id, name } }) => ({
    id,
    text: name,
    name,
    hints: new Set<string>(),
    content: '',
  }));
  const ids = drafts.some(({ parent }) => parent !== null) ? idsFor(named, []).all : [];
  const byName = new Map<string, number>();
  for (const [at, { entry }] of drafts.entries()) {
    for (const key of [entry.id, plainText(entry.name)]) if (key !== undefined && !byName.has(key)) byName.set(key, at);
  }
  const parents = new Map<number, number>();
  for (const [at, { entry, row, parent }] of drafts.entries()) {
    if (parent === null) continue;
    const found = byName.get(parent.value) ?? byName.get(plainText(parent.value));
    const id = found === undefined ? undefined : ids[found];
    if (found === undefined || id === undefined) leave(row, parent.column, parent.text, 'unknown-entry');
    else if (closesCircle(at, found, parents)) leave(row, parent.column, parent.text, 'not-accepted');
    else {
      parents.set(at, found);
      entry.parent = id;
      understand(row, 'parent', drafts[found]?.entry.name ?? id, parent.column, parent.text);
    }
  }
  return drafts.map(({ entry }) => entry);
}

function closesCircle(child: number, parent: number, parents: ReadonlyMap<number, number>): boolean {
  let at: number | undefined = parent;
  // No real chain is longer; each step costs, for each of 5,000 entries.
  for (let steps = 0; at !== undefined; steps++) {
    if (at === child || steps > 100) return true;
    at = parents.get(at);
  }
  return false;
}
