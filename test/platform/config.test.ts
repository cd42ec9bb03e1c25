import t from 'tap';
import { ConfigError, readConfig } from '../../src/config.js';

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
