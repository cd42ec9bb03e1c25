import type pg from 'pg';
import type { Db } from '../database/query.js';
import {
  type Draft,
  selectContents,
  selectDraft,
  selectDraftMarks,
  selectVersionFacts,
  selectVersionsFacts,
} from './queries.js';
import { selectReview } from './review-queries.js';
import type { PublishedVersion } from './version.js';

/*
 * Lists of thousands of entries are megabytes of JSON: reading and comparing them anew for each page is
 * most of what a page of the console would take. What was read last is kept for each pool; whether it is
 * still what the database holds is asked each time, with a row of a few bytes. So every instance shows what
 * is, whoever changed it, and the same state is the same object, by which `diffLists` knows it again.
 * Inside a transaction nothing kept is used. What comes from here is not to be changed by anybody.
 */

/** A draft's base, what was told last, what is in force and announced, and one that somebody looks at. */
const mostContents = 6;

interface Kept {
  /** By number and hash: a published version never changes. */
  contents: Map<string, Pick<PublishedVersion, 'document' | 'changes'>>;
  draft: { mark: string; documentMark: string; draft: Draft } | null;
}
const keptOf = new WeakMap<pg.Pool, Kept>();

/** A published version by its number; null: there is none. */
export async function readKeptVersion(db: Db, number: number): Promise<PublishedVersion | null> {
  const facts = await selectVersionFacts(db, number);
  if (facts === null) return null;
  return { ...facts, ...(await contentsOf(db, facts)) };
}

/** The versions that are asked for, oldest first. */
export async function readKeptVersions(db: Db, numbers: readonly number[]): Promise<PublishedVersion[]> {
  const versions: PublishedVersion[] = [];
  for (const facts of await selectVersionsFacts(db, numbers)) {
    versions.push({ ...facts, ...(await contentsOf(db, facts)) });
  }
  return versions;
}

/** The draft as it stands; null before the first one is written. */
export async function readKeptDraft(db: Db): Promise<Draft | null> {
  const kept = keptIn(db);
  if (kept === null) return selectDraft(db);
  const marks = await selectDraftMarks(db);
  if (marks === null) return null;
  if (kept.draft?.mark === marks.mark) return kept.draft.draft;
  const draft = await goneOn(db, kept, marks.documentMark);
  // Should it have been changed between the two, the next reader finds another mark and reads again.
  kept.draft = draft === null ? null : { ...marks, draft };
  return draft;
}

/** Where only what belongs to the document was written, the document stays the object that it is. */
async function goneOn(db: Db, kept: Kept, documentMark: string): Promise<Draft | null> {
  if (kept.draft?.documentMark !== documentMark) return selectDraft(db);
  const review = await selectReview(db);
  if (review?.revision !== kept.draft.draft.revision) return selectDraft(db);
  return { ...kept.draft.draft, message: review.message, gradings: review.gradings };
}

async function contentsOf(db: Db, { number, hash }: Pick<PublishedVersion, 'number' | 'hash'>) {
  const kept = keptIn(db);
  const key = `${number} ${hash}`;
  const known = kept?.contents.get(key);
  const contents = known ?? (await selectContents(db, number));
  if (kept !== null) {
    // The latest used stand last, and the first goes.
    kept.contents.delete(key);
    kept.contents.set(key, contents);
    const [oldest] = kept.contents.keys();
    if (kept.contents.size > mostContents && oldest !== undefined) kept.contents.delete(oldest);
  }
  return contents;
}

/** Null inside a transaction. */
function keptIn(db: Db): Kept | null {
  if (!('totalCount' in db)) return null;
  const kept = keptOf.get(db) ?? { contents: new Map(), draft: null };
  keptOf.set(db, kept);
  return kept;
}
