import { recordAudit } from '../audit/record.js';
import { transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { countAttempt, forgetAttempts } from './attempts.js';
import { revokeResetsOf } from './link-queries.js';
import { checkPassword, hashPassword, longestPassword, refuseWeak } from './password.js';
import { holdAdmin, selectAdmin, updatePasswordHash } from './queries.js';
import { deleteSessionsOf } from './session-queries.js';
import type { Session } from './sessions.js';
import { tellOwner } from './tell.js';

/**
 * Changes one's own password; every other session of the account ends, and every link to a new one.
 * Refuses `credentials.wrong` for the current one, `rate.exceeded`, and `password.weak`.
 */
export async function changePassword(
  deps: Pick<Deps, 'db' | 'now' | 'config'>,
  session: Session,
  request: { current: string; fresh: string; ip: string },
): Promise<void> {
  const at = deps.now();
  const { actor } = session;
  const admin = await selectAdmin(deps.db, actor.id);
  if (admin === null) throw new Refusal('session.missing', 'Sign in first.');
  const attempt = await countAttempt(deps, { ip: request.ip, key: admin.emailKey });
  const current = request.current.slice(0, 4 * longestPassword);
  const { right } = await checkPassword(current, admin.hasPassword ? admin.passwordHash : null);
  if (!right) throw new Refusal('credentials.wrong', 'This is not the current password.');
  refuseWeak(request.fresh, admin.email);
  const passwordHash = await hashPassword(request.fresh);
  await transaction(deps.db, async (tx) => {
    const held = await holdAdmin(tx, admin.id);
    if (held?.passwordHash !== admin.passwordHash) throw new Refusal('session.missing', 'Sign in first.');
    await updatePasswordHash(tx, admin.id, passwordHash);
    await revokeResetsOf(tx, admin.id, at);
    await forgetAttempts(tx, attempt, at);
    await tellOwner(tx, deps, held, 'password-changed');
    const sessionsEnded = await deleteSessionsOf(tx, admin.id, session.id);
    const subject = `admin ${admin.id}`;
    await recordAudit(tx, { at, actor, action: 'admin.password-changed', subject, detail: { sessionsEnded } });
  });
}
