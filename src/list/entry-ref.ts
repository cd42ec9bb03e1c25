import { z } from 'zod';
import type { ListDocument } from './document.js';

/*
 * PURE. How one entry of a list is called from outside the document: by its kind and its id, which stay
 * when it is renamed or moved. As text `sub-processor/twilio`, `data-category/advocates/email-address`;
 * `list` is the document's own head.
 */

export const entryKinds = ['sub-processor', 'data-subject', 'data-category', 'service', 'statement'] as const;
export type EntryKind = (typeof entryKinds)[number];

const id = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;

/** A reference in its text form, checked for its form; whether there is such an entry is another question. */
export const entryRefSchema = z.string().refine((text) => parseRef(text) !== null, 'names no entry of a list');

export interface EntryRef {
  kind: EntryKind | 'list';
  /** Empty for the list itself. */
  id: string;
  /** Of a data category: its data subject kind. */
  dataSubject: string | null;
}

/** Null for what is no reference. */
export function parseRef(text: string): EntryRef | null {
  if (text === 'list') return { kind: 'list', id: '', dataSubject: null };
  const [name = '', ...ids] = text.split('/');
  const kind = entryKinds.find((known) => known === name);
  if (kind === undefined || ids.length !== (kind === 'data-category' ? 2 : 1)) return null;
  if (!ids.every((part) => id.test(part))) return null;
  const [first = '', second] = ids;
  return second === undefined ? { kind, id: first, dataSubject: null } : { kind, id: second, dataSubject: first };
}

/** The text form of a reference. */
export function refText({ kind, id: entry, dataSubject }: EntryRef): string {
  if (kind === 'list') return 'list';
  return dataSubject === null ? `${kind}/${entry}` : `${kind}/${dataSubject}/${entry}`;
}

/** An entry as its fields, whatever kind it is of. */
export interface LooseEntry {
  readonly [field: string]: unknown;
}

/** The entries among which a reference stands, in their order; null: there is no such data subject kind. */
export function siblingsOf(document: ListDocument, ref: EntryRef): readonly LooseEntry[] | null {
  switch (ref.kind) {
    case 'sub-processor':
      return document.subProcessors;
    case 'data-subject':
      return document.dataSubjects;
    case 'service':
      return document.services ?? [];
    case 'statement':
      return document.statements ?? [];
    case 'data-category': {
      const subject = document.dataSubjects.find((one) => one.id === ref.dataSubject);
      return subject === undefined ? null : (subject.dataCategories ?? []);
    }
    case 'list':
      return null;
  }
}

/** The entry itself; for the list its head (title, introduction …). Null: there is none (any more). */
export function findEntry(document: ListDocument, ref: EntryRef): LooseEntry | null {
  if (ref.kind === 'list') {
    const { services: _s, statements: _t, dataSubjects: _d, subProcessors: _p, ...head } = document;
    return head;
  }
  return siblingsOf(document, ref)?.find((entry) => entry.id === ref.id) ?? null;
}

/** What an entry is called; a statement by its words. */
export function nameOfEntry(entry: LooseEntry | null, ref: EntryRef): string {
  const name = entry?.name ?? entry?.title ?? entry?.text;
  return typeof name === 'string' ? name : ref.id;
}
