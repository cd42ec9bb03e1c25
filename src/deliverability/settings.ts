import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import type { Config } from '../config.js';
import type { Judgement } from './finding.js';
import type { Answer, MailExchange, PostAnswer } from './outside.js';

/*
 * PURE. What the settings say by themselves, and what the answers of mail exchangers and of our own
 * one-click address mean.
 */

/** The domain of an address as name servers know it. */
export function domainOf(address: string): string {
  const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase();
  return domainToASCII(domain) || domain;
}

/** The address that bounces go to, which is the envelope sender. */
export function envelopeSender({ bounceAddress, mailFrom }: Config): string {
  return bounceAddress ?? mailFrom.address;
}

/** The mailbox that people reach by replying. */
export function replyAddress({ mailReplyTo, mailFrom }: Config): string {
  return mailReplyTo ?? mailFrom.address;
}

/** A name that only this machine or this network knows. */
export function isLocalName(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '');
  if (isIP(name) !== 0) return isPrivateAddress(name);
  return !name.includes('.') || /\.(localhost|local|internal|lan|home\.arpa|test|invalid)$/.test(name);
}

function isPrivateAddress(ip: string): boolean {
  return (
    /^(127|10|0)\.|^192\.168\.|^172\.(1[6-9]|2\d|3[01])\.|^169\.254\./.test(ip) ||
    /^(::1?$|fe[89ab][0-9a-f]:|f[cd][0-9a-f]{2}:)/i.test(ip)
  );
}

export function judgeFrom({ mailFrom }: Config): Judgement {
  const facts = { address: mailFrom.address };
  return isLocalName(domainOf(mailFrom.address))
    ? { state: 'fault', code: 'local', facts }
    : { state: 'ok', code: 'ok', facts };
}

export function judgeReply(config: Config): Judgement {
  const address = replyAddress(config);
  const facts = { address };
  if (isLocalName(domainOf(address))) return { state: 'fault', code: 'local', facts };
  // The notice says "reply to this e-mail" to whoever wants to object.
  if (/^(no|do[-._]?not|not)[-._]?reply/i.test(address)) return { state: 'fault', code: 'noreply', facts };
  return { state: 'ok', code: config.mailReplyTo === null ? 'from' : 'ok', facts };
}

/** Ways by which bounces come back, as the names of their settings. */
export function judgeBounces(config: Config): Judgement {
  const ways = [
    ...(config.bounceImapUrl === null ? [] : ['BOUNCE_IMAP_URL']),
    ...(config.bounceListen === null ? [] : ['BOUNCE_LISTEN']),
    ...(config.snsTopicArns.length === 0 ? [] : ['SNS_TOPIC_ARNS']),
    ...(config.sendgridWebhookKey === null ? [] : ['SENDGRID_WEBHOOK_KEY']),
    ...(config.mailgunSigningKey === null ? [] : ['MAILGUN_SIGNING_KEY']),
  ];
  const facts = { address: envelopeSender(config), ways: ways.join(', ') };
  if (ways.length > 0) return { state: 'ok', code: 'ok', facts };
  return { state: 'warning', code: config.bounceAddress === null ? 'none' : 'unread', facts };
}

export function judgePublicUrl({ publicUrl }: Config): Judgement {
  const { protocol, hostname } = new URL(publicUrl);
  const facts = { url: publicUrl };
  if (isLocalName(hostname)) return { state: 'fault', code: 'local', facts };
  if (protocol !== 'https:') return { state: 'fault', code: 'plain', facts };
  return { state: 'ok', code: 'ok', facts };
}

/** Whether mail to a domain arrives somewhere (RFC 5321, 5.1; RFC 7505). */
export function judgeMailDomain(domain: string, mx: Answer<MailExchange>, addresses: Answer<string>): Judgement {
  const facts = { domain };
  if (mx.kind === 'unknown') return { state: 'unknown', code: 'silent', facts: { ...facts, because: mx.because } };
  if (mx.kind === 'found') {
    const hosts = [...mx.records].sort((a, b) => a.priority - b.priority).map(({ exchange }) => exchange);
    if (hosts.every((host) => host === '' || host === '.')) return { state: 'fault', code: 'null-mx', facts };
    return { state: 'ok', code: 'ok', facts: { ...facts, hosts: hosts.slice(0, 10).join(', ') } };
  }
  if (addresses.kind === 'unknown') {
    return { state: 'unknown', code: 'silent', facts: { ...facts, because: addresses.because } };
  }
  return addresses.kind === 'found'
    ? { state: 'ok', code: 'implicit', facts }
    : { state: 'fault', code: 'missing', facts };
}

const certificateFaults = /^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH)/;

/** @param proof what our own answer to the request holds, and nobody else's */
export function judgeOneClick(url: string, answer: PostAnswer, proof: { header: string; value: string }): Judgement {
  const facts = { url };
  if (answer.kind === 'failed') {
    const code = certificateFaults.test(answer.because) ? 'certificate' : 'unreachable';
    // A service behind a router may not reach its own public address; mail programs come from outside.
    return { state: code === 'certificate' ? 'fault' : 'unknown', code, facts: { ...facts, because: answer.because } };
  }
  const { status } = answer;
  const told = { ...facts, status };
  if (status >= 300 && status < 400) return { state: 'fault', code: 'redirect', facts: told };
  if (status < 200 || status >= 300) return { state: 'fault', code: 'refused', facts: told };
  if (answer.header(proof.header) !== proof.value) return { state: 'fault', code: 'foreign', facts: told };
  return { state: 'ok', code: 'ok', facts: told };
}
