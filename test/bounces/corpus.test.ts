import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { readMail } from '../../src/bounces/read-mail.js';
import type { ReportKind } from '../../src/bounces/report.js';

/*
 * Reports as the mail systems of the world write them, after their documented forms; every address is
 * invented. A report that is judged wrongly costs a sample here, and a row in bounces/prose-rules.ts or
 * deliveries/reply-rules.ts.
 */

type Expected = readonly [kind: ReportKind, reason: string, status: string | null, address: string | null];

const ann = 'ann@example.org';
const annOfCorp = 'ann@corp.example';

const unknown: Expected = ['hard', 'mailbox-unknown', '5.1.1', ann];
/** None: a letter of a person, or words that nobody knows. */
const samples: Readonly<Record<string, readonly Expected[]>> = {
  'postfix-user-unknown': [unknown],
  'postfix-delayed': [['delayed', 'domain-unreachable', '4.4.1', ann]],
  'postfix-expired': [['soft', 'domain-unreachable', '4.4.1', ann]],
  'postfix-no-such-domain': [['hard', 'domain-unknown', '5.4.4', ann]],
  'postfix-rbl': [['block', 'policy', '5.7.1', ann]],
  'postfix-relayed': [['delivered', '', '2.0.0', ann]],
  'postfix-status-lost': [unknown],
  'postfix-delayed-status-lost': [['delayed', 'refused', '4.1.1', ann]],
  'mailcow-over-quota': [['soft', 'mailbox-full', '5.2.2', ann]],
  'exim-user-unknown': [['hard', 'mailbox-unknown', null, ann]],
  'exim-unrouteable': [['hard', 'domain-unknown', null, ann]],
  'exim-delayed': [['delayed', 'greylisted', '4.7.1', ann]],
  'cpanel-no-such-user': [['hard', 'mailbox-unknown', '5.0.0', ann]],
  'qmail-user-unknown': [unknown],
  'qmail-no-host': [['hard', 'domain-unknown', '5.1.2', ann]],
  'qmail-ldap-full': [['soft', 'mailbox-full', '5.2.2', ann]],
  'qmail-given-up': [['soft', 'domain-unreachable', '4.4.1', ann]],
  'sendmail-user-unknown': [unknown],
  'sendmail-prose': [['hard', 'mailbox-disabled', '5.2.1', ann]],
  'sendmail-warning': [['delayed', 'domain-unreachable', null, ann]],
  'exchange-online-not-found': [['hard', 'mailbox-unknown', '5.1.10', annOfCorp]],
  'exchange-online-edge-blocked': [['hard', 'mailbox-unknown', '5.4.1', annOfCorp]],
  'exchange-online-banned-sender': [['block', 'policy', '5.7.606', annOfCorp]],
  'exchange-online-expired': [['soft', 'domain-unreachable', '5.4.316', annOfCorp]],
  'exchange-online-no-domain': [['hard', 'domain-unknown', '5.4.310', annOfCorp]],
  'exchange-online-html-only': [['hard', 'mailbox-unknown', '5.1.1', annOfCorp]],
  'exchange-restricted-group': [['block', 'policy', '5.7.133', annOfCorp]],
  'exchange-delayed': [['delayed', 'domain-unreachable', '4.4.7', annOfCorp]],
  'exchange-mailbox-full': [['soft', 'mailbox-full', '5.2.2', annOfCorp]],
  'exchange-2003-prose': [['hard', 'mailbox-unknown', '5.1.1', annOfCorp]],
  'exchange-5.5-prose': [['hard', 'mailbox-unknown', null, annOfCorp]],
  'gmail-not-found': [unknown],
  'gmail-inbox-full': [['soft', 'mailbox-full', '5.2.2', ann]],
  'gmail-spam': [['block', 'policy', '5.7.1', ann]],
  'gmail-delay': [['delayed', 'domain-unreachable', '4.4.2', ann]],
  'gmail-prose': [unknown],
  'gmail-2012-prose': [['hard', 'mailbox-disabled', '5.2.1', ann]],
  'domino-prose': [['hard', 'mailbox-unknown', null, annOfCorp]],
  'domino-failure-reasons': [['soft', 'mailbox-full', null, annOfCorp]],
  'groupwise-prose': [['hard', 'mailbox-unknown', '5.1.1', annOfCorp]],
  'ses-user-unknown': [unknown],
  'ses-expired': [['soft', 'domain-unreachable', '4.4.7', ann]],
  'yahoo-prose': [['hard', 'mailbox-unknown', null, ann]],
  'yahoo-throttled': [['block', 'throttled', '4.7.0', ann]],
  'gmx-prose': [unknown],
  '1und1-full': [['soft', 'mailbox-full', null, ann]],
  'zoho-prose': [unknown],
  'mimecast-invalid-recipient': [['hard', 'mailbox-unknown', '5.0.0', ann]],
  'mimecast-poor-reputation': [['block', 'policy', '5.0.0', ann]],
  'proofpoint-user-unknown': [unknown],
  'barracuda-spam': [['block', 'policy', '5.0.0', ann]],
  'barracuda-user-unknown': [unknown],
  'courier-prose': [['hard', 'mailbox-unknown', null, ann]],
  'icloud-over-quota': [['soft', 'mailbox-full', '5.2.2', ann]],
  't-online-smail': [['hard', 'mailbox-unknown', null, ann]],
  'oracle-prose': [['hard', 'mailbox-unknown', '5.1.1', annOfCorp]],
  'mdaemon-prose': [['hard', 'mailbox-unknown', '5.1.1', annOfCorp]],
  'communigate-prose': [['hard', 'mailbox-unknown', '5.1.1', annOfCorp]],
  'ironport-prose': [['hard', 'mailbox-unknown', '5.1.0', annOfCorp]],
  'hmailserver-prose': [unknown],
  'mailenable-prose': [unknown],
  'broken-no-empty-lines': [unknown, ['delayed', 'mailbox-full', '4.2.2', 'bob@example.org']],
  'broken-double-spaced': [unknown, ['block', 'policy', '5.7.1', 'bob@example.org']],
  'utf8-address': [['hard', 'mailbox-unknown', '5.1.1', 'jörg@example.org']],
  'unknown-wording': [],
  'arf-abuse': [['complaint', 'complaint', null, ann]],
  'arf-redacted': [['complaint', 'complaint', null, '5c2e3f8a9b@redacted.isp.example']],
  'arf-auth-failure': [['feedback', 'feedback-auth-failure', null, ann]],
  'arf-not-spam': [['feedback', 'feedback-not-spam', null, ann]],
  'jmrp-complaint': [['complaint', 'complaint', null, ann]],
  'out-of-office-exchange': [['auto-reply', 'auto-reply', null, annOfCorp]],
  'out-of-office-gmail': [['auto-reply', 'auto-reply', null, ann]],
  'out-of-office-german-subject-only': [['auto-reply', 'auto-reply', null, ann]],
  'out-of-office-french-subject-only': [['auto-reply', 'auto-reply', null, ann]],
  'vacation-sieve': [['auto-reply', 'auto-reply', null, ann]],
  'ticket-received': [['auto-reply', 'auto-reply', null, 'support@helpdesk.example']],
  'read-receipt': [['auto-reply', 'auto-reply', null, ann]],
  'person-reply': [],
  'person-quotes-bounce': [],
  'person-about-vacation': [],
};

