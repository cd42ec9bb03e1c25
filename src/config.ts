import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { z } from 'zod';
import type { Role } from './actor.js';
import { OperatorError } from './errors.js';
import { darkColour, darkFrom, fontFile, fontStack, type Look, lightColour, logoFile } from './look.js';
import {
  bounceAddress,
  bounceListen,
  codeOf,
  companyName,
  databaseUrl,
  days,
  domain,
  domains,
  emailAddress,
  embedOrigins,
  host,
  imapUrl,
  issuerUrl,
  keyFiles,
  type LogLevel,
  logLevel,
  mailFrom,
  newAdmins,
  number,
  onOrOff,
  optionalOrRequired,
  port,
  publicUrl,
  replyAddress,
  secret,
  secretKeys,
  securityContact,
  sendgridKey,
  setting,
  shortestSecret,
  smtpUrl,
  timeZone,
  topicArns,
  trustProxy,
} from './settings.js';

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
  /** A mailbox that is read; null: replies go to `mailFrom`. */
  mailReplyTo: string | null;
  /** Each key makes a signature of its own; `privateKey` is PEM. Null: the relay signs. */
  dkim: { domain: string; keys: { selector: string; privateKey: string }[] } | null;
  /** Where bounces go, each with the token of its mail; null: to `mailFrom`, without one. */
  bounceAddress: string | null;
  /** A mailbox in which bounces arrive. */
  bounceImapUrl: string | null;
  /** Where bounces are taken directly. */
  bounceListen: { protocol: 'lmtp' | 'smtp'; host: string; port: number } | null;
  /** Topics of Amazon SNS whose signed events are believed. */
  snsTopicArns: string[];
  sendgridWebhookKey: string | null;
  mailgunSigningKey: string | null;
  /** How long a publication waits for another, so that both are one notice; 0: not at all. */
  quietMinutes: number;
  /** Whether a publication needs the approval of another person than the one who publishes. */
  fourEyes: boolean;
  /** How long a publication can still be stopped before it happens; 0: it happens at once. */
  holdBackMinutes: number;
  /** Whether every admin who signs in by password has to have a second factor. */
  secondFactor: 'optional' | 'required';
  /** After so long without use a session of the console ends. */
  sessionIdleMinutes: number;
  /** After so long it ends in any case. */
  sessionHours: number;
  /** Sign-in of admins by OpenID Connect; `newRole`: of people who have no account yet, null: none is made. */
  oidc: { issuer: string; clientId: string; clientSecret: string; label: string; newRole: Role | null } | null;
  /** The first signs, all verify. Empty only until the embedded default has read its own. */
  secretKeys: string[];
  adminEmail: string | null;
  adminPassword: string | null;
  adminToken: string | null;
  /** Addresses and ranges whose X-Forwarded-* are believed; empty: nobody's. */
  trustProxy: string[];
  companyName: string;
  /** Logo, colours and fonts. */
  look: Look;
  /** Pages of whom the list may be shown in; null: in none. */
  embedOrigins: 'any' | string[] | null;
  /** Whom to tell of a hole in the service (RFC 9116), a URI; null: nobody is named. */
  securityContact: string | null;
  noticePeriodDays: number;
  objectionDays: number;
  timeZone: string;
  holdAfterHours: number;
  logLevel: LogLevel;
}

/** Whether `npm start` (or another script of npm) runs this process. */
export function startedByNpm(env: Readonly<Record<string, string | undefined>> = process.env): boolean {
  return env.npm_lifecycle_event !== undefined;
}

/** Wrong or missing settings: one line each, `NAME: what is wrong; how to mend it`. */
export class ConfigError extends OperatorError {
  override readonly name = 'ConfigError';
}

/** Longer than that nobody waits for a second thought, in minutes. */
export const longestHoldBack = 120;

/** Secrets that may come as a file, whose path is in NAME_FILE. */
const fromFiles = [
  'DATABASE_URL',
  'SMTP_URL',
  'SECRET_KEY',
  'ADMIN_PASSWORD',
  'ADMIN_TOKEN',
  'BOUNCE_IMAP_URL',
  'MAILGUN_SIGNING_KEY',
  'OIDC_CLIENT_SECRET',
] as const;

/**
 * Reads the settings; an empty value counts as unset.
 * @param env the environment of the process
 * @throws ConfigError with every fault at once
 */
