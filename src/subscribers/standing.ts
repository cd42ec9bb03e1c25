import { z } from 'zod';
import { maskAddress } from '../mail/address.js';
import type { Subscriber } from './queries.js';
import type { StoredToken } from './token-queries.js';
import { hasEnded } from './validity.js';

/** PURE. What a confirming link means for the person as they are. */
export type ConfirmState =
  /** Confirming is possible: show the button. */
  | 'open'
  /** Confirmed, now or earlier, by this link or another: all is well. */
  | 'confirmed'
  /** The link's time is over; the person asks again. */
  | 'expired'
  /** The link has done its work and the person has left since, or an admin has closed the address. */
  | 'used'
  /** Not one of ours. */
  | 'unknown';

export interface Confirmation {
  state: ConfirmState;
  /** What the link is for; null when it is unknown. */
  purpose: 'confirm' | 'change-address' | null;
  /** Whom it concerns, masked; for a change of address the new one. */
  address: string | null;
}

export const unknownLink: Confirmation = { state: 'unknown', purpose: null, address: null };

const newAddress = z.object({ email: z.string(), emailKey: z.string() });

/** The address that a `change-address` link leads to. */
export function newAddressOf(stored: Pick<StoredToken, 'detail'>): z.infer<typeof newAddress> {
  return newAddress.parse(stored.detail);
}

export function standingOf(stored: StoredToken, subscriber: Subscriber | null, at: Date): Confirmation {
  const { purpose } = stored;
  if (subscriber === null || purpose === 'manage') return unknownLink;
  const address = maskAddress(purpose === 'confirm' ? subscriber.email : newAddressOf(stored).email);
  const tell = (state: ConfirmState): Confirmation => ({ state, purpose, address });

  if (purpose === 'confirm') {
    // Also by a link that was not used: of two mails one is enough.
    if (subscriber.status === 'confirmed' && subscriber.suppression === null) return tell('confirmed');
    if (subscriber.suppression === 'admin') return tell('used');
  } else if (stored.usedAt !== null) {
    // Used by the change itself, or ended by leaving: only the address tells which.
    return tell(subscriber.emailKey === newAddressOf(stored).emailKey ? 'confirmed' : 'used');
  }
  if (stored.usedAt !== null) return tell('used');
  return tell(hasEnded(stored, at) ? 'expired' : 'open');
}
