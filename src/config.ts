import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { z } from 'zod';
import { OperatorError } from './errors.js';

/** The settings, checked and frozen. Nothing else reads the environment. */
export interface Config {
  port: number;
  host: string;
  /** Base of every link; no slash at the end, may have a path. */
  publicUrl: string;
  /** Null: the embedded PostgreSQL in `dataDir`. */
  databaseUrl: string | null;
  dataDir: string;
  /** Null: the built-in mailbox. */
  smtpUrl: string | null;
  mailFrom: { name: string; address: string };
  /** Most messages a second; null: as fast as the relay takes them. */
  mailRate: number | null;
  mailConcurrency: number;
  dkim: { domain: string; selector: string; privateKey: string } | null;
  /** The first signs, all verify. Empty only until the embedded default has read its own. */
  secretKeys: string[];
  adminEmail: string | null;
  adminPassword: string | null;
  adminToken: string | null;
  /** Addresses and ranges whose X-Forwarded-* are believed; empty: nobody's. */
  trustProxy: string[];
  companyName: string;
  noticePeriodDays: number;
  objectionDays: number;
  timeZone: string;
  holdAfterHours: number;
  logLevel: LogLevel;
}

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Whether `npm start` (or another script of npm) runs this process. */
export function startedByNpm(env: Readonly<Record<string, string | undefined>> = process.env): boolean {
  return env.npm_lifecycle_event !== undefined;
}

/** Wrong or missing settings: one line each, `NAME: what is wrong; how to mend it`. */
export class ConfigError extends OperatorError {
  override readonly name = 'ConfigError';
}

/** Shortest key that signs links and sessions, in characters. */
export const shortestSecret = 32;

/** Secrets that may come as a file, whose path is in NAME_FILE. */
const fromFiles = ['DATABASE_URL', 'SMTP_URL', 'SECRET_KEY', 'ADMIN_PASSWORD', 'ADMIN_TOKEN'] as const;

/**
 * Reads the settings; an empty value counts as unset.
 * @param env the environment of the process
 * @throws ConfigError with every fault at once
 */
export function readConfig(env: Readonly<Record<string, string | undefined>> = process.env): Config {
  const { values, faults } = given(env);
  const parsed = Settings.safeParse(values);
  if (!parsed.success) {
    for (const { path, message } of parsed.error.issues) faults.push(`${path.join('.')}: ${message}`);
  }
  faults.push(...together(values));
  if (!parsed.success || faults.length > 0) throw new ConfigError(...faults);
  const s = parsed.data;
  return Object.freeze({
    port: s.PORT,
    host: s.HOST,
    publicUrl: s.PUBLIC_URL ?? `http://${reachable(s.HOST)}:${s.PORT}`,
    databaseUrl: s.DATABASE_URL ?? null,
    dataDir: s.DATA_DIR,
    smtpUrl: s.SMTP_URL ?? null,
    mailFrom: s.MAIL_FROM,
    mailRate: s.MAIL_RATE ?? null,
    mailConcurrency: s.MAIL_CONCURRENCY,
    dkim:
      s.DKIM_DOMAIN !== undefined && s.DKIM_SELECTOR !== undefined && s.DKIM_KEY_FILE !== undefined
        ? { domain: s.DKIM_DOMAIN, selector: s.DKIM_SELECTOR, privateKey: s.DKIM_KEY_FILE }
        : null,
    secretKeys: s.SECRET_KEY ?? [],
    adminEmail: s.ADMIN_EMAIL ?? null,
    adminPassword: s.ADMIN_PASSWORD ?? null,
    adminToken: s.ADMIN_TOKEN ?? null,
    trustProxy: s.TRUST_PROXY,
    companyName: s.COMPANY_NAME,
    noticePeriodDays: s.NOTICE_PERIOD_DAYS,
    objectionDays: s.OBJECTION_DAYS ?? s.NOTICE_PERIOD_DAYS,
    timeZone: s.TIME_ZONE,
    holdAfterHours: s.HOLD_AFTER_HOURS,
    logLevel: s.LOG_LEVEL,
  });
}

