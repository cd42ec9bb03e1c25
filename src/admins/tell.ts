import type { Tx } from '../database/transaction.js';
import { enqueueLetter } from '../deliveries/enqueue.js';
import type { Deps } from '../deps.js';
import { emailHash } from '../subscribers/tokens.js';
import type { Admin } from './queries.js';

/** What the owner of an account is told of by mail, since somebody else may have done it (ASVS 6.3.7). */
export const toldDeeds = [
  'password-changed',
  'password-reset',
  'factor-set-up',
  'factor-ended',
  'factor-reset',
  'recovery-code-used',
  'codes-refused',
] as const;
export type ToldDeed = (typeof toldDeeds)[number];

/** A letter to the owner of an account, in the transaction of the deed. */
export async function tellOwner(
  tx: Tx,
  deps: Pick<Deps, 'config' | 'now'>,
  { email, emailKey, locale }: Admin,
  deed: ToldDeed,
): Promise<void> {
  const at = deps.now();
  await enqueueLetter(tx, {
    kind: 'admin-changed',
    subscriberId: null,
    email,
    recipientHash: emailHash(deps.config.secretKeys, emailKey),
    locale: locale ?? 'en',
    params: { deed, at: at.toISOString() },
    at,
  });
}
