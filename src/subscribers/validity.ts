import type { TokenPurpose } from './tokens.js';

/** PURE. How long single-use links are good. */
const hour = 60 * 60_000;

export const lifeOf: Readonly<Record<TokenPurpose, number>> = {
  confirm: 48 * hour,
  'change-address': 48 * hour,
  manage: hour,
};

export interface Validity {
  purpose: TokenPurpose;
  createdAt: Date;
  /** The letter with the link is still on its way out. */
  underway: boolean;
  sentAt: Date | null;
}

/**
 * When the link ends: its life counts from when it was asked for or its letter went, whichever is
 * later. Null while the letter waits for a relay: nobody can have used it yet.
 */
export function endOf(token: Validity): Date | null {
  if (token.underway) return null;
  const from = Math.max(token.createdAt.getTime(), token.sentAt?.getTime() ?? 0);
  return new Date(from + lifeOf[token.purpose]);
}

export function hasEnded(token: Validity, at: Date): boolean {
  const end = endOf(token);
  return end !== null && end.getTime() <= at.getTime();
}
