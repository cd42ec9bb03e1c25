import { once } from 'node:events';
import { createServer } from 'node:http';
import t, { type Test } from 'tap';
import { z } from 'zod';
import {
  type Answer,
  asAdmin,
  confirmedCsv,
  dump,
  importCsv,
  listOf,
  type Outside,
  publish,
  quiet,
  send,
  startOutside,
  statusOf,
} from './outside.js';

/*
 * Anybody can report a bounce, in systems like this one: the webhook believed what it was told, and called
 * the address that it was given.
 */

t.setTimeout(120_000);

/** Somebody's server, which must never be called. */
async function startTrap(t: Test) {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    response.end('thank you');
  });
  server.on('connection', () => requests.push('a connection'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return { url: `http://127.0.0.1:${address.port}`, requests };
}

const topic = 'arn:aws:sns:eu-west-1:123456789012:bounces';

function notificationOf(address: string, messageId: string): string {
  return `From: MAILER-DAEMON@mx.example.net
To: notices@localhost
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; ${address}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown

--b
Content-Type: text/rfc822-headers

Message-ID: ${messageId}

--b--
`.replaceAll('\n', '\r\n');
}

const sesBounce = (address: string, messageId: string) => ({
  notificationType: 'Bounce',
  bounce: {
    bounceType: 'Permanent',
    bounceSubType: 'General',
    feedbackId: 'feedback-1',
    bouncedRecipients: [
      { emailAddress: address, action: 'failed', status: '5.1.1', diagnosticCode: 'smtp; 550 5.1.1 unknown' },
    ],
  },
  mail: {
    messageId: 'ses-1',
    source: 'notices@localhost',
    destination: [address],
    headers: [{ name: 'Message-ID', value: messageId }],
  },
});

/** A message of SNS with a made-up signature. */
const snsMessage = (message: unknown, more: Readonly<Record<string, unknown>> = {}) =>
  JSON.stringify({
    Type: 'Notification',
    MessageId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
    TopicArn: topic,
    Message: JSON.stringify(message),
    Timestamp: '2027-01-04T09:00:06.000Z',
    SignatureVersion: '2',
    Signature: Buffer.alloc(256, 7).toString('base64'),
    ...more,
  });

/** A service from which Ann got a notice, and the Message-ID of it. */
async function afterANotice(t: Test, env: Readonly<Record<string, string>>) {
  const outside = await startOutside(t, { env });
  const { service, relay } = outside;
  await publish(service, listOf('Alpha'), { notify: false });
  await importCsv(service, confirmedCsv('ann@example.org'));
  await publish(service, listOf('Alpha', 'Beta'));
  await quiet(outside);
  const [mail] = relay.mailTo('ann@example.org');
  const { messageId = '' } = (await mail?.parse()) ?? {};
  return { ...outside, messageId };
}

/** What could have changed, without what a look at it changes. */
async function stateOf({ database }: Outside): Promise<Record<string, unknown[]>> {
  const { relay: _relay, ...tables } = await dump(database.pool);
  return tables;
}

const post = (
  outside: Outside,
  body: string,
  contentType: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> =>
  send(`${outside.service.url}/api/v1/bounces`, {
    method: 'POST',
    headers: { 'content-type': contentType, ...headers },
    body,
  })
    // Told to go away before all was said: that is an answer too.
    .catch((error: Error) => ({ status: 413, headers: {}, body: error.message }));

for (const [how, env] of [
  ['with nothing set', {}],
  [
    'with every provider set',
    {
      SNS_TOPIC_ARNS: topic,
      MAILGUN_SIGNING_KEY: 'a-key-for-the-tests',
      SENDGRID_WEBHOOK_KEY:
        'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==',
    },
  ],
] as const) {
  t.test(`a stranger reports nothing, and nobody is called for them: ${how}`, async (t) => {
    const outside = await afterANotice(t, env);
    const { messageId } = outside;
    const trap = await startTrap(t);
    const before = await stateOf(outside);
    const bounce = sesBounce('ann@example.org', messageId);
    const certificates = [
      'http://127.0.0.1:9/',
      `${trap.url}/cert.pem`,
      'https://sns.evil.example/cert.pem',
      'https://sns.eu-west-1.amazonaws.com.evil.example/cert.pem',
    ];
    const question = {
      Type: 'SubscriptionConfirmation',
      Token: '2336412f37',
      SubscribeURL: `${trap.url}/?Action=ConfirmSubscription`,
    };
    const json = 'application/json';
    const text = 'text/plain; charset=UTF-8';
    const attempts: [what: string, body: string, type: string, headers?: Record<string, string>][] = [
      ['a notification of a mail system', notificationOf('ann@example.org', messageId), 'message/rfc822'],
      ['the same as text', notificationOf('ann@example.org', messageId), 'text/plain'],
      ['an event as SES writes it', JSON.stringify(bounce), json],
      ['SNS without a certificate', snsMessage(bounce), text],
      ...certificates.map((url): [string, string, string] => [
        `SNS with ${url}`,
        snsMessage(bounce, { SigningCertURL: url }),
        text,
      ]),
      ['SNS asks to be confirmed', snsMessage('', question), text],
      [
        'SNS asks, with the certificate at the trap',
        snsMessage('', { ...question, SigningCertURL: `${trap.url}/cert.pem` }),
        text,
      ],
      [
        'an event of Postmark',
        JSON.stringify({ RecordType: 'Bounce', ID: 1, Type: 'HardBounce', Email: 'ann@example.org' }),
        json,
      ],
      [
        'an event of Mailgun',
        JSON.stringify({
          signature: { timestamp: '1', token: 't', signature: '0'.repeat(64) },
          'event-data': { event: 'complained', recipient: 'ann@example.org' },
        }),
        json,
      ],
      [
        'an event of SendGrid',
        JSON.stringify([{ event: 'spamreport', email: 'ann@example.org', 'smtp-id': messageId }]),
        json,
        {
          'x-twilio-email-event-webhook-signature': Buffer.alloc(70, 48).toString('base64'),
          'x-twilio-email-event-webhook-timestamp': '1799053205',
        },
      ],
      ['5 MiB of JSON', JSON.stringify({ Type: 'x'.repeat(5 * 1024 * 1024) }), json],
      ['arrays 50,000 deep', '['.repeat(50_000) + ']'.repeat(50_000), json],
      ['objects 50,000 deep', `${'{"Message":'.repeat(50_000)}1${'}'.repeat(50_000)}`, json],
      [
        'a message 50,000 deep',
        snsMessage('').replace('"Message":"\\"\\""', `"Message":"${'['.repeat(50_000)}"`),
        text,
      ],
      ['a wrong token', JSON.stringify(bounce), json, { authorization: 'Bearer sn_wrong' }],
      [
        'a wrong password',
        JSON.stringify(bounce),
        json,
        { authorization: `Basic ${Buffer.from('sns:wrong').toString('base64')}` },
      ],
    ];
    for (const [what, body, type, headers] of attempts) {
      const { status } = await post(outside, body, type, headers);
      t.ok(status >= 400 && status < 500, `${what}: ${status}`);
      const began = Date.now();
      t.equal((await send(`${outside.service.url}/`)).status, 200);
      t.ok(Date.now() - began < 2_000, 'the service answers in time');
    }
    t.strictSame(await stateOf(outside), before, 'nothing changes');
    t.equal(await statusOf(outside.service, 'ann@example.org'), 'confirmed');
    t.same(trap.requests, [], 'the listener gets no request');
  });
}

const results = z.object({
  results: z.array(z.looseObject({ outcome: z.string(), kind: z.string().nullable(), suppressed: z.boolean() })),
});

t.test('with a token the same is believed, once', async (t) => {
  const outside = await afterANotice(t, {});
  const { service, messageId } = outside;
  const trap = await startTrap(t);
  const report = async (body: string, contentType: string) => {
    const answer = await asAdmin(service, '/api/v1/bounces', {
      method: 'POST',
      headers: { 'content-type': contentType },
      body,
    });
    return { status: answer.status, results: results.safeParse(JSON.parse(answer.body)).data?.results };
  };
  const question = {
    Type: 'SubscriptionConfirmation',
    Token: '1',
    SubscribeURL: `${trap.url}/?Action=ConfirmSubscription`,
  };
  t.match(await report(snsMessage('', question), 'text/plain; charset=UTF-8'), { status: 422 });
  t.match(await report('['.repeat(50_000), 'application/json'), { status: 422 });
  t.match(await report(`${'{"mail":'.repeat(50_000)}1${'}'.repeat(50_000)}`, 'application/json'), { status: 422 });
  t.equal(await statusOf(service, 'ann@example.org'), 'confirmed');
  const event = snsMessage(sesBounce('ann@example.org', messageId));
  t.match(await report(event, 'text/plain; charset=UTF-8'), {
    status: 200,
    results: [{ outcome: 'bounced', kind: 'hard', suppressed: true }],
  });
  t.match(await report(event, 'text/plain; charset=UTF-8'), { status: 200, results: [{ outcome: 'known' }] });
  t.match(await report(notificationOf('ann@example.org', messageId), 'message/rfc822'), {
    status: 200,
    results: [{ outcome: 'known' }],
  });
  t.equal(await statusOf(service, 'ann@example.org'), 'suppressed');
  t.same(trap.requests, []);
});
