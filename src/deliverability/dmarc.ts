import { type Judgement, published } from './finding.js';
import type { Answer } from './outside.js';

/*
 * DMARC (RFC 9989): the policy of the From domain, and whether the domains of SPF and DKIM are aligned with
 * it. Organizational domains are found by the tree walk of its section 4.10; no list of suffixes is needed.
 */

type Txt = (name: string) => Promise<Answer<string>>;

interface DmarcRecord {
  domain: string;
  text: string;
  tags: Map<string, string>;
}

type Walk = { kind: 'walked'; records: DmarcRecord[]; several: string | null } | { kind: 'unknown'; because: string };

/** Longest name that is asked for as it is; longer ones are cut to seven labels first. */
const mostLabels = 8;

/**
 * Judges the DMARC policy of `from`.
 * @param spf the domain of the envelope sender
 * @param dkim the domain that signs here; null: nobody signs here, so the relay has to
 */
export async function judgeDmarc(from: string, spf: string, dkim: string | null, txt: Txt): Promise<Judgement> {
  const walked = await walk(from, txt);
  if (walked.kind === 'unknown')
    return { state: 'unknown', code: 'silent', facts: { domain: from, because: walked.because } };
  if (walked.several !== null) return { state: 'fault', code: 'several', facts: { domain: walked.several } };
  const found = policyRecord(from, walked.records);
  if (found === null) return { state: 'warning', code: 'missing', facts: { domain: from } };

  const org = organizationalDomain(from, walked.records);
  const { tags } = found;
  const policy = policyOf(found, from);
  const [spfAligned, dkimAligned] = await Promise.all([
    isAligned(spf, from, org, tags.get('aspf') === 's', txt),
    dkim === null ? null : isAligned(dkim, from, org, tags.get('adkim') === 's', txt),
  ]);
  const facts = {
    domain: from,
    policy,
    record: published(found.text),
    at: `_dmarc.${found.domain}`,
    spf,
    spfAligned: told(spfAligned),
    dkim: dkim ?? '',
    dkimAligned: dkim === null ? 'unknown' : told(dkimAligned),
  };
  if (dkim === null) {
    if (spfAligned === true) return { state: 'ok', code: 'relay-signs', facts };
    return { state: spfAligned === null ? 'unknown' : 'warning', code: 'relay-decides', facts };
  }
  if (dkimAligned === true) {
    // DKIM alone is enough, and unlike SPF it outlives forwarding.
    if (policy === 'none') return { state: 'ok', code: 'watching', facts };
    return { state: 'ok', code: spfAligned === false ? 'dkim-only' : 'ok', facts };
  }
  if (dkimAligned === null) return { state: 'unknown', code: 'unclear', facts };
  if (spfAligned === true) return { state: 'warning', code: 'spf-only', facts };
  return { state: policy === 'none' ? 'warning' : 'fault', code: 'unaligned', facts };
}

function told(aligned: boolean | null): string {
  return aligned === null ? 'unknown' : aligned ? 'yes' : 'no';
}

/** Asks at a domain and then upwards; the records that count, from the longest name to the shortest. */
async function walk(domain: string, txt: Txt): Promise<Walk> {
  const records: DmarcRecord[] = [];
  let several: string | null = null;
  for (const name of stepsOf(domain)) {
    const answer = await txt(`_dmarc.${name}`);
    if (answer.kind === 'unknown') return answer;
    const valid = answer.kind === 'none' ? [] : answer.records.filter((text) => /^v=DMARC1\s*(;|$)/.test(text));
    // Of several none counts; at the From domain itself that is worth telling.
    if (valid.length > 1 && name === domain) several = name;
    const [text] = valid;
    if (text === undefined || valid.length > 1) continue;
    const tags = tagsOf(text);
    records.push({ domain: name, text, tags });
    if (tags.get('psd') === 'n' || (tags.get('psd') === 'y' && name !== domain)) break;
  }
  return { kind: 'walked', records, several };
}

function stepsOf(domain: string): string[] {
  const labels = domain.split('.');
  const steps = [domain];
  let rest = labels.length >= mostLabels ? labels.slice(1 - mostLabels) : labels.slice(1);
  for (; rest.length > 0; rest = rest.slice(1)) steps.push(rest.join('.'));
  return steps;
}

/** Section 4.10.2. */
function organizationalDomain(domain: string, records: readonly DmarcRecord[]): string {
  for (const record of records) {
    const psd = record.tags.get('psd');
    if (psd === 'n') return record.domain;
    if (psd === 'y' && record.domain !== domain) {
      const below = domain.split('.').length - record.domain.split('.').length - 1;
      return domain.split('.').slice(below).join('.');
    }
  }
  return records.at(-1)?.domain ?? domain;
}

/** The record that rules: that of the domain itself, else of its organizational domain, else of the suffix. */
function policyRecord(domain: string, records: readonly DmarcRecord[]): DmarcRecord | null {
  const at = (name: string) => records.find((record) => record.domain === name && isUsable(record));
  return at(domain) ?? at(organizationalDomain(domain, records)) ?? records.findLast(isUsable) ?? null;
}

const policies: ReadonlySet<string> = new Set(['none', 'quarantine', 'reject']);

/** A record without a policy that can be read counts only where reports are wanted, as `p=none`. */
function isUsable({ tags }: DmarcRecord): boolean {
  return policies.has(tags.get('p')?.toLowerCase() ?? '') || tags.has('rua');
}

function policyOf({ domain, tags }: DmarcRecord, from: string): string {
  const own = tags.get('p')?.toLowerCase() ?? '';
  const wanted = domain === from ? own : (tags.get('sp')?.toLowerCase() ?? own);
  return policies.has(wanted) ? wanted : 'none';
}

/** Null: no name server answers. */
async function isAligned(
  domain: string,
  from: string,
  org: string,
  strict: boolean,
  txt: Txt,
): Promise<boolean | null> {
  if (domain === from) return true;
  if (strict) return false;
  // Domains of one organization end alike; those that do not need no walk.
  if (domain !== org && !domain.endsWith(`.${org}`)) return false;
  const walked = await walk(domain, txt);
  return walked.kind === 'unknown' ? null : organizationalDomain(domain, walked.records) === org;
}

function tagsOf(text: string): Map<string, string> {
  return new Map(
    text.split(';').flatMap((part): [string, string][] => {
      const at = part.indexOf('=');
      return at < 0 ? [] : [[part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim()]];
    }),
  );
}
