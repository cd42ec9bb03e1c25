import { z } from 'zod';
import type { Deps } from '../deps.js';
import { maskAddress } from '../mail/address.js';
import { findSubscriber } from './queries.js';
import { standingOf } from './standing.js';
import { findTokenById, type StoredToken } from './token-queries.js';
import { signLink, tokenOfNonce } from './tokens.js';
import { hasEnded } from './validity.js';

/*
 * What letters to subscribers need, looked up at the moment when they are sent: links are made then,
 * and are stored nowhere. Each function gets the delivery's `params`, as `enqueueLetter` was given them.
 */

const tokenParams = z.object({ tokenId: z.number() });

export interface LinkData {
  /** 22 characters, for the path of the link. */
  token: string;
  requestedAt: Date;
}

export interface ConfirmationData extends LinkData {
  /** A subscription, or another address for one: the letter then goes to the new address. */
  purpose: 'confirm' | 'change-address';
}

/**
 * For the letter `confirmation`.
 * @returns null when there is nothing left to confirm: the person has done it, has left, or is gone
 */
export async function confirmationData(
  deps: Pick<Deps, 'db' | 'config' | 'now'>,
  params: unknown,
): Promise<ConfirmationData | null> {
  const stored = await findTokenById(deps.db, tokenParams.parse(params).tokenId);
  if (stored === null) return null;
  const { state, purpose } = standingOf(stored, await findSubscriber(deps.db, stored.subscriberId), deps.now());
  if (state !== 'open' || purpose === null) return null;
  const link = linkData(deps, stored);
  return link === null ? null : { ...link, purpose };
}

/** For the letter `manage-link`. @returns null when the link is of no use any more */
export async function manageLinkData(
  deps: Pick<Deps, 'db' | 'config' | 'now'>,
  params: unknown,
): Promise<LinkData | null> {
  const stored = await findTokenById(deps.db, tokenParams.parse(params).tokenId);
  if (stored === null || stored.usedAt !== null || hasEnded(stored, deps.now())) return null;
  return linkData(deps, stored);
}

const movedParams = z.object({ movedTo: z.number() });

/** For the letter `address-changed`, to the old address. @returns null once the person is gone */
export async function addressChangedData(
  deps: Pick<Deps, 'db'>,
  params: unknown,
): Promise<{ maskedAddress: string } | null> {
  const subscriber = await findSubscriber(deps.db, movedParams.parse(params).movedTo);
  return subscriber === null ? null : { maskedAddress: maskAddress(subscriber.email) };
}

/**
 * The signed links of a subscriber, for the letters `already-subscribed`, `welcome` and
 * `address-changed`, and for notices.
 */
export function subscriberLinks(
  config: Pick<Deps['config'], 'secretKeys'>,
  subscriberId: number,
): { unsubscribe: string; preferences: string } {
  return {
    unsubscribe: signLink(config.secretKeys, 'unsubscribe', subscriberId),
    preferences: signLink(config.secretKeys, 'preferences', subscriberId),
  };
}

/** Null when SECRET_KEY was replaced and the old one taken away while the letter waited. */
function linkData(deps: Pick<Deps, 'config'>, stored: StoredToken): LinkData | null {
  const token = tokenOfNonce(deps.config.secretKeys, stored.purpose, stored.nonce, stored.tokenHash);
  if (token === null) return null;
  return { token, requestedAt: stored.createdAt };
}
