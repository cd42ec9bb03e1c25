import type { Tx } from '../database/transaction.js';
import { wake } from '../database/wake.js';
import type { LetterKind } from './delivery.js';
import { insertLetters } from './queries.js';

export interface Letter {
  kind: LetterKind;
  /** Null for a letter to somebody who is no subscriber. */
  subscriberId: number | null;
  email: string;
  /** `emailHash` of the address: the proof that outlives an erasure. */
  recipientHash: Buffer;
  locale: string;
  /** Ids only: what is composed from them is looked up when the letter is sent. */
  params: object;
  at: Date;
}

/**
 * Puts one letter into the outbox, in the caller's transaction: it is sent if and only if what
 * caused it is committed.
 * @returns the id of the delivery
 */
export async function enqueueLetter(tx: Tx, letter: Letter): Promise<number> {
  const [id] = await enqueueLetters(tx, [letter]);
  if (id === undefined) throw new Error('the letter was not inserted');
  return id;
}

/**
 * Puts any number of letters into the outbox in one statement.
 * @returns the ids of the deliveries, in the order of the letters
 */
export async function enqueueLetters(tx: Tx, letters: readonly Letter[]): Promise<number[]> {
  if (letters.length === 0) return [];
  const ids = await insertLetters(tx, letters);
  await wake(tx, 'deliveries');
  return ids;
}
