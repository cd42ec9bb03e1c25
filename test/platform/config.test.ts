import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ConfigError, readConfig } from '../../src/config.js';
import { temporaryFolder } from '../support/process.js';

const secret = 'a-secret-of-more-than-thirty-two-characters';

t.test('every setting has a default that works on a fresh machine', async (t) => {
  const config = readConfig({});
  t.match(config, {
    port: 3000,
    host: '127.0.0.1',
    publicUrl: 'http://127.0.0.1:3000',
    databaseUrl: null,
    smtpUrl: null,
    mailFrom: { name: 'Sub-processor notices', address: 'notices@localhost' },
    secretKeys: [],
    trustProxy: [],
    companyName: 'Example Company',
    noticePeriodDays: 30,
    objectionDays: 30,
    timeZone: 'UTC',
    holdAfterHours: 24,
    secondFactor: 'optional',
    sessionIdleMinutes: 720,
    sessionHours: 168,
    logLevel: 'info',
  });
  t.ok(Object.isFrozen(config));
});

t.test('an empty value counts as unset', async (t) => {
  t.equal(readConfig({ PORT: '', DATABASE_URL: ' ', COMPANY_NAME: '' }).companyName, 'Example Company');
});

t.test('every fault is named at once, each in one line', async (t) => {
  const faults = faultsOf({ PORT: '0', TIME_ZONE: 'Mars/Base', COMPANY_NAME: 'Evil\r\nBcc: b@evil.example' });
  t.strictSame(
    faults.map((fault) => fault.split(':')[0]),
    ['PORT', 'COMPANY_NAME', 'TIME_ZONE'],
  );
  for (const fault of faults) t.notMatch(fault, /[\r\n]/);
});

