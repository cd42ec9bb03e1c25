import type { Texts } from '../texts.js';
import type { Finding } from './finding.js';

/** PURE. A finding in words: what was found, and what to do about it; null where nothing is to be done. */
export function wordsOf({ check, code, facts }: Finding, texts: Texts): { says: string; todo: string | null } {
  const values = Object.fromEntries(
    Object.entries(facts).map(([name, fact]) => [name, fact instanceof Date ? texts.moment(fact) : fact]),
  );
  const key = `deliverability.found.${check}.${code}`;
  return {
    says: texts.t(`${key}.says`, values),
    todo: texts.has(`${key}.todo`) ? texts.t(`${key}.todo`, values) : null,
  };
}