function given(env: Readonly<Record<string, string | undefined>>) {
  const values: Record<string, string> = {};
  const faults: string[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && value.trim() !== '') values[name] = value;
  }
  for (const name of fromFiles) {
    const path = values[`${name}_FILE`];
    if (path === undefined) continue;
    if (values[name] !== undefined) {
      faults.push(`${name}_FILE: ${name} is set as well; keep one of the two`);
      continue;
    }
    try {
      const text = readFileSync(path, 'utf8').trim();
      if (text === '') faults.push(`${name}_FILE: ${path} is empty; write the value into it`);
      else values[name] = text;
    } catch (error) {
      faults.push(`${name}_FILE: ${path} cannot be read (${codeOf(error)}); name a file that this user may read`);
    }
  }
  return { values, faults };
}

/** An address to listen on is not always one to link to. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return isIP(host) === 6 ? `[${host}]` : host;
}

/** A setting: `read` gives its value, or a `Wrong` that says what is wrong and how to mend it. */
function setting<T>(read: (text: string) => T | Wrong): z.ZodType<T, string> {
  return z.string().transform((text, context) => {
    const value = read(text.trim());
    if (!(value instanceof Wrong)) return value;
    context.addIssue({ code: 'custom', message: value.message });
    return z.NEVER;
  });
}

class Wrong extends Error {}

function number(options: { min: number; max: number; whole: boolean }) {
  const kind = options.whole ? 'a whole number' : 'a number';
  const sentence = `is not ${kind} from ${options.min} to ${options.max}; write one, such as ${Math.ceil(options.min)}`;
  return setting((text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    const fits = value >= options.min && value <= options.max && (!options.whole || Number.isInteger(value));
    return fits ? value : new Wrong(`${quoted(text)} ${sentence}`);
  });
}

const port = number({ min: 1, max: 65_535, whole: true });
const days = number({ min: 0, max: 3_650, whole: true });

const host = setting((text) =>
  isIP(text) !== 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(text)
    ? text
    : new Wrong(`${quoted(text)} is not an address or a host name; write one, such as 127.0.0.1`),
);

