import type pg from 'pg';
import type { Test } from 'tap';
import { type Actor, systemActor } from '../../src/actor.js';
import { receiveReport } from '../../src/bounces/receive.js';
import type { SnsWeb } from '../../src/bounces/sns-web.js';
import { readConfig } from '../../src/config.js';
import { returnPath } from '../../src/deliveries/return-path.js';
import { emailHash } from '../../src/subscribers/tokens.js';
import { openDatabase } from '../support/database.js';

/*
 * People and mails that went to them, for the tests of reports; made without the features that own the rows.
 */

export const settings = {
  DATABASE_URL: 'postgresql://unused',
  SECRET_KEY: 'k'.repeat(32),
  BOUNCE_ADDRESS: 'bounces@example.com',
};
export const config = readConfig(settings);
export const robot: Actor = { kind: 'token', id: 'environment', role: 'editor' };
export const monday = new Date('2027-01-04T09:00:00Z');

const day = 24 * 60 * 60_000;
export const daysAfter = (days: number, from = monday) => new Date(from.getTime() + days * day);

export interface Desk {
  pool: pg.Pool;
  /** The clock stands where it is put. */
  now: Date;
  person(email: string, kind?: 'voluntary' | 'contractual'): Promise<number>;
  /** A mail that the relay took; its number. */
  mailTo(subscriberId: number, sentAt: Date): Promise<number>;
  receive(
    source: string | Buffer,
    options?: { contentType?: string; actor?: Actor; envelopeTo?: string[]; snsWeb?: SnsWeb },
  ): ReturnType<typeof receiveReport>;
  rows(statement: string): Promise<Record<string, unknown>[]>;
}

export async function openDesk(t: Test, env: Readonly<Record<string, string>> = {}): Promise<Desk> {
  const { pool } = await openDatabase(t);
  const own = readConfig({ ...settings, ...env });
  const desk: Desk = {
    pool,
    now: monday,
    async person(email, kind = 'voluntary') {
      const { rows } = await pool.query<{ id: number }>(
        `insert into subscribers (email, email_key, email_hash, locale, status, created_at, confirmed_at, confirmed_moment, kind, entitlement)
         values ($1, $1, $2, 'en', 'confirmed', $3, $3, 1, $4, $5) returning id`,
        [email, emailHash(own.secretKeys, email), daysAfter(-400), kind, kind === 'contractual' ? 'DPA of 2026' : null],
      );
      return rows[0]?.id ?? 0;
    },
    async mailTo(subscriberId, sentAt) {
      const { rows } = await pool.query<{ id: number }>(
        `insert into deliveries (kind, subscriber_id, email, recipient_hash, locale, priority, state, attempts, due_at,
           created_at, sent_at, settled_at, response)
         select 'welcome', id, email, email_hash, locale, 0, 'sent', 1, $2, $2, $2, $2, '250 taken'
         from subscribers where id = $1 returning id`,
        [subscriberId, sentAt],
      );
      const id = rows[0]?.id ?? 0;
      await pool.query('update deliveries set message_id = $2 where id = $1', [id, messageIdOf(id)]);
      return id;
    },
    receive: (source, { contentType = 'message/rfc822', actor = robot, envelopeTo, snsWeb } = {}) =>
      receiveReport(
        { db: pool, config: own, now: () => desk.now, ...(snsWeb === undefined ? {} : { snsWeb }) },
        { contentType, body: Buffer.from(source), ...(envelopeTo === undefined ? {} : { envelopeTo }) },
        actor,
      ),
    async rows(statement) {
      return (await pool.query<Record<string, unknown>>(statement)).rows;
    },
  };
  return desk;
}

export { systemActor };

/** As a claim makes it. */
export const messageIdOf = (deliveryId: number) => `<${deliveryId}.${'0'.repeat(32)}@example.com>`;
export const tokenAddress = (deliveryId: number) => returnPath(config, deliveryId);

export interface Notification {
  to?: string;
  recipient?: string;
  action?: string;
  status?: string;
  diagnostic?: string;
  /** The Message-ID of the mail that came back. */
  returned?: string | null;
  /** Its own. */
  id?: string | null;
}

/** A delivery status notification. */
export function dsn({
  to = 'notices@example.com',
  recipient = 'ann@example.org',
  action = 'failed',
  status = '5.1.1',
  diagnostic = `550 5.1.1 <${recipient}>: User unknown`,
  returned = null,
  id = '<report-1@mx.example.net>',
}: Notification): string {
  return `Return-Path: <>
From: MAILER-DAEMON@mx.example.net
To: ${to}
Subject: Undelivered Mail Returned to Sender
${id === null ? 'X-Nothing: here' : `Message-ID: ${id}`}
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; ${recipient}
Action: ${action}
Status: ${status}
Diagnostic-Code: smtp; ${diagnostic}
--b
Content-Type: text/rfc822-headers

${returned === null ? 'X-Nothing: here' : `Message-ID: ${returned}`}
--b--
`.replaceAll('\n', '\r\n');
}

/** A complaint (RFC 5965). */
export function complaint({ to = 'notices@example.com', returned = '', recipient = 'ann@example.org' }): string {
  return `From: fbl@isp.example
To: ${to}
Subject: abuse report
Message-ID: <complaint-1@isp.example>
Content-Type: multipart/report; report-type=feedback-report; boundary=b

--b
Content-Type: message/feedback-report

Feedback-Type: abuse
Version: 1
Original-Rcpt-To: <${recipient}>
--b
Content-Type: message/rfc822

Message-ID: ${returned}
Subject: A change

Dear reader
--b--
`.replaceAll('\n', '\r\n');
}
