import { hkdfSync } from 'node:crypto';
import { type Actor, isSamePerson } from '../actor.js';
import { recordAudit } from '../audit/record.js';
import type { Db } from '../database/query.js';
import { type Tx, transaction } from '../database/transaction.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { countAttempt, forgetAttempts } from './attempts.js';
import {
  deleteFactor,
  insertFactor,
  selectFactor,
  selectRound,
  updateFactorSecret,
  useStep,
} from './factor-queries.js';
import { checkPassword, longestPassword } from './password.js';
import { type Admin, holdAdmin, selectAdmin } from './queries.js';
import { makeRecoveryCodes, recoveryCodesLeft, takeRecoveryCode } from './recovery-codes.js';
import { openSecret, sealSecret } from './sealed-secret.js';
import { deleteSessionsOf } from './session-queries.js';
import type { Session } from './sessions.js';
import { type ToldDeed, tellOwner } from './tell.js';
import { secretAsText, secretAsUri, secretBytes, stepOfCode } from './totp.js';

/*
 * The second factor: codes of an authenticator app (totp.ts), and recovery codes for the day when the device is gone.
 */

type FactorDeps = Pick<Deps, 'db' | 'now' | 'config'>;

/** How an account stands. */
export interface FactorState {
  /** Null: it has none. */
  since: Date | null;
  codesLeft: number;
}

export async function factorState(db: Db, adminId: number): Promise<FactorState> {
  const factor = await selectFactor(db, adminId);
  return { since: factor?.since ?? null, codesLeft: factor === null ? 0 : await recoveryCodesLeft(db, adminId) };
}

/**
 * What somebody puts into their app to set up a second factor. Nothing is stored until a code of it comes: the
 * secret is derived for the session, so that the page may be loaded again, and is another one the next time.
 */
export async function offeredSecret(
  deps: Pick<Deps, 'db' | 'config'>,
  session: Session,
): Promise<{ text: string; uri: string }> {
  const secret = await secretFor(deps, session);
  const account = { issuer: deps.config.companyName.replaceAll(':', ' '), label: session.email };
  return { text: secretAsText(secret), uri: secretAsUri(secret, account) };
}

/**
 * Sets up the second factor that the session was offered, once a code shows that the app has it. The other sessions of
 * the account end.
 * Refuses `code.wrong`, `rate.exceeded`, and `account.exists` when there is one already.
 * @returns the recovery codes, to be shown once
 */
export async function enrol(
  deps: FactorDeps,
  session: Session,
  { code, ip }: { code: string; ip: string },
): Promise<string[]> {
  const at = deps.now();
  const { actor } = session;
  const admin = await selectAdmin(deps.db, actor.id);
  const attempt = await countAttempt(deps, { ip, key: admin?.emailKey ?? null });
  const secret = await secretFor(deps, session);
  const step = stepOfCode(secret, digitsOf(code), at);
  if (step === null) throw wrongCode();
  return transaction(deps.db, async (tx) => {
    const held = await holdAdmin(tx, actor.id);
    if (held === null) throw new Refusal('session.missing', 'Sign in first.');
    const sealed = sealSecret(deps.config.secretKeys, ownerOf(actor.id), secret);
    if (!(await insertFactor(tx, { adminId: actor.id, secret: sealed, step, at }))) {
      throw new Refusal('account.exists', 'This account has a second factor already.');
    }
    const codes = await makeRecoveryCodes(tx, actor.id);
    // Whoever came in elsewhere has not shown it.
    await deleteSessionsOf(tx, actor.id, session.id);
    await tellOwner(tx, deps, held, 'factor-set-up');
    await forgetAttempts(tx, attempt, at);
    const subject = `admin ${actor.id}`;
    await recordAudit(tx, { at, actor, action: 'admin.second-factor-set-up', subject, detail: factorDetail(true) });
    return codes;
  });
}

/**
 * Takes a code of the app or a recovery code, in a transaction that holds the account. Each is good once.
 * @returns by what they have proven it; null when the code is wrong, or was used before
 */
export async function takeCode(
  tx: Tx,
  deps: Pick<Deps, 'now' | 'config'>,
  adminId: number,
  typed: string,
): Promise<'second-factor' | 'recovery-code' | null> {
  const at = deps.now();
  const factor = await selectFactor(tx, adminId);
  if (factor === null) return null;
  const digits = digitsOf(typed);
  if (!/^\d{6}$/.test(digits)) return (await takeRecoveryCode(tx, adminId, typed, at)) ? 'recovery-code' : null;
  const { secretKeys } = deps.config;
  const opened = openSecret(secretKeys, ownerOf(adminId), factor.secret);
  if (opened === null) return null;
  const step = stepOfCode(opened.secret, digits, at);
  if (step === null || !(await useStep(tx, adminId, step))) return null;
  if (opened.dated) await updateFactorSecret(tx, adminId, sealSecret(secretKeys, ownerOf(adminId), opened.secret));
  return 'second-factor';
}

