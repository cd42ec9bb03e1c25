import type { Config } from '../config.js';
import { readRelay } from '../deliveries/relay.js';
import type { Deps } from '../deps.js';
import { testLink, testLinkProof } from '../subscribers/test-link.js';
import { judgeDkim, keyName } from './dkim.js';
import { judgeDmarc } from './dmarc.js';
import { type Check, checks, type Finding, type Judgement, published } from './finding.js';
import type { Answer, Outside } from './outside.js';
import { selectLastAccepted } from './queries.js';
import {
  domainOf,
  envelopeSender,
  isLocalName,
  judgeBounces,
  judgeFrom,
  judgeMailDomain,
  judgeOneClick,
  judgePublicUrl,
  judgeReply,
  replyAddress,
} from './settings.js';
import { judgeSpf } from './spf.js';

/**
 * Looks at all that decides whether a notice arrives and can be answered: what name servers say of our
 * domains, whether our one-click address answers a POST from here, whether replies and bounces have
 * somewhere to go, and whether the relay takes mail. Writes nothing, sends no mail, takes seconds at most.
 */
export async function checkDeliverability(deps: Pick<Deps, 'db' | 'config'>, outside: Outside): Promise<Finding[]> {
  const { config } = deps;
  const found = await Promise.all([
    single('from', judgeFrom(config)),
    single('spf', spf(config, outside)),
    several('dkim', dkim(config, outside)),
    single('dmarc', dmarc(config, outside)),
    several('mail-domain', mailDomains(config, outside)),
    single('reply', judgeReply(config)),
    single('bounces', judgeBounces(config)),
    single('public-url', judgePublicUrl(config)),
    single('one-click', oneClick(config, outside)),
    single('relay', relay(deps)),
  ]);
  return found.flat().sort((a, b) => checks.indexOf(a.check) - checks.indexOf(b.check));
}

/** Whether something keeps notices from arriving, or people from answering. */
export function hasFault(findings: readonly Finding[]): boolean {
  return findings.some(({ state }) => state === 'fault');
}

async function single(check: Check, judgement: Judgement | Promise<Judgement>): Promise<Finding[]> {
  return [{ check, ...(await judgement) }];
}

async function several(check: Check, judgements: Promise<Judgement[]>): Promise<Finding[]> {
  return (await judgements).map((judgement) => ({ check, ...judgement }));
}

/** Nobody else knows such a name, so no name server is asked. */
function local(domain: string): Judgement {
  return { state: 'unknown', code: 'local', facts: { domain } };
}

async function spf(config: Config, { txt }: Outside): Promise<Judgement> {
  const domain = domainOf(envelopeSender(config));
  return isLocalName(domain) ? local(domain) : judgeSpf(domain, await txt(domain));
}

async function dkim({ dkim: signing }: Config, { txt }: Outside): Promise<Judgement[]> {
  if (signing === null) return [{ state: 'unknown', code: 'elsewhere', facts: {} }];
  return Promise.all(
    signing.keys.map(async ({ selector, privateKey }) => {
      const key = { domain: domainOf(signing.domain), selector, privateKey };
      return judgeDkim(key, await txt(keyName(key)));
    }),
  );
}

async function dmarc(config: Config, { txt }: Outside): Promise<Judgement> {
  const from = domainOf(config.mailFrom.address);
  if (isLocalName(from)) return local(from);
  // The walks for the three domains meet at the same names.
  const asked = new Map<string, Promise<Answer<string>>>();
  const once = (name: string) => {
    const answer = asked.get(name) ?? txt(name);
    asked.set(name, answer);
    return answer;
  };
  const signing = config.dkim === null ? null : domainOf(config.dkim.domain);
  return judgeDmarc(from, domainOf(envelopeSender(config)), signing, once);
}

async function mailDomains(config: Config, outside: Outside): Promise<Judgement[]> {
  const domains = new Set([envelopeSender(config), replyAddress(config)].map(domainOf));
  return Promise.all(
    [...domains].map(async (domain) => {
      if (isLocalName(domain)) return local(domain);
      const mx = await outside.mx(domain);
      return judgeMailDomain(domain, mx, mx.kind === 'none' ? await outside.addresses(domain) : { kind: 'none' });
    }),
  );
}

/** As a mail program sends it (RFC 8058, 3.2), with a link that names nobody. */
async function oneClick(config: Config, { post }: Outside): Promise<Judgement> {
  const url = `${config.publicUrl}/unsubscribe/${testLink(config.secretKeys, 'unsubscribe')}`;
  const answer = await post(url, { 'List-Unsubscribe': 'One-Click' });
  return judgeOneClick(`${config.publicUrl}/unsubscribe/…`, answer, testLinkProof);
}

async function relay(deps: Pick<Deps, 'db' | 'config'>): Promise<Judgement> {
  const [state, last] = [await readRelay(deps), await selectLastAccepted(deps.db)];
  const lastAcceptedAt = last ?? '';
  if (state.downSince !== null) {
    const facts = { since: state.downSince, says: published(state.fault ?? ''), lastAcceptedAt };
    return { state: 'fault', code: 'down', facts };
  }
  if (deps.config.smtpUrl === null) return { state: 'warning', code: 'mailbox', facts: { lastAcceptedAt } };
  return { state: last === null ? 'unknown' : 'ok', code: last === null ? 'untried' : 'ok', facts: { lastAcceptedAt } };
}
