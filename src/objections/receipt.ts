import { z } from 'zod';
import type { Db } from '../database/query.js';
import type { Change } from '../list/change.js';
import { changesInScope } from '../list/scope.js';
import type { Objection } from './objection.js';
import { selectObjection, selectTold } from './queries.js';

const receiptParams = z.object({ objectionId: z.number() });

export interface ReceiptData {
  objection: Objection;
  effectiveAt: Date;
  /** What the person was told of. */
  changes: Change[];
}

/**
 * For the letter `objection-receipt`.
 * @param params of the delivery
 * @returns null once the person is erased
 */
export async function receiptData(db: Db, params: unknown): Promise<ReceiptData | null> {
  const objection = await selectObjection(db, receiptParams.parse(params).objectionId);
  const told = objection === null ? null : await selectTold(db, objection.deliveryId);
  if (objection === null || told === null) return null;
  return { objection, effectiveAt: told.effectiveAt, changes: changesInScope(told.changes, told.services) };
}