/**
 * Whoever is signed in shows once more who they are, by password or by a code, before something that opens the
 * account to others. Counts as an attempt to sign in. Refuses `credentials.wrong` and `rate.exceeded`.
 */
export async function proveAgain(
  deps: FactorDeps,
  actor: Session['actor'],
  { secret, ip }: { secret: string; ip: string },
): Promise<void> {
  const at = deps.now();
  const admin = await selectAdmin(deps.db, actor.id);
  if (admin === null) throw new Refusal('session.missing', 'Sign in first.');
  const attempt = await countAttempt(deps, { ip, key: admin.emailKey });
  const isCode = await transaction(deps.db, async (tx) => {
    await holdAdmin(tx, admin.id);
    return (await takeCode(tx, deps, admin.id, secret)) !== null;
  });
  const right = isCode || (await isPassword(admin, secret));
  if (!right) throw new Refusal('credentials.wrong', 'This is neither the password nor a code of this account.');
  await transaction(deps.db, async (tx) => forgetAttempts(tx, attempt, at));
}

/** Switches off one's own second factor, after `proveAgain`. Refuses `factor.missing`. */
export async function endSecondFactor(deps: FactorDeps, actor: Session['actor']): Promise<void> {
  await transaction(deps.db, async (tx) => {
    const admin = await holdAdmin(tx, actor.id);
    if (admin === null) throw new Refusal('session.missing', 'Sign in first.');
    await dropFactor(tx, deps, { actor, admin, deed: 'factor-ended' });
  });
}

/** Ten recovery codes in place of all there were, after `proveAgain`. Refuses `factor.missing`. */
export async function renewRecoveryCodes(deps: FactorDeps, actor: Session['actor']): Promise<string[]> {
  const at = deps.now();
  return transaction(deps.db, async (tx) => {
    await holdAdmin(tx, actor.id);
    if ((await selectFactor(tx, actor.id)) === null) throw noFactor();
    const codes = await makeRecoveryCodes(tx, actor.id);
    await recordAudit(tx, { at, actor, action: 'admin.recovery-codes-renewed', subject: `admin ${actor.id}` });
    return codes;
  });
}

/**
 * Takes the second factor from somebody who has lost it; whoever is signed in to that account is no longer.
 * Refuses `account.missing`, `factor.missing`, and `account.own`, as one's own is switched off after `proveAgain` only.
 */
export async function resetSecondFactor(deps: FactorDeps, adminId: number, actor: Actor): Promise<void> {
  await transaction(deps.db, async (tx) => {
    const admin = await holdAdmin(tx, adminId);
    if (admin === null) throw new Refusal('account.missing', 'There is no such account.');
    if (isSamePerson(actor, { kind: 'admin', id: adminId, role: admin.role })) {
      throw new Refusal('account.own', 'Switch off your own second factor on the page of your account.');
    }
    await dropFactor(tx, deps, { actor, admin, deed: 'factor-reset' });
    await deleteSessionsOf(tx, adminId);
  });
}

async function dropFactor(
  tx: Tx,
  deps: FactorDeps,
  { actor, admin, deed }: { actor: Actor; admin: Admin; deed: ToldDeed & ('factor-ended' | 'factor-reset') },
): Promise<void> {
  if (!(await deleteFactor(tx, admin.id))) throw noFactor();
  await tellOwner(tx, deps, admin, deed);
  await recordAudit(tx, {
    at: deps.now(),
    actor,
    action: `admin.second-${deed}`,
    subject: `admin ${admin.id}`,
    detail: factorDetail(false),
  });
}

async function isPassword(admin: Admin, secret: string): Promise<boolean> {
  if (!admin.hasPassword) return false;
  return (await checkPassword(secret.slice(0, 4 * longestPassword), admin.passwordHash)).right;
}

async function secretFor(deps: Pick<Deps, 'db' | 'config'>, { name, actor }: Session): Promise<Buffer> {
  const [key] = deps.config.secretKeys;
  if (key === undefined) throw new Error('no SECRET_KEY');
  const round = await selectRound(deps.db, actor.id);
  return Buffer.from(hkdfSync('sha256', key, name, `subnotice offered secret ${actor.id} ${round}`, secretBytes));
}

function ownerOf(adminId: number): string {
  return `second factor of admin ${adminId}`;
}

/** Apps show codes in two groups. */
function digitsOf(typed: string): string {
  return typed.replace(/\s/g, '');
}

function factorDetail(after: boolean): Record<string, unknown> {
  return { before: !after ? 'second factor' : 'none', after: after ? 'second factor' : 'none' };
}

function wrongCode(): Refusal {
  return new Refusal('code.wrong', 'This code is not the right one at this time.');
}

function noFactor(): Refusal {
  return new Refusal('factor.missing', 'This account has no second factor.');
}
