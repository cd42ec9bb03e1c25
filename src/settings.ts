import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { z } from 'zod';
import type { Role } from './actor.js';

/*
 * How the text of a setting is read. Each reader gives its value, or says in one sentence what is wrong
 * and how to mend it; config.ts knows their names and defaults.
 */

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Shortest key that signs links and sessions, in characters. */
export const shortestSecret = 32;

/** A setting: `read` gives its value, or a `Wrong` that says what is wrong and how to mend it. */
export function setting<T>(read: (text: string) => T | Wrong): z.ZodType<T, string> {
  return z.string().transform((text, context) => {
    const value = read(text.trim());
    if (!(value instanceof Wrong)) return value;
    context.addIssue({ code: 'custom', message: value.message });
    return z.NEVER;
  });
}

/** What is wrong with the text of a setting, and how to mend it. */
export class Wrong extends Error {}

export function number(options: { min: number; max: number; whole: boolean }) {
  const kind = options.whole ? 'a whole number' : 'a number';
  const sentence = `is not ${kind} from ${options.min} to ${options.max}; write one, such as ${Math.ceil(options.min)}`;
  return setting((text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    const fits = value >= options.min && value <= options.max && (!options.whole || Number.isInteger(value));
    return fits ? value : new Wrong(`${quoted(text)} ${sentence}`);
  });
}

export const port = number({ min: 1, max: 65_535, whole: true });
export const days = number({ min: 0, max: 3_650, whole: true });

export const host = setting((text) =>
  isIP(text) !== 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(text)
    ? text
    : new Wrong(`${quoted(text)} is not an address or a host name; write one, such as 127.0.0.1`),
);

export const publicUrl = setting((text) => {
  const mend = 'write one such as https://example.org/trust';
  const url = parseUrl(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    return new Wrong(`${quoted(text)} is not an http or https URL; ${mend}`);
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    return new Wrong(`a base URL has no query, fragment, user name or password; ${mend}`);
  }
  return url.href.replace(/\/+$/, '');
});

// The text of these URLs holds a password: no message repeats it.
export const databaseUrl = setting((text) => {
  const url = parseUrl(text);
  return url !== null && ['postgres:', 'postgresql:'].includes(url.protocol)
    ? text
    : new Wrong('is not a PostgreSQL connection string; write one such as postgresql://user:password@host:5432/name');
});

export const smtpUrl = setting((text) => {
  const url = parseUrl(text);
  return url !== null && ['smtp:', 'smtps:'].includes(url.protocol) && url.hostname !== ''
    ? text
    : new Wrong('is not the URL of a mail relay; write one such as smtp://user:password@host:587 or smtps://host:465');
});

const mailbox = /^[^\s@<>()[\]\\,;:"]+@[^\s@<>()[\]\\,;:"]+$/;

export const mailFrom = setting((text) => {
  const mend = 'write one such as Sub-processor notices <notices@example.org>';
  if (hasControls(text)) return new Wrong(`holds a line break or another control character; ${mend}`);
  const parts = /^(?<name>[^<>]*)<(?<address>[^<>]+)>$/.exec(text)?.groups;
  const address = (parts?.address ?? text).trim();
  const name = (parts?.name ?? '').trim().replace(/^"(.*)"$/, '$1');
  return mailbox.test(address) ? { name, address } : new Wrong(`${quoted(text)} is not one sender; ${mend}`);
});

export const emailAddress = setting((text) =>
  mailbox.test(text) && !hasControls(text)
    ? text
    : new Wrong(`${quoted(text)} is not a mail address; write one such as privacy@example.org`),
);

export const secretKeys = setting((text) => {
  const keys = text.split(',').map((key) => key.trim());
  return keys.every((key) => key.length >= shortestSecret)
    ? keys
    : new Wrong(
        `each key needs at least ${shortestSecret} characters; make one by: node -p "crypto.randomBytes(32).toString('base64url')"`,
      );
});

export function secret(shortest: number) {
  return setting((text) => {
    if (text.length < shortest) return new Wrong(`has fewer than ${shortest} characters; choose a longer one`);
    return hasControls(text) ? new Wrong('holds a line break or another control character; take it out') : text;
  });
}

export const trustProxy = setting((text) => {
  if (text.toLowerCase() === 'off') return [];
  const entries = text.split(/[\s,]+/).filter((entry) => entry !== '');
  const wrong = entries.find((entry) => !isProxy(entry));
  return wrong === undefined
    ? entries
    : new Wrong(
        `${quoted(wrong)} is not an IP address or range; list those of your proxies, such as 10.0.0.1, 192.168.0.0/16`,
      );
});

