import { recordAudit } from '../audit/record.js';
import type { Db } from '../database/query.js';
import { transaction } from '../database/transaction.js';
import { enqueueLetter } from '../deliveries/enqueue.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import type { Change } from '../list/change.js';
import type { ListDocument } from '../list/document.js';
import { changesInScope } from '../list/scope.js';
import { longText } from '../list/text-rules.js';
import { maskAddress } from '../mail/address.js';
import { readLink } from '../subscribers/tokens.js';
import { openTask } from '../tasks/open.js';
import type { Objection } from './objection.js';
import { holdPerson, insertObjection, selectObjection, selectObjectionOf, selectTold, type Told } from './queries.js';

/** What the page of an objection link shows; nothing is written to make it. */
export interface ObjectionForm {
  /**
   * - `open`: an objection can be sent.
   * - `received`: this person has objected to the version; `objection` is what they wrote.
   * - `closed`: the version was withdrawn, there is nothing left to object to.
   */
  state: 'open' | 'received' | 'closed';
  /** Masked: mails get forwarded. */
  address: string;
  version: number;
  publishedAt: Date;
  effectiveAt: Date;
  /** Null: no window was opened, since nothing material changes. */
  objectionDeadline: Date | null;
  /** The window has ended; an objection is taken down and marked. */
  late: boolean;
  /** What the person was told of, within the services that they use. */
  changes: Change[];
  before: ListDocument | null;
  after: ListDocument;
  objection: Objection | null;
}

/**
 * Reads the form behind an objection link.
 * @throws Refusal `token.unknown`
 */
export async function readObjectionForm(
  deps: Pick<Deps, 'db' | 'config' | 'now'>,
  token: string,
): Promise<ObjectionForm> {
  const told = await readTold(deps.db, deps.config.secretKeys, token);
  const objection = await selectObjectionOf(deps.db, told.subscriberId, told.version);
  return {
    state: objection !== null ? 'received' : told.withdrawnAt !== null ? 'closed' : 'open',
    address: maskAddress(told.email),
    version: told.version,
    publishedAt: told.publishedAt,
    effectiveAt: told.effectiveAt,
    objectionDeadline: told.objectionDeadline,
    late: isLate(told, deps.now()),
    changes: changesInScope(told.changes, told.services),
    before: told.before,
    after: told.after,
    objection,
  };
}

/**
 * A controller objects to a version (GDPR Art. 28(2)): without an account, by the link in the mail that
 * told them. A late objection is stored and marked, never refused. What was written first counts: a
 * second one changes nothing and gets the first as its answer (`again`).
 *
 * The subscriber gets a receipt by mail and the admins a task; deciding is `decideObjection` (decide.ts).
 * @param request `grounds`: their own words, at most 10,000 characters; may be empty, a contract may ask for none
 * @throws Refusal `token.unknown`, `objection.closed` (the version was withdrawn), `input.invalid` (path `grounds`)
 */
export async function object(
  deps: Pick<Deps, 'db' | 'config' | 'now'>,
  token: string,
  request: { grounds: string },
): Promise<{ objection: Objection; again: boolean }> {
  const grounds = readGrounds(request.grounds);
  return transaction(deps.db, async (tx) => {
    const at = deps.now();
    const told = await readTold(tx, deps.config.secretKeys, token);
    const earlier = await selectObjectionOf(tx, told.subscriberId, told.version);
    if (earlier !== null) return { objection: earlier, again: true };
    if (told.withdrawnAt !== null) {
      throw new Refusal(
        'objection.closed',
        `Version ${told.version} was withdrawn: there is nothing left to object to.`,
      );
    }
    const { deliveryId, subscriberId, version } = told;
    if (!(await holdPerson(tx, subscriberId))) throw unknownLink();
    const late = isLate(told, at);
    const id = await insertObjection(tx, { deliveryId, subscriberId, version, grounds, at, late });
    if (id === null) {
      // The same form sent twice at once: the other one was faster.
      const other = await selectObjectionOf(tx, subscriberId, version);
      if (other === null) throw new Error(`the objection of delivery ${deliveryId} is missing`);
      return { objection: other, again: true };
    }
    await recordAudit(tx, {
      at,
      actor: { kind: 'subscriber', id: subscriberId },
      action: 'objection.received',
      subject: `objection ${id}`,
      detail: { version, late },
    });
    const task = { subscriberId, subject: `objection ${id}`, detail: { version, late } };
    await openTask(tx, { kind: 'objection', ...task, at });
    await enqueueLetter(tx, {
      kind: 'objection-receipt',
      subscriberId,
      email: told.email,
      recipientHash: told.recipientHash,
      locale: told.locale,
      params: { objectionId: id },
      at,
    });
    const objection = await selectObjection(tx, id);
    if (objection === null) throw new Error(`objection ${id} is missing`);
    return { objection, again: false };
  });
}

async function readTold(db: Db, keys: readonly string[], token: string): Promise<Told> {
  const deliveryId = readLink(keys, 'objection', token);
  const told = deliveryId === null ? null : await selectTold(db, deliveryId);
  if (told === null) throw unknownLink();
  return told;
}

function unknownLink(): Refusal {
  return new Refusal('token.unknown', 'This link is not one of ours, or it was cut off.');
}

function isLate({ objectionDeadline }: Told, at: Date): boolean {
  return objectionDeadline !== null && at >= objectionDeadline;
}

function readGrounds(text: string): string {
  const parsed = longText.safeParse(text.replace(/\r\n?/g, '\n').trim());
  const fault = !parsed.success
    ? (parsed.error.issues[0]?.message ?? 'is malformed')
    : parsed.data.length > 10_000
      ? 'is longer than 10,000 characters'
      : null;
  if (!parsed.success || fault !== null) {
    throw new Refusal('input.invalid', `The grounds cannot be read: the text ${fault}.`, [
      { path: 'grounds', message: fault ?? 'is malformed' },
    ]);
  }
  return parsed.data;
}