const wrong: [string, Record<string, string>][] = [
  ['PORT', { PORT: '70000' }],
  ['PORT', { PORT: 'eighty' }],
  ['PORT', { PORT: '80.5' }],
  ['HOST', { HOST: 'not a host' }],
  ['PUBLIC_URL', { PUBLIC_URL: 'example.org' }],
  ['PUBLIC_URL', { PUBLIC_URL: 'javascript:alert(1)' }],
  ['PUBLIC_URL', { PUBLIC_URL: 'https://example.org/?a=b' }],
  ['DATABASE_URL', { DATABASE_URL: 'mysql://db/x', SECRET_KEY: secret }],
  ['SECRET_KEY', { DATABASE_URL: 'postgresql://db/x' }],
  ['SECRET_KEY', { SECRET_KEY: 'short' }],
  ['SECRET_KEY', { SECRET_KEY: `${secret},short` }],
  ['SECRET_KEY_FILE', { SECRET_KEY_FILE: '/nowhere/at/all' }],
  ['SECRET_KEY_FILE', { SECRET_KEY: secret, SECRET_KEY_FILE: '/etc/hostname' }],
  ['SMTP_URL', { SMTP_URL: 'mail.example.org' }],
  ['SMTP_URL', { SMTP_URL: 'http://mail.example.org' }],
  ['MAIL_FROM', { MAIL_FROM: 'nobody' }],
  ['MAIL_FROM', { MAIL_FROM: 'A <a@example.org>, B <b@example.org>' }],
  ['MAIL_FROM', { MAIL_FROM: 'A\r\nBcc: b@evil.example <a@example.org>' }],
  ['MAIL_RATE', { MAIL_RATE: '0' }],
  ['MAIL_RATE', { MAIL_RATE: 'fast' }],
  ['MAIL_CONCURRENCY', { MAIL_CONCURRENCY: '0' }],
  ['DKIM_SELECTOR', { DKIM_DOMAIN: 'example.org', DKIM_KEY_FILE: '/nowhere' }],
  ['DKIM_KEY_FILE', { DKIM_DOMAIN: 'example.org', DKIM_SELECTOR: 's1', DKIM_KEY_FILE: '/etc/hostname' }],
  ['DKIM_SELECTOR', { DKIM_DOMAIN: 'example.org', DKIM_SELECTOR: 's1,s2', DKIM_KEY_FILE: '/etc/hostname' }],
  ['MAIL_REPLY_TO', { MAIL_REPLY_TO: 'nobody' }],
  ['MAIL_REPLY_TO', { MAIL_REPLY_TO: 'jörg@example.org' }],
  ['BOUNCE_ADDRESS', { BOUNCE_ADDRESS: 'bounces' }],
  ['BOUNCE_ADDRESS', { BOUNCE_ADDRESS: '*-*@example.org' }],
  ['BOUNCE_IMAP_URL', { BOUNCE_IMAP_URL: 'imaps://imap.example.org/INBOX' }],
  ['BOUNCE_IMAP_URL', { BOUNCE_IMAP_URL: 'pop3://user:password@example.org' }],
  ['BOUNCE_LISTEN', { BOUNCE_LISTEN: 'lmtp://127.0.0.1' }],
  ['BOUNCE_LISTEN', { BOUNCE_LISTEN: '127.0.0.1:2424' }],
  ['SNS_TOPIC_ARNS', { SNS_TOPIC_ARNS: 'arn:aws:sqs:eu-west-1:123456789012:queue' }],
  ['SENDGRID_WEBHOOK_KEY', { SENDGRID_WEBHOOK_KEY: 'bm8ga2V5' }],
  ['QUIET_MINUTES', { QUIET_MINUTES: '1441' }],
  ['FOUR_EYES', { FOUR_EYES: 'sometimes' }],
  ['SECOND_FACTOR', { SECOND_FACTOR: 'on' }],
  ['SESSION_IDLE_MINUTES', { SESSION_IDLE_MINUTES: '1' }],
  ['SESSION_HOURS', { SESSION_HOURS: '0.5' }],
  ['HOLD_BACK_MINUTES', { HOLD_BACK_MINUTES: '121' }],
  ['OIDC_CLIENT_SECRET', { OIDC_ISSUER: 'https://login.example.org', OIDC_CLIENT_ID: 'subnotice' }],
  ['OIDC_ISSUER', { OIDC_ISSUER: 'http://login.example.org', OIDC_CLIENT_ID: 'a', OIDC_CLIENT_SECRET: 'long enough' }],
  ['OIDC_NEW_ADMINS', { OIDC_NEW_ADMINS: 'everybody' }],
  ['ADMIN_PASSWORD', { ADMIN_EMAIL: 'officer@example.org' }],
  ['ADMIN_EMAIL', { ADMIN_PASSWORD: 'a long password' }],
  ['ADMIN_EMAIL', { ADMIN_EMAIL: 'officer', ADMIN_PASSWORD: 'a long password' }],
  ['ADMIN_PASSWORD', { ADMIN_EMAIL: 'officer@example.org', ADMIN_PASSWORD: 'short' }],
  ['ADMIN_TOKEN', { ADMIN_TOKEN: 'short' }],
  ['TRUST_PROXY', { TRUST_PROXY: 'true' }],
  ['TRUST_PROXY', { TRUST_PROXY: '10.0.0.0/40' }],
  ['COMPANY_NAME', { COMPANY_NAME: 'Two\u2028lines' }],
  ['COMPANY_NAME', { COMPANY_NAME: 'x'.repeat(201) }],
  ['NOTICE_PERIOD_DAYS', { NOTICE_PERIOD_DAYS: '-1' }],
  ['NOTICE_PERIOD_DAYS', { NOTICE_PERIOD_DAYS: '1.5' }],
  ['OBJECTION_DAYS', { OBJECTION_DAYS: 'ten' }],
  ['TIME_ZONE', { TIME_ZONE: '+02:00' }],
  ['HOLD_AFTER_HOURS', { HOLD_AFTER_HOURS: '0' }],
  ['LOG_LEVEL', { LOG_LEVEL: 'loud' }],
];
for (const [name, env] of wrong) {
  t.test(`${printable(env)} is refused under the name ${name}`, async (t) => {
    const faults = faultsOf(env);
    t.ok(
      faults.some((fault) => fault.startsWith(`${name}: `)),
      faults.join(' | '),
    );
  });
}

t.test('no message repeats a password', async (t) => {
  const said = faultsOf({
    DATABASE_URL: 'mysql://u:hunter22@db/x',
    SMTP_URL: 'http://u:hunter22@relay',
    SECRET_KEY: 'hunter22',
    ADMIN_TOKEN: 'hunter2',
    BOUNCE_IMAP_URL: 'http://u:hunter22@imap',
    MAILGUN_SIGNING_KEY: 'hunter2',
  }).join('\n');
  t.notMatch(said, /hunter2/);
});