export function readConfig(env: Readonly<Record<string, string | undefined>> = process.env): Config {
  const { values, faults } = given(env, fromFiles);
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
    mailReplyTo: s.MAIL_REPLY_TO ?? null,
    dkim: s.DKIM_DOMAIN === undefined ? null : { domain: s.DKIM_DOMAIN, keys: dkimKeys(s) },
    bounceAddress: s.BOUNCE_ADDRESS ?? null,
    bounceImapUrl: s.BOUNCE_IMAP_URL ?? null,
    bounceListen: s.BOUNCE_LISTEN ?? null,
    snsTopicArns: s.SNS_TOPIC_ARNS ?? [],
    sendgridWebhookKey: s.SENDGRID_WEBHOOK_KEY ?? null,
    mailgunSigningKey: s.MAILGUN_SIGNING_KEY ?? null,
    quietMinutes: s.QUIET_MINUTES,
    fourEyes: s.FOUR_EYES,
    holdBackMinutes: s.HOLD_BACK_MINUTES,
    secondFactor: s.SECOND_FACTOR,
    sessionIdleMinutes: s.SESSION_IDLE_MINUTES,
    sessionHours: s.SESSION_HOURS,
    oidc: oidcOf(s),
    secretKeys: s.SECRET_KEY ?? [],
    adminEmail: s.ADMIN_EMAIL ?? null,
    adminPassword: s.ADMIN_PASSWORD ?? null,
    adminToken: s.ADMIN_TOKEN ?? null,
    trustProxy: s.TRUST_PROXY,
    companyName: s.COMPANY_NAME,
    look: lookOf(s),
    embedOrigins: s.EMBED_ORIGINS,
    securityContact: s.SECURITY_CONTACT ?? null,
    noticePeriodDays: s.NOTICE_PERIOD_DAYS,
    objectionDays: s.OBJECTION_DAYS ?? s.NOTICE_PERIOD_DAYS,
    timeZone: s.TIME_ZONE,
    holdAfterHours: s.HOLD_AFTER_HOURS,
    logLevel: s.LOG_LEVEL,
  });
}

/** A running service that commands work at, instead of its database. */
export interface RemoteConfig {
  /** Its PUBLIC_URL, without a slash at the end; null: commands work on the database. */
  url: string | null;
  /** A bearer token of its API. */
  token: string | null;
}

/**
 * Reads SUBNOTICE_URL and SUBNOTICE_TOKEN (or SUBNOTICE_TOKEN_FILE) and nothing else: where commands work at
 * a service, such as in a pipeline, its settings are not there.
 * @throws ConfigError
 */
export function readRemoteConfig(env: Readonly<Record<string, string | undefined>> = process.env): RemoteConfig {
  const { values, faults } = given(env, ['SUBNOTICE_TOKEN']);
  const url = publicUrl.optional().safeParse(values.SUBNOTICE_URL);
  if (!url.success) for (const { message } of url.error.issues) faults.push(`SUBNOTICE_URL: ${message}`);
  if (!url.success || faults.length > 0) throw new ConfigError(...faults);
  return { url: url.data ?? null, token: values.SUBNOTICE_TOKEN?.trim() ?? null };
}

