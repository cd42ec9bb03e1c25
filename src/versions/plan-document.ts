import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import type { ListDocument } from '../list/document.js';
import { type Audience, readAudience } from '../notices/audience.js';
import { type SettledDates, settleDates } from './clock.js';
import { readDraft, readText } from './draft.js';
import { planVersion, type VersionPlan } from './plan.js';
import { readScheduled } from './read.js';
import type { ScheduledPublication } from './version.js';

/** What publishing a document would come to now, without making it the draft. */
export interface DocumentPlan {
  plan: VersionPlan;
  document: ListDocument;
  /** The list that the changes are told against; null before the first version. */
  before: ListDocument | null;
  /** The dates that it would have if none were named. */
  dates: SettledDates;
  audience: Audience;
  /** A planned publication, which stands before it. */
  scheduled: ScheduledPublication | null;
}

/**
 * Plans a text as the next version, for whoever keeps the list in a repository: entries without ids take
 * those of the draft and the latest version, as `writeDraft` does. Nothing is written.
 * Refuses `document.invalid`, and `version.unchanged` when it says what the latest version says.
 */
export async function planDocument(
  deps: Pick<Deps, 'db' | 'now' | 'config'>,
  input: { text: string; format: 'json' | 'yaml' },
): Promise<DocumentPlan> {
  const { db, config } = deps;
  const document = await readText(db, input);
  // A file that becomes the draft leaves its message and gradings as they are.
  const gradings = (await readDraft(db))?.gradings ?? [];
  const plan = await planVersion(db, config, { document, gradings, request: {}, publishedAt: deps.now() });
  return {
    plan,
    document,
    before: plan.base?.document ?? null,
    dates: settleDates({}, plan.facts, plan.clock),
    audience: await readAudience(db, plan.notice.ordered ? plan.netChanges : null, config),
    scheduled: await readScheduled(db),
  };
}

/** The same; null where the text says what the latest version says. Refuses `document.invalid`. */
export async function planOrUnchanged(
  deps: Pick<Deps, 'db' | 'now' | 'config'>,
  input: { text: string; format: 'json' | 'yaml' },
): Promise<DocumentPlan | null> {
  try {
    return await planDocument(deps, input);
  } catch (error) {
    if (error instanceof Refusal && error.code === 'version.unchanged') return null;
    throw error;
  }
}
