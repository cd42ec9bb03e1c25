import type { Tx } from '../database/transaction.js';
import { enqueueLetters } from '../deliveries/enqueue.js';
import { newSecret } from './form-letters.js';
import type { ImportDeps, Person } from './import-batch.js';
import { insertTokens, isWindowOpen, setTokenDeliveries } from './import-queries.js';

/* The two letters that an import writes, each for many people in one statement. */

/**
 * Whoever is confirmed while a version is announced is told of it by the welcome, as after the form: its
 * notice went to those who were there before. Without an open window an import writes to nobody.
 */
export async function tellOpenWindow(tx: Tx, deps: ImportDeps, people: readonly Person[], at: Date): Promise<void> {
  if (people.length === 0 || !(await isWindowOpen(tx, at))) return;
  await enqueueLetters(
    tx,
    people.map(({ id, row, emailHash, subscriber }) => ({
      kind: 'welcome' as const,
      subscriberId: id,
      email: subscriber?.email ?? row.email,
      recipientHash: emailHash,
      locale: row.locale ?? subscriber?.locale ?? deps.texts.default,
      params: {},
      at,
    })),
  );
}

/** Whoever the file does not confirm is asked by mail. */
export async function askToConfirm(tx: Tx, deps: ImportDeps, people: readonly Person[], at: Date): Promise<void> {
  if (people.length === 0) return;
  const letters = people.map(({ id, row, emailHash, subscriber }) => {
    const locale = row.locale ?? subscriber?.locale ?? deps.texts.default;
    return { id, locale, email: subscriber?.email ?? row.email, emailHash, row };
  });
  const tokenIds = await insertTokens(
    tx,
    letters.map(({ id, locale, row }) => ({
      ...newSecret(deps.config.secretKeys, 'confirm'),
      subscriberId: id,
      detail: {
        company: row.company,
        locale,
        services: row.services,
        evidence: { via: 'import', requestedAt: at.toISOString() },
      },
    })),
    at,
  );
  const deliveries = await enqueueLetters(
    tx,
    letters.map(({ id, locale, email, emailHash }, place) => ({
      kind: 'confirmation' as const,
      subscriberId: id,
      email,
      recipientHash: emailHash,
      locale,
      params: { tokenId: tokenIds[place] },
      at,
    })),
  );
  await setTokenDeliveries(tx, tokenIds, deliveries);
}
