import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { ListDocument } from '../list/document.js';

/*
 * PURE. The hash chain: each version's hash covers its document, its dates and the hash before it, so
 * that no published version can be altered without every later hash telling so. Anybody can check it
 * offline: the sealed facts are those of `/versions/N.json` without `state` and `hash`. `corrects` stands in
 * them only where a version corrects another, so that hashes from before there was such a thing stay.
 */

export interface SealedFacts {
  version: number;
  document: ListDocument;
  publishedAt: Date;
  effectiveAt: Date;
  objectionDeadline: Date | null;
  message: string | null;
  /** The version that it corrects. */
  corrects?: number | null | undefined;
  /** The hash of the version before; null for version 1. */
  previousHash: string | null;
}

/** SHA-256, in hexadecimal, over the canonical JSON (RFC 8785) of the facts; instants as in `toISOString`. */
export function seal(facts: SealedFacts): string {
  return canonicalHash(sealedForm(facts));
}

/** SHA-256, in hexadecimal, of a JSON value in its canonical form: the same for the same meaning. */
export function canonicalHash(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}

/** The canonical JSON (RFC 8785) of a JSON value: the same bytes for the same meaning. */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new Error('this value has no JSON form');
  return text;
}

export type ChainFault = { version: number; fault: 'hash-differs' | 'previous-hash-differs' | 'number-missing' };

/**
 * Checks the versions against their own hashes and each other.
 * @param versions in the order of their numbers, from version 1
 * @returns what does not agree; empty when the chain holds
 */
export function verifyChain(versions: readonly (SealedFacts & { hash: string })[]): ChainFault[] {
  const faults: ChainFault[] = [];
  let previous: string | null = null;
  versions.forEach((facts, index) => {
    if (facts.version !== index + 1) faults.push({ version: index + 1, fault: 'number-missing' });
    if (facts.previousHash !== previous) faults.push({ version: facts.version, fault: 'previous-hash-differs' });
    if (seal(facts) !== facts.hash) faults.push({ version: facts.version, fault: 'hash-differs' });
    previous = facts.hash;
  });
  return faults;
}

function sealedForm(facts: SealedFacts): Record<string, unknown> {
  return {
    version: facts.version,
    document: facts.document,
    publishedAt: facts.publishedAt.toISOString(),
    effectiveAt: facts.effectiveAt.toISOString(),
    objectionDeadline: facts.objectionDeadline?.toISOString() ?? null,
    message: facts.message,
    ...((facts.corrects ?? null) === null ? {} : { corrects: facts.corrects }),
    previousHash: facts.previousHash,
  };
}