function given(env: Readonly<Record<string, string | undefined>>, secretNames: readonly string[]) {
  const values: Record<string, string> = {};
  const faults: string[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && value.trim() !== '') values[name] = value;
  }
  for (const name of secretNames) {
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
  DKIM_SELECTOR: domains.optional(),
  DKIM_KEY_FILE: keyFiles.optional(),
  MAIL_REPLY_TO: replyAddress.optional(),
  BOUNCE_ADDRESS: bounceAddress.optional(),
  BOUNCE_IMAP_URL: imapUrl.optional(),
  BOUNCE_LISTEN: bounceListen.optional(),
  SNS_TOPIC_ARNS: topicArns.optional(),
  SENDGRID_WEBHOOK_KEY: sendgridKey.optional(),
  MAILGUN_SIGNING_KEY: secret(8).optional(),
  QUIET_MINUTES: number({ min: 0, max: 1_440, whole: true }).prefault('0'),
  FOUR_EYES: onOrOff.prefault('off'),
  HOLD_BACK_MINUTES: number({ min: 0, max: longestHoldBack, whole: true }).prefault('0'),
  SECOND_FACTOR: optionalOrRequired.prefault('optional'),
  SESSION_IDLE_MINUTES: number({ min: 5, max: 43_200, whole: true }).prefault('720'),
  SESSION_HOURS: number({ min: 1, max: 2_160, whole: true }).prefault('168'),
  OIDC_ISSUER: issuerUrl.optional(),
  OIDC_CLIENT_ID: setting((text) => text).optional(),
  OIDC_CLIENT_SECRET: secret(8).optional(),
  OIDC_LABEL: companyName.prefault('OpenID Connect'),
  OIDC_NEW_ADMINS: newAdmins.prefault('none'),
  SECRET_KEY: secretKeys.optional(),
  ADMIN_EMAIL: emailAddress.optional(),
  ADMIN_PASSWORD: secret(8).optional(),
  ADMIN_TOKEN: secret(8).optional(),
  TRUST_PROXY: trustProxy.prefault('off'),
  COMPANY_NAME: companyName.prefault('Example Company'),
  LOGO_FILE: logoFile.optional(),
  LOGO_DARK_FILE: logoFile.optional(),
  BRAND_COLOR: lightColour.optional(),
  BRAND_COLOR_DARK: darkColour.optional(),
  FONT_STACK: fontStack.prefault('classic'),
  FONT_FILE: fontFile.optional(),
  FONT_BOLD_FILE: fontFile.optional(),
  EMBED_ORIGINS: embedOrigins.prefault('off'),
  SECURITY_CONTACT: securityContact.optional(),
  NOTICE_PERIOD_DAYS: days.prefault('30'),
  OBJECTION_DAYS: days.optional(),
  TIME_ZONE: timeZone.prefault('UTC'),
  HOLD_AFTER_HOURS: number({ min: 0.01, max: 87_600, whole: false }).prefault('24'),
  LOG_LEVEL: logLevel.prefault('info'),
});

function oidcOf(s: z.infer<typeof Settings>): Config['oidc'] {
  const { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: clientId, OIDC_CLIENT_SECRET: clientSecret } = s;
  if (issuer === undefined || clientId === undefined || clientSecret === undefined) return null;
  return { issuer, clientId, clientSecret, label: s.OIDC_LABEL, newRole: s.OIDC_NEW_ADMINS };
}

function lookOf(s: z.infer<typeof Settings>): Look {
  const { LOGO_FILE: logo, BRAND_COLOR: light } = s;
  return {
    logo: logo === undefined ? null : { light: logo, dark: s.LOGO_DARK_FILE ?? null },
    accent: light === undefined ? null : { light, dark: s.BRAND_COLOR_DARK ?? darkFrom(light) },
    fonts: { stack: s.FONT_STACK, regular: s.FONT_FILE ?? null, bold: s.FONT_BOLD_FILE ?? null },
  };
}

/** The keys of DKIM, each with the selector at the same place in its list. */
function dkimKeys(s: { DKIM_SELECTOR?: string[] | undefined; DKIM_KEY_FILE?: string[] | undefined }) {
  return (s.DKIM_SELECTOR ?? []).flatMap((selector, place) => {
    const privateKey = s.DKIM_KEY_FILE?.[place];
    return privateKey === undefined ? [] : [{ selector, privateKey }];
  });
}

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
    ['OIDC_ISSUER', 'OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET'],
  ]) {
    const missing = group.filter((name) => !has(name));
    if (missing.length === group.length) continue;
    for (const name of missing) faults.push(`${name}: is missing; ${group.join(', ')} go together, set all or none`);
  }
  for (const [name, needed] of [
    ['LOGO_DARK_FILE', 'LOGO_FILE'],
    ['BRAND_COLOR_DARK', 'BRAND_COLOR'],
    ['FONT_BOLD_FILE', 'FONT_FILE'],
  ] as const) {
    if (has(name) && !has(needed)) faults.push(`${needed}: is missing, and ${name} goes with it; set it, too`);
  }
  const [selectors, files] = [values.DKIM_SELECTOR, values.DKIM_KEY_FILE].map((list) => list?.split(',').length ?? 0);
  if (selectors !== files && has('DKIM_SELECTOR') && has('DKIM_KEY_FILE')) {
    faults.push(`DKIM_SELECTOR: names ${selectors}, and DKIM_KEY_FILE ${files}; name a selector for each key`);
  }
  return faults;
}