function isProxy(entry: string): boolean {
  if (['loopback', 'linklocal', 'uniquelocal'].includes(entry)) return true;
  const [address = '', bits] = entry.split('/', 2);
  const family = isIP(address);
  if (family === 0) return false;
  return bits === undefined || (/^\d+$/.test(bits) && Number(bits) >= 1 && Number(bits) <= (family === 4 ? 32 : 128));
}

export const companyName = setting((text) => {
  if (hasControls(text))
    return new Wrong('holds a line break or another control character; write the name on one line');
  return text.length <= 200 ? text : new Wrong('is longer than 200 characters; write a shorter name');
});

export const timeZone = setting((text) => {
  const wrong = new Wrong(`${quoted(text)} is not a time zone; write a name such as Europe/Brussels or UTC`);
  // An offset has no changes of the clock, so deadlines would be an hour off half the year.
  if (/^[+-]/.test(text)) return wrong;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone;
  } catch {
    return wrong;
  }
});

/** Shortest RSA key that verifiers are bound to believe for years to come, in bits (RFC 8301, 3.2 asks for it). */
const shortestRsaKey = 2_048;

/** Private keys for DKIM, from PEM files by comma. */
export const keyFiles = setting((text) => {
  const keys: string[] = [];
  for (const path of listed(text)) {
    const key = readKey(path);
    if (key instanceof Wrong) return key;
    keys.push(key);
  }
  return keys;
});

function readKey(path: string): string | Wrong {
  try {
    const pem = readFileSync(path, 'utf8');
    const { asymmetricKeyType, asymmetricKeyDetails } = createPrivateKey(pem);
    if (asymmetricKeyType === 'ed25519') return pem;
    if (asymmetricKeyType !== 'rsa')
      return new Wrong(`${quoted(path)} is a ${asymmetricKeyType ?? 'secret'} key; DKIM knows RSA and Ed25519`);
    const bits = asymmetricKeyDetails?.modulusLength ?? 0;
    return bits >= shortestRsaKey
      ? pem
      : new Wrong(`${quoted(path)} is an RSA key of ${bits} bits; make one of ${shortestRsaKey} (RFC 8301)`);
  } catch (error) {
    return new Wrong(
      `${quoted(path)} is no readable private key (${codeOf(error)}); name a PEM file that this user may read`,
    );
  }
}

const domainName = /^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?$/i;
const domainMend = 'write one such as example.org (A-labels for other letters)';

export const domain = setting((text) =>
  domainName.test(text) ? text : new Wrong(`${quoted(text)} is not a domain name; ${domainMend}`),
);

/** Domain names by comma. */
export const domains = setting((text) => {
  const names = listed(text);
  const wrong = names.find((name) => !domainName.test(name));
  return wrong === undefined ? names : new Wrong(`${quoted(wrong)} is not a domain name; ${domainMend}`);
});

/** Most characters of a local part (RFC 5321, 4.5.3.1.1), and those that a mail's token takes, with its plus sign. */
const longestLocalPart = 64;
const tokenLength = 25;

/** An address that goes into a header as it is. */
export const replyAddress = setting((text) =>
  mailbox.test(text) && /^[!-~]+$/.test(text)
    ? text
    : new Wrong(`${quoted(text)} is not an address in ASCII; write one such as privacy@example.org`),
);

/** Whom to tell of a hole in the service, as the URI that RFC 9116 asks for; an address alone is one to write to. */
export const securityContact = setting((text) => {
  const uri = replyAddress.safeParse(text).success ? `mailto:${text}` : text;
  const url = parseUrl(uri);
  if (url !== null && /^(?:https|mailto|tel):$/.test(url.protocol) && /^[!-~]+$/.test(uri)) return uri;
  return new Wrong(`${quoted(text)} is no contact; write an address, or a URL such as https://example.org/security`);
});

/** Where bounces go: an address, in which a star may stand where the token of a mail belongs. */
export const bounceAddress = setting((text) => {
  const mend = 'write one such as bounces@example.org or *@bounces.example.org';
  if (!mailbox.test(text) || hasControls(text) || text.split('*').length > 2)
    return new Wrong(`${quoted(text)} is not an address for bounces; ${mend}`);
  return text.indexOf('@') <= longestLocalPart - tokenLength
    ? text
    : new Wrong(`${quoted(text)} leaves no room for a token before the @; ${mend}`);
});

// Holds a password, so no message repeats it.
export const imapUrl = setting((text) => {
  const url = parseUrl(text);
  return url !== null && ['imap:', 'imaps:'].includes(url.protocol) && url.hostname !== '' && url.username !== ''
    ? text
    : new Wrong('is not the URL of a mailbox; write one such as imaps://user:password@host/INBOX');
});

