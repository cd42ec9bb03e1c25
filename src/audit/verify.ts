import type { Db } from '../database/query.js';
import { type ChainFault, type ChainLink, createChainCheck } from './chain.js';
import { selectSealed, selectUnsealed } from './queries.js';

const batch = 1_000;
const mostUnsealed = 100;

/** The chain of the audit log, oldest first, read in batches: each link with the entry as it is now. */
export async function* readChain(db: Db): AsyncGenerator<ChainLink> {
  let after = 0;
  for (;;) {
    const links = await selectSealed(db, after, batch);
    for (const { entry: _, ...link } of links) yield link;
    const last = links.at(-1);
    if (last === undefined || links.length < batch) return;
    after = last.position;
  }
}

/** What a check of the audit log found. */
export interface AuditVerdict {
  links: number;
  /** The last hash; null for an empty log. Kept elsewhere, it shows later that nothing was cut off. */
  head: string | null;
  faults: ChainFault[];
  /** Numbers of entries without a seal, the first hundred. */
  unsealed: number[];
  /** Whether the hash that was asked for is in the chain; null: none was. */
  expected: boolean | null;
}

/** Checks links from wherever they come, and that `expect` is the hash of one of them. */
export async function verifyLinks(
  links: AsyncIterable<ChainLink> | Iterable<ChainLink>,
  expect: string | null,
): Promise<Omit<AuditVerdict, 'unsealed'>> {
  const check = createChainCheck();
  let found = false;
  for await (const link of links) {
    check.check(link);
    found ||= link.hash === expect;
  }
  return { ...check.result(), expected: expect === null ? null : found };
}

/** Checks the whole audit log of a database against its seals. */
export async function verifyAudit(db: Db, expect: string | null = null): Promise<AuditVerdict> {
  const verdict = await verifyLinks(readChain(db), expect);
  return { ...verdict, unsealed: await selectUnsealed(db, mostUnsealed) };
}
