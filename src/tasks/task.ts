import type { Actor } from '../actor.js';

/*
 * What only a person can see to: a contact whom no mail reaches any more, a publication that waits, a
 * relay that is down. A task stays open until an admin says that it is done, or its cause is gone.
 */

/** Each kind has its words in locales/…/tasks.json: what happened, and what to do. */
export const taskKinds = [
  /** Mail to a contractual contact came back for good. */
  'bounced-contact',
  /** A contractual contact marked a notice as spam. */
  'complaint-of-contact',
  /** A contractual contact unsubscribed, or was erased at their own wish. */
  'contact-left',
  /** No mail goes, for everybody. */
  'relay-down',
  /** The mail system of a domain takes no mail of ours: a policy, a block list, a size. */
  'mail-refused',
  /** A planned publication was not published at its time. */
  'publication-held',
  /** The mailbox that bounces come back to cannot be read. */
  'bounce-mailbox-down',
  /** A controller objects to a version. */
  'objection',
  /** Somebody asks for the second pair of eyes on the draft. */
  'approval-wanted',
] as const;
export type TaskKind = (typeof taskKinds)[number];

export interface NewTask {
  kind: TaskKind;
  /** Whom it is about. */
  subscriberId: number | null;
  /**
   * What it is about, as in the audit log and never an address or a name: `subscriber 17`, `version 3`,
   * `objection 5`, `relay`, `domain example.org`. One task of a kind and subject is open at a time.
   */
  subject: string;
  /** Codes and figures. */
  detail?: Record<string, unknown>;
  at: Date;
}

export interface Task {
  id: number;
  kind: TaskKind;
  subject: string;
  detail: Record<string, unknown>;
  /** Whom it is about, for admins; null when it is about nobody, or they have been erased since. */
  subscriber: { id: number; email: string; company: string | null; noticeGroup: string | null } | null;
  openedAt: Date;
  /** When a letter that names it was ordered; null: not yet. */
  toldAt: Date | null;
  doneAt: Date | null;
  doneBy: Actor | null;
  note: string | null;
}
