import { type Judgement, published } from './finding.js';
import type { Answer } from './outside.js';

/*
 * PURE. The SPF record (RFC 7208) of the domain of the envelope sender. Whether the addresses of the relay
 * are among those that it allows cannot be told from here: only the relay's operator knows them.
 */

const mostLookUps = 10;
const isRecord = /^v=spf1(?: |$)/i;
const mechanism = /^([+?~-]?)(all|include|a|mx|ptr|ip4|ip6|exists)((?:[:/].*)?)$/i;
const modifier = /^([a-z][a-z0-9._-]*)=(.*)$/i;
/** Terms that cost the receiver a look-up (4.6.4); those inside an include count as well, and are not seen here. */
const costs: ReadonlySet<string> = new Set(['include', 'a', 'mx', 'ptr', 'exists']);

/** Judges the TXT records of a domain. */
export function judgeSpf(domain: string, answer: Answer<string>): Judgement {
  if (answer.kind === 'unknown')
    return { state: 'unknown', code: 'silent', facts: { domain, because: answer.because } };
  const records = answer.kind === 'none' ? [] : answer.records.filter((record) => isRecord.test(record));
  const [record] = records;
  if (record === undefined) return { state: 'fault', code: 'missing', facts: { domain } };
  if (records.length > 1) return { state: 'fault', code: 'several', facts: { domain, count: records.length } };

  const { wrong, lookUps, end } = readTerms(record);
  const facts = { domain, record: published(record), lookUps, end };
  if (wrong !== null) return { state: 'fault', code: 'syntax', facts: { ...facts, term: published(wrong) } };
  if (lookUps > mostLookUps) return { state: 'fault', code: 'costly', facts };
  if (end === '+all') return { state: 'fault', code: 'open', facts };
  if (end === '?all') return { state: 'warning', code: 'neutral', facts };
  if (end === '') return { state: 'warning', code: 'endless', facts };
  return { state: 'ok', code: 'ok', facts };
}

/** `end`: how the record ends, such as `-all` or `redirect=…`; empty if it says nothing of everybody else. */
function readTerms(record: string): { wrong: string | null; lookUps: number; end: string } {
  let lookUps = 0;
  let end = '';
  let redirect: string | null = null;
  for (const term of record.split(/ +/).slice(1)) {
    if (term === '') continue;
    const [, qualifier = '', name = '', argument = ''] = mechanism.exec(term) ?? [];
    if (name === '') {
      const [, key = '', value = ''] = modifier.exec(term) ?? [];
      if (key === '') return { wrong: term, lookUps, end };
      if (key.toLowerCase() === 'redirect') redirect = value;
      continue;
    }
    const kind = name.toLowerCase();
    const needsArgument = ['include', 'exists', 'ip4', 'ip6'].includes(kind);
    if (needsArgument !== /^:./.test(argument) && (needsArgument || kind === 'all'))
      return { wrong: term, lookUps, end };
    if (kind === 'all' && argument !== '') return { wrong: term, lookUps, end };
    // What stands behind "all" is never looked at.
    if (end !== '') continue;
    if (costs.has(kind)) lookUps += 1;
    if (kind === 'all') end = `${qualifier === '' ? '+' : qualifier}all`;
  }
  if (end !== '' || redirect === null) return { wrong: null, lookUps, end };
  return { wrong: null, lookUps: lookUps + 1, end: `redirect=${published(redirect)}` };
}