const publicUrl = setting((text) => {
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
const databaseUrl = setting((text) => {
  const url = parseUrl(text);
  return url !== null && ['postgres:', 'postgresql:'].includes(url.protocol)
    ? text
    : new Wrong('is not a PostgreSQL connection string; write one such as postgresql://user:password@host:5432/name');
});

const smtpUrl = setting((text) => {
  const url = parseUrl(text);
  return url !== null && ['smtp:', 'smtps:'].includes(url.protocol) && url.hostname !== ''
    ? text
    : new Wrong('is not the URL of a mail relay; write one such as smtp://user:password@host:587 or smtps://host:465');
});

const mailbox = /^[^\s@<>()[\]\\,;:"]+@[^\s@<>()[\]\\,;:"]+$/;

const mailFrom = setting((text) => {
  const mend = 'write one such as Sub-processor notices <notices@example.org>';
  if (hasControls(text)) return new Wrong(`holds a line break or another control character; ${mend}`);
  const parts = /^(?<name>[^<>]*)<(?<address>[^<>]+)>$/.exec(text)?.groups;
  const address = (parts?.address ?? text).trim();
  const name = (parts?.name ?? '').trim().replace(/^"(.*)"$/, '$1');
  return mailbox.test(address) ? { name, address } : new Wrong(`${quoted(text)} is not one sender; ${mend}`);
});

const adminEmail = setting((text) =>
  mailbox.test(text) && !hasControls(text)
    ? text
    : new Wrong(`${quoted(text)} is not a mail address; write one such as privacy@example.org`),
);

const secretKeys = setting((text) => {
  const keys = text.split(',').map((key) => key.trim());
  return keys.every((key) => key.length >= shortestSecret)
    ? keys
    : new Wrong(
        `each key needs at least ${shortestSecret} characters; make one by: node -p "crypto.randomBytes(32).toString('base64url')"`,
      );
});

function secret(shortest: number) {
  return setting((text) => {
    if (text.length < shortest) return new Wrong(`has fewer than ${shortest} characters; choose a longer one`);
    return hasControls(text) ? new Wrong('holds a line break or another control character; take it out') : text;
  });
}

const trustProxy = setting((text) => {
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

const companyName = setting((text) => {
  if (hasControls(text))
    return new Wrong('holds a line break or another control character; write the name on one line');
  return text.length <= 200 ? text : new Wrong('is longer than 200 characters; write a shorter name');
});

const timeZone = setting((text) => {
  const wrong = new Wrong(`${quoted(text)} is not a time zone; write a name such as Europe/Brussels or UTC`);
  // An offset has no changes of the clock, so deadlines would be an hour off half the year.
  if (/^[+-]/.test(text)) return wrong;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone;
  } catch {
    return wrong;
  }
});

const keyFile = setting((path) => {
  try {
    const pem = readFileSync(path, 'utf8');
    const { asymmetricKeyType } = createPrivateKey(pem);
    if (asymmetricKeyType === 'rsa' || asymmetricKeyType === 'ed25519') return pem;
    return new Wrong(`${quoted(path)} is a ${asymmetricKeyType ?? 'secret'} key; DKIM knows RSA and Ed25519`);
  } catch (error) {
    return new Wrong(
      `${quoted(path)} is no readable private key (${codeOf(error)}); name a PEM file that this user may read`,
    );
  }
});

const domain = setting((text) =>
  /^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?$/i.test(text)
    ? text
    : new Wrong(`${quoted(text)} is not a domain name; write one such as example.org (A-labels for other letters)`),
);

const logLevel = setting((text) => {
  const level = logLevels.find((name) => name === text.toLowerCase());
  return level ?? new Wrong(`${quoted(text)} is not a level; write one of ${logLevels.join(', ')}`);
});

const Settings = z.object({
  PORT: port.prefault('3000'),
  HOST: host.prefault('127.0.0.1'),
  PUBLIC_URL: publicUrl.optional(),
  DATABASE_URL: databaseUrl.optional(),
  DATA_DIR: setting((text) => resolve(text)).prefault('./data'),
  SMTP_URL: smtpUrl.optional(),
  MAIL_FROM: mailFrom.prefault('Sub-processor notices <notices@localhost>'),
  MAIL_RATE: number({ min: 0.01, max: 100_000, whole: false }).optional(),
  MAIL_CONCURRENCY: number({ min: 1, max: 200, whole: true }).prefault('8'),
  DKIM_DOMAIN: domain.optional(),
  DKIM_SELECTOR: domain.optional(),
  DKIM_KEY_FILE: keyFile.optional(),
  SECRET_KEY: secretKeys.optional(),
  ADMIN_EMAIL: adminEmail.optional(),
  ADMIN_PASSWORD: secret(8).optional(),
  ADMIN_TOKEN: secret(8).optional(),
  TRUST_PROXY: trustProxy.prefault('off'),
  COMPANY_NAME: companyName.prefault('Example Company'),
  NOTICE_PERIOD_DAYS: days.prefault('30'),
  OBJECTION_DAYS: days.optional(),
  TIME_ZONE: timeZone.prefault('UTC'),
  HOLD_AFTER_HOURS: number({ min: 0.01, max: 87_600, whole: false }).prefault('24'),
  LOG_LEVEL: logLevel.prefault('info'),
});

/** Settings that need each other; looked at even when others are wrong, so that all is said at once. */
function together(values: Readonly<Record<string, string>>): string[] {
  const faults: string[] = [];
  const has = (name: string) => values[name] !== undefined;
  if (has('DATABASE_URL') && !has('SECRET_KEY')) {
    faults.push(
      `SECRET_KEY: is missing, and with DATABASE_URL nothing else signs links and sessions; set one of at least ${shortestSecret} characters, the same for every instance`,
    );
  }
  for (const group of [
    ['ADMIN_EMAIL', 'ADMIN_PASSWORD'],
    ['DKIM_DOMAIN', 'DKIM_SELECTOR', 'DKIM_KEY_FILE'],
  ]) {
    const missing = group.filter((name) => !has(name));
    if (missing.length === group.length) continue;
    for (const name of missing) faults.push(`${name}: is missing; ${group.join(', ')} go together, set all or none`);
  }
  return faults;
}

function parseUrl(text: string): URL | null {
  if (hasControls(text) || /\s/.test(text)) return null;
  return URL.canParse(text) ? new URL(text) : null;
}

/** Control characters and the line breaks of Unicode: in a header each could begin a new line. */
function hasControls(text: string): boolean {
  return /[\p{Cc}\u2028\u2029]/u.test(text);
}

function quoted(text: string): string {
  const shown = JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
  return shown.replace(/[\u2028\u2029]/g, '?');
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unreadable';
}