/** Where reports are taken by LMTP or SMTP. */
export const bounceListen = setting((text) => {
  const url = parseUrl(text);
  const protocol = (['lmtp', 'smtp'] as const).find((name) => url?.protocol === `${name}:`);
  return url !== null && protocol !== undefined && url.hostname !== '' && Number(url.port) > 0
    ? { protocol, host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) }
    : new Wrong(`${quoted(text)} is no place to listen; write one such as lmtp://127.0.0.1:2424`);
});

/** Topics of Amazon SNS by comma. */
export const topicArns = setting((text) => {
  const arns = listed(text);
  const wrong = arns.find((arn) => !/^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}(\.fifo)?$/.test(arn));
  return wrong === undefined
    ? arns
    : new Wrong(`${quoted(wrong)} is not a topic; write its ARN, such as arn:aws:sns:eu-west-1:123456789012:bounces`);
});

/** The public key with which SendGrid signs its events: base64 of a P-256 key, as its console shows it. */
export const sendgridKey = setting((text) => {
  try {
    const { asymmetricKeyType } = createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' });
    if (asymmetricKeyType === 'ec') return text;
  } catch {
    // Said below.
  }
  return new Wrong('is not the verification key of an event webhook; copy it from SendGrid as it is shown there');
});

/** Pages of whom the list may be shown in; null: in none. */
export const embedOrigins = setting((text): 'any' | string[] | null | Wrong => {
  if (text.toLowerCase() === 'off') return null;
  if (text === '*') return 'any';
  const entries = text.split(/[\s,]+/).filter((entry) => entry !== '');
  const origins = entries.map((entry) => originOf(entry));
  const wrong = entries.find((_, index) => origins[index] === null);
  return wrong === undefined
    ? origins.filter((origin) => origin !== null)
    : new Wrong(`${quoted(wrong)} is no origin; list those of the pages, such as https://www.example.org, or write *`);
});

function originOf(text: string): string | null {
  const url = parseUrl(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.username !== '') return null;
  const isOrigin = url.pathname === '/' && url.search === '' && url.hash === '';
  // It goes into a header whose parts end with a semicolon, which a host may hold.
  return isOrigin && /^https?:\/\/[a-z0-9.:[\]-]+$/.test(url.origin) ? url.origin : null;
}

export const logLevel = setting((text) => {
  const level = logLevels.find((name) => name === text.toLowerCase());
  return level ?? new Wrong(`${quoted(text)} is not a level; write one of ${logLevels.join(', ')}`);
});

/** A choice of words, such as `on` and `off`. */
export function oneOf<Value>(choices: Readonly<Record<string, Value>>): z.ZodType<Value, string> {
  return setting((text) => {
    const entry = Object.entries(choices).find(([word]) => word === text.toLowerCase());
    if (entry !== undefined) return entry[1];
    return new Wrong(`${quoted(text)} is none of its values; write ${Object.keys(choices).join(' or ')}`);
  });
}

export const onOrOff = oneOf({ on: true, off: false });
export const optionalOrRequired = oneOf<'optional' | 'required'>({ optional: 'optional', required: 'required' });
/** What somebody may do who signs in by OpenID Connect and has no account yet. */
export const newAdmins = oneOf<Role | null>({
  none: null,
  viewer: 'viewer',
  editor: 'editor',
  publisher: 'publisher',
  admin: 'admin',
});

/** OpenID Connect Discovery 1.0, 3: https, without query; http on this machine only. */
export const issuerUrl = setting((text) => {
  const mend = 'write one such as https://login.example.org/realms/staff';
  const url = parseUrl(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.search !== '' || url.hash !== '') {
    return new Wrong(`${quoted(text)} is not the URL of an issuer; ${mend}`);
  }
  const near = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  return url.protocol === 'https:' || near ? text : new Wrong(`sends a client secret without https; ${mend}`);
});

/** The entries of a list by comma. */
function listed(text: string): string[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

function parseUrl(text: string): URL | null {
  if (hasControls(text) || /\s/.test(text)) return null;
  return URL.canParse(text) ? new URL(text) : null;
}

/** Control characters and the line breaks of Unicode: in a header each could begin a new line. */
function hasControls(text: string): boolean {
  return /[\p{Cc}\u2028\u2029]/u.test(text);
}

export function quoted(text: string): string {
  const shown = JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
  return shown.replace(/[\u2028\u2029]/g, '?');
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unreadable';
}