const folder = new URL('corpus/', import.meta.url);
const sourceOf = (name: string, lineBreak = '\r\n') =>
  Buffer.from(readFileSync(new URL(`${name}.eml`, folder), 'utf8').replace(/\r?\n/g, lineBreak));

t.test('every sample is judged rightly, whatever its line breaks', async (t) => {
  const files = readdirSync(folder).map((file) => file.replace(/\.eml$/, ''));
  t.same(files.sort(), Object.keys(samples).sort(), 'each has its line in the table');
  for (const [name, expected] of Object.entries(samples)) {
    for (const lineBreak of ['\r\n', '\n']) {
      const reports = await readMail(sourceOf(name, lineBreak));
      const judged = reports?.map(
        ({ kind, reason, status, addresses }): Expected => [kind, reason ?? '', status, addresses[0] ?? null],
      );
      t.same(judged, expected, name);
    }
  }
});

/** Those which come with nothing that names the delivery. */
const traceless = ['out-of-office-german-subject-only'];

t.test('each shows whose mail it was: by the token it came to, or the Message-ID of what came back', async (t) => {
  for (const [name, expected] of Object.entries(samples)) {
    for (const { traces } of expected.length === 0 ? [] : ((await readMail(sourceOf(name))) ?? [])) {
      const shows =
        traces.returnPaths.some((address) => address.startsWith('bounces+')) ||
        traces.messageIds.includes('<17.0123456789abcdef0123456789abcdef@example.com>');
      t.equal(shows, !traceless.includes(name), name);
    }
  }
});
