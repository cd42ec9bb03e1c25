import type { Actor } from '../../actor.js';
import type { Deps } from '../../deps.js';
import { type Fault, Refusal } from '../../errors.js';
import type { Conflict } from '../../list/edit.js';
import type { EntryRef } from '../../list/entry-ref.js';
import type { Texts } from '../../texts.js';
import { type EditResult, editDraft, readWorkingList } from '../../versions/draft-edit.js';
import { type ConflictLine, conflictLines } from './conflict-view.js';
import { type FormFault, formFaults } from './entry-faults.js';
import { type PostedEntry, stepsOfForm } from './entry-form.js';

/** What became of a form that was sent while somebody writes. */
export interface Autosaved {
  /** Null: nothing was saved. */
  revision: number | null;
  /** What was made of it, to be taken back; null when nothing was new. */
  edit: number | null;
  /** From what the form goes on. */
  base: string;
  faults: FormFault[];
  conflicts: (ConflictLine & { text: string; value: Conflict['theirs'] })[];
}

/**
 * Saves what can be saved of a form: a field that is at fault, and one that somebody else changed
 * meanwhile, is left to be asked about, and holds up no other.
 */
export async function autosave(
  deps: Pick<Deps, 'db' | 'now'>,
  ref: EntryRef,
  posted: PostedEntry,
  { actor, texts, title }: { actor: Actor; texts: Texts; title: string },
): Promise<Autosaved> {
  const { document } = await readWorkingList(deps.db, title);
  const conflicts = new Map<string | null, Conflict>();
  const faults = new Map<string | null, FormFault>();
  const rest = () => stepsOfForm(ref, posted).filter(({ field }) => !conflicts.has(field) && !faults.has(field));
  let result: EditResult | null = null;
  for (let left = Number.POSITIVE_INFINITY; left > rest().length; ) {
    // What concerns the entry or the list as a whole concerns every field.
    if (conflicts.has(null) || faults.has(null)) break;
    left = rest().length;
    try {
      result = await editDraft(deps, rest(), actor, title);
      if (result.saved) break;
      for (const conflict of result.conflicts) conflicts.set(conflict.field, conflict);
    } catch (error) {
      for (const fault of formFaults(ref, document, faultsOf(error), texts)) faults.set(fault.field, fault);
    }
  }
  const done = result?.saved === true ? result : null;
  return {
    revision: done?.draft.revision ?? null,
    edit: done?.edit ?? null,
    base: JSON.stringify(done === null ? posted.base : baseAfter(posted, rest())),
    faults: [...faults.values()],
    conflicts: [...conflicts.values()].flatMap((conflict) =>
      conflictLines([conflict], ref.kind, texts).map((line) => ({
        ...line,
        text: texts.t('editor.form.conflictTheirs', { label: line.label, theirs: line.theirs }),
        value: conflict.theirs,
      })),
    ),
  };
}

/** Only what was saved is what others may change from here on. */
function baseAfter({ base, values }: PostedEntry, saved: readonly { field: string }[]): PostedEntry['base'] {
  const after = { ...base };
  for (const { field } of saved) {
    const value = values[field];
    if (value === undefined) delete after[field];
    else after[field] = value;
  }
  return after;
}

/** The faults of a refused document; any other error goes on. */
export function faultsOf(error: unknown): readonly Fault[] {
  if (!(error instanceof Refusal) || error.code !== 'document.invalid') throw error;
  return error.errors;
}