t.test('values are read as they are meant', async (t) => {
  const config = readConfig({
    DATABASE_URL: 'postgresql://u:p@db/x',
    SECRET_KEY: `${secret}, ${secret}-older`,
    PUBLIC_URL: 'https://example.org/trust/',
    MAIL_FROM: '"Acme, Privacy" <privacy@example.org>',
    TRUST_PROXY: '10.0.0.1, 192.168.0.0/16 ::1',
    NOTICE_PERIOD_DAYS: '14',
    MAIL_RATE: '0.5',
    LOG_LEVEL: 'WARN',
    HOST: '::',
  });
  t.match(config, {
    secretKeys: [secret, `${secret}-older`],
    publicUrl: 'https://example.org/trust',
    mailFrom: { name: 'Acme, Privacy', address: 'privacy@example.org' },
    trustProxy: ['10.0.0.1', '192.168.0.0/16', '::1'],
    noticePeriodDays: 14,
    objectionDays: 14,
    mailRate: 0.5,
    logLevel: 'warn',
  });
  t.equal(readConfig({ HOST: '::', PORT: '80' }).publicUrl, 'http://localhost:80');
  t.equal(readConfig({ HOST: '::1' }).publicUrl, 'http://[::1]:3000');
});

t.test('what mail comes back by, and the keys that sign it, are read as they are meant', async (t) => {
  const folder = temporaryFolder(t);
  const keyIn = (name: string, make: () => { privateKey: KeyObject }) => {
    const path = join(folder, name);
    writeFileSync(path, make().privateKey.export({ type: 'pkcs8', format: 'pem' }));
    return path;
  };
  const rsa = keyIn('rsa.pem', () => generateKeyPairSync('rsa', { modulusLength: 2048 }));
  const ed25519 = keyIn('ed25519.pem', () => generateKeyPairSync('ed25519'));
  const weak = keyIn('weak.pem', () => generateKeyPairSync('rsa', { modulusLength: 1024 }));
  const elliptic = keyIn('ec.pem', () => generateKeyPairSync('ec', { namedCurve: 'P-256' }));
  const dkim = { DKIM_DOMAIN: 'example.org', DKIM_SELECTOR: 'r1, e1' };
  const arn = 'arn:aws:sns:eu-west-1:123456789012:bounces';
  t.match(
    readConfig({
      ...dkim,
      DKIM_KEY_FILE: `${rsa}, ${ed25519}`,
      MAIL_REPLY_TO: 'privacy@example.org',
      BOUNCE_ADDRESS: '*@bounces.example.org',
      BOUNCE_LISTEN: 'lmtp://[::1]:2424',
      SNS_TOPIC_ARNS: `${arn}, ${arn}.fifo`,
      QUIET_MINUTES: '15',
      OIDC_ISSUER: 'https://login.example.org/realms/staff',
      OIDC_CLIENT_ID: 'subnotice',
      OIDC_CLIENT_SECRET: 'long enough',
      OIDC_NEW_ADMINS: 'viewer',
    }),
    {
      dkim: { domain: 'example.org', keys: [{ selector: 'r1' }, { selector: 'e1' }] },
      mailReplyTo: 'privacy@example.org',
      bounceAddress: '*@bounces.example.org',
      bounceListen: { protocol: 'lmtp', host: '::1', port: 2424 },
      snsTopicArns: [arn, `${arn}.fifo`],
      quietMinutes: 15,
      oidc: { issuer: 'https://login.example.org/realms/staff', clientId: 'subnotice', newRole: 'viewer' },
    },
  );
  for (const [path, reason] of [
    [weak, /RSA key of 1024 bits/],
    [elliptic, /is a ec key/],
  ] as const) {
    t.match(faultsOf({ ...dkim, DKIM_SELECTOR: 's1', DKIM_KEY_FILE: path })[0], reason);
  }
});

/** For the name of a test, which has to be one short line. */
function printable(env: Record<string, string>): string {
  return JSON.stringify(env)
    .replace(/[^ -~]/g, '·')
    .slice(0, 100);
}

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}
