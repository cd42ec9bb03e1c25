import type { PreparedMessage } from '../mail/message.js';

/*
 * The words of the outbox. A delivery is one notice or letter to one address: the work to be done,
 * and afterwards the proof that it was done.
 */

export const deliveryStates = ['queued', 'sending', 'sent', 'deferred', 'bounced', 'failed', 'suppressed'] as const;
export type DeliveryState = (typeof deliveryStates)[number];

/** Mail that is no notice; each kind has its data function in `contents.ts`. */
export const letterKinds = [
  'confirmation',
  'already-subscribed',
  'welcome',
  'manage-link',
  'address-changed',
  'objection-receipt',
  'admin-tasks',
  'test-notice',
  'admin-invitation',
  'admin-reset',
  'admin-changed',
] as const;
export type LetterKind = (typeof letterKinds)[number];

/** A delivery that is about to be sent, as its content sees it. */
export interface DeliveryAtHand {
  id: number;
  kind: 'notice' | LetterKind;
  noticeId: number | null;
  subscriberId: number | null;
  email: string;
  locale: string;
  params: Record<string, unknown>;
  /** The subscriber's services at this moment; null for all of them. */
  services: string[] | null;
  /** Whether they asked to be told, or their contract says so. */
  why: 'voluntary' | 'contractual';
  createdAt: Date;
}

/** A composed message and what goes into its slots for this recipient. */
export interface Content {
  message: PreparedMessage;
  slots: Partial<Record<'unsubscribe' | 'preferences' | 'objection', string>>;
}

/**
 * What is in a delivery: its message, or null when there is nothing left to say (a link that was
 * replaced, a person who is gone); it is suppressed then.
 */
export type ContentOf = (delivery: DeliveryAtHand) => Promise<Content | null>;
