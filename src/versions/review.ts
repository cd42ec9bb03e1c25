import type { Actor } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import { type Tx, transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import type { Change, Severity } from '../list/change.js';
import { diffLists } from '../list/diff.js';
import {
  type ChangeKey,
  fingerprintOf,
  type Grading,
  gradingReason,
  holdingAmong,
  keyOf,
  mayBeLowered,
} from '../list/grading.js';
import { byCodeUnit } from '../list/plain.js';
import { bySeverity } from '../list/severity.js';
import { endOutdatedRequest, readApprovalRequest } from './approval-task.js';
import { canonicalHash } from './chain.js';
import { draftMissing, readDraft } from './draft.js';
import { lockDraft } from './queries.js';
import { readLatestList } from './read.js';
import { lockReview, type Review, updateGradings, updateMessage } from './review-queries.js';
import { adminText } from './version.js';

/*
 * What goes with a draft beside its document: the message to subscribers, and severities that a person sets
 * otherwise than the rules. Whoever changes either has seen what there was: nothing is lost of what two write.
 */

type ReviewDeps = Pick<Deps, 'db' | 'now'>;

export type MessageResult =
  | { saved: true; message: string | null }
  /** Somebody changed it meanwhile; nothing was written. */
  | { saved: false; theirs: string | null };

/**
 * Keeps the message that publishing sends when it is given none.
 * Refuses `draft.missing`, and `input.invalid` (path `message`) when it is longer than publishing allows.
 * @param message empty or null: none
 * @param options.base what was there when it was begun; undefined: whatever there is
 */
export async function saveMessage(
  deps: ReviewDeps,
  message: string | null,
  options: { base?: string | null | undefined },
  actor: Actor,
): Promise<MessageResult> {
  const text = readMessage(message);
  const base = options.base === undefined ? undefined : readMessage(options.base);
  return writeMessage(deps, text, (current) => base === undefined || current === base, actor);
}

/** The same for programs. Refuses `draft.stale` when another message than that with the tag is there. */
export async function putMessage(
  deps: ReviewDeps,
  message: string | null,
  options: { ifTag?: string | undefined },
  actor: Actor,
): Promise<string | null> {
  const { ifTag } = options;
  const seen = (current: string | null) => ifTag === undefined || tagOf(current) === ifTag;
  const result = await writeMessage(deps, readMessage(message), seen, actor);
  if (!result.saved) throw stale('The message was changed meanwhile. Read it again.');
  return result.message;
}

/** By what a message, or gradings, are recognised. */
export function tagOf(value: string | null | readonly Grading[]): string {
  return canonicalHash(value).slice(0, 16);
}

async function writeMessage(
  deps: ReviewDeps,
  message: string | null,
  seen: (current: string | null) => boolean,
  actor: Actor,
): Promise<MessageResult> {
  const at = deps.now();
  return transaction(deps.db, async (tx) => {
    const current = await lockReview(tx);
    if (current === null) throw draftMissing();
    if (current.message === message) return { saved: true, message };
    if (!seen(current.message)) return { saved: false, theirs: current.message };
    await updateMessage(tx, message);
    await endRequest(tx, { actor, at });
    const detail = { before: current.message?.length ?? 0, after: message?.length ?? 0 };
    await recordAudit(tx, { at, actor, action: 'draft.message-changed', subject: subjectOf(current), detail });
    return { saved: true, message };
  });
}

function readMessage(text: string | null): string | null {
  const message = adminText.safeParse(text ?? '');
  if (message.success) return message.data === '' ? null : message.data;
  throw new Refusal(
    'input.invalid',
    'The message cannot be sent.',
    message.error.issues.map((issue) => ({ path: 'message', message: issue.message })),
  );
}

/** What somebody wants a change's severity to be. */
export interface WantedGrading extends ChangeKey {
  severity: Severity;
  reason: string;
}

/**
 * Raises or lowers a change of the draft, with a reason that subscribers read; the severity that the rules give
 * takes a grading back, and needs none.
 * Refuses `draft.missing`, `change.missing`, `reason.missing`, `severity.too-low` (an added sub-processor, or
 * another company: GDPR Art. 28(2)), `input.invalid` (the reason is too long), and `draft.stale` when somebody
 * else has graded the same change meanwhile, or changed the draft.
 * @param options.seen the grading that there was when it was looked at; null: none; undefined: whatever there is
 */
export async function gradeChange(
  deps: ReviewDeps,
  wanted: WantedGrading,
  options: { seen?: Pick<Grading, 'severity' | 'reason'> | null | undefined },
  actor: Actor,
): Promise<void> {
  const { changes, revision } = await gradable(deps);
  const { change, grading } = judged(wanted, changes);
  const key = keyOf(wanted);
  await writeGradings(deps, revision, actor, (current) => {
    const there = current.find((one) => keyOf(one) === key) ?? null;
    const { seen } = options;
    if (seen !== undefined && (there?.severity !== seen?.severity || there?.reason !== seen?.reason)) {
      throw stale('Somebody else has graded this change meanwhile. Look at it again.');
    }
    const rest = current.filter((one) => one !== there);
    return {
      gradings: grading === null ? rest : [...rest, grading],
      detail: {
        kind: change.kind,
        id: change.id,
        ...('dataSubject' in change ? { dataSubject: change.dataSubject } : {}),
        rules: change.severity,
        before: there === null ? null : { severity: there.severity, reason: there.reason },
        after: grading === null ? null : { severity: grading.severity, reason: grading.reason },
      },
    };
  });
}

/**
 * Replaces all gradings of the draft; none: the rules alone count. Refuses as `gradeChange` does, with paths into
 * the array, and `draft.stale` when others than those with the tag are there.
 */
export async function putGradings(
  deps: ReviewDeps,
  wanted: readonly WantedGrading[],
  options: { ifTag?: string | undefined },
  actor: Actor,
): Promise<Grading[]> {
  const { changes, revision } = await gradable(deps);
  const graded = wanted.map((one, at) => judged(one, changes, `gradings.${at}.`).grading);
  const gradings = [...new Map(graded.flatMap((one) => (one === null ? [] : [[keyOf(one), one]]))).values()];
  return writeGradings(deps, revision, actor, (current) => {
    if (options.ifTag !== undefined && tagOf(current) !== options.ifTag) {
      throw stale('The gradings were changed meanwhile. Read them again.');
    }
    return { gradings, detail: { before: current.map(briefly), after: gradings.map(briefly) } };
  });
}

/** Each grading of the draft, and whether it still holds. Refuses `draft.missing`. */
export async function readGradings(
  deps: Pick<Deps, 'db'>,
): Promise<{ gradings: (Grading & { holds: boolean })[]; tag: string }> {
  const { changes, gradings } = await gradable(deps);
  const holding = new Set(holdingAmong(gradings, changes));
  return { gradings: gradings.map((one) => ({ ...one, holds: holding.has(one) })), tag: tagOf(gradings) };
}

/** The changes of the draft as the rules grade them. */
async function gradable({ db }: Pick<Deps, 'db'>) {
  const draft = await readDraft(db);
  if (draft === null) throw draftMissing();
  const { changes } = diffLists(await readLatestList(db), draft.document);
  return { changes, revision: draft.revision, gradings: draft.gradings };
}

/** Null: it is what the rules say. */
function judged(
  wanted: WantedGrading,
  changes: readonly Change[],
  path = '',
): { change: Change; grading: Grading | null } {
  const { kind, id, dataSubject, severity } = wanted;
  const change = changes.find((one) => keyOf(one) === keyOf(wanted));
  if (change === undefined) {
    throw new Refusal('change.missing', `The draft has no such change: ${kind} ${id}.`, [
      { path: `${path}id`, message: 'is not among the changes of GET /api/v1/draft/diff' },
    ]);
  }
  if (!change.notifiable) {
    throw new Refusal('change.missing', 'Only other words for the same change here, and nobody is told of it.', [
      { path: `${path}id`, message: 'has no severity to be set' },
    ]);
  }
  const distance = bySeverity(severity, change.severity);
  if (distance === 0) return { change, grading: null };
  if (distance < 0 && !mayBeLowered(change)) {
    throw new Refusal(
      'severity.too-low',
      `"${change.name}" cannot be lowered: a sub-processor that is added, or whose company is another, is always material, since the controller may object to it (GDPR Art. 28(2)).`,
      [{ path: `${path}severity`, message: 'must be "material" for this change' }],
    );
  }
  const grading = {
    kind,
    id,
    ...(dataSubject === undefined ? {} : { dataSubject }),
    severity,
    reason: readReason(wanted.reason, `${path}reason`),
    from: change.severity,
    fingerprint: fingerprintOf(change),
  };
  return { change, grading };
}

function readReason(text: string, path: string): string {
  const reason = gradingReason.safeParse(text);
  if (reason.success) return reason.data;
  const [issue] = reason.error.issues;
  const code = text.trim() === '' ? 'reason.missing' : 'input.invalid';
  throw new Refusal(code, 'Say why the severity is another than the rules give: subscribers read it.', [
    { path, message: issue?.message ?? 'is not valid' },
  ]);
}

async function writeGradings(
  deps: ReviewDeps,
  revision: number,
  actor: Actor,
  make: (current: readonly Grading[]) => { gradings: Grading[]; detail: Record<string, unknown> },
): Promise<Grading[]> {
  const at = deps.now();
  return transaction(deps.db, async (tx) => {
    const current = await lockReview(tx);
    if (current === null) throw draftMissing();
    if (current.revision !== revision) throw stale('The draft was changed meanwhile. Look at the change again.');
    const { gradings, detail } = make(current.gradings);
    // In one order, so that the same gradings are the same draft whoever came first.
    const ordered = [...gradings].sort((a, b) => byCodeUnit(keyOf(a), keyOf(b)));
    if (tagOf(ordered) === tagOf(current.gradings)) return current.gradings;
    await updateGradings(tx, ordered);
    await endRequest(tx, { actor, at });
    await recordAudit(tx, { at, actor, action: 'draft.graded', subject: subjectOf(current), detail });
    return ordered;
  });
}

/** Whoever was asked to approve was asked for what is no more; the whole draft is read only then. */
async function endRequest(tx: Tx, by: { actor: Actor; at: Date }): Promise<void> {
  if ((await readApprovalRequest(tx)) === null) return;
  const draft = await lockDraft(tx);
  if (draft !== null) await endOutdatedRequest(tx, draft, by);
}

/**
 * After a version was published: what went with it is not the next one's. What was written for the next one
 * meanwhile stays.
 * @param went what the version was published with
 */
export async function clearReview(
  tx: Tx,
  went: { message: string | null; gradings: readonly Grading[] },
): Promise<void> {
  const current = await lockReview(tx);
  if (current === null) return;
  if (current.message !== null && current.message === went.message) await updateMessage(tx, null);
  const published = new Set(went.gradings.map((one) => canonicalHash(one)));
  const left = current.gradings.filter((one) => !published.has(canonicalHash(one)));
  if (left.length < current.gradings.length) await updateGradings(tx, left);
}

function briefly({ kind, id, dataSubject, severity, reason }: Grading) {
  return { kind, id, ...(dataSubject === undefined ? {} : { dataSubject }), severity, reason };
}

function subjectOf({ revision }: Review): string {
  return `draft revision ${revision}`;
}

function stale(message: string): Refusal {
  return new Refusal('draft.stale', message);
}
