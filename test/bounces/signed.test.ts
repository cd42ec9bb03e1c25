import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import Fastify from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import t, { type Test } from 'tap';
import { createApiToken } from '../../src/admins/api-tokens.js';
import { type SnsMessage, signedText, snsUrl } from '../../src/bounces/sns.js';
import type { SnsWeb } from '../../src/bounces/sns-web.js';
import { bounceRoutes } from '../../src/routes/api/bounces.js';
import { registerFormLimit } from '../../src/routes/form-limit.js';
import { guardApi } from '../../src/routes/guard.js';
import { registerProblems } from '../../src/routes/problem.js';
import { emailHash } from '../../src/subscribers/tokens.js';
import { adminToken, bearer, startApp } from '../support/app.js';
import { type Certificate, selfSigned } from './certificate.js';
import { daysAfter, dsn } from './make.js';
import { mailgunEvent, sendgridEvent, sesBounce } from './provider-events.js';

const topic = 'arn:aws:sns:eu-west-1:123456789012:bounces';
const certificateUrl =
  'https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem';
const subscribeUrl = `https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${topic}&Token=2336412f37`;

const sendgrid = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const sendgridKey = sendgrid.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
const mailgunKey = 'key-of-the-tests-0123456789';

/** The real door before a service with one mail to Ann, and a way to Amazon that notes who is called. */
async function openDoor(t: Test, env: Readonly<Record<string, string>> = {}) {
  const app = await startApp(t, { env });
  const { pool } = app.database;
  const now = app.clock.now();
  const certificate = selfSigned(daysAfter(-30, now), daysAfter(300, now));
  const called: string[] = [];
  const web: SnsWeb = {
    async fetchCertificate(url) {
      called.push(url.href);
      return certificate.pem;
    },
    async confirm(url) {
      called.push(url.href);
      return true;
    },
  };
  const http = Fastify({ trustProxy: true });
  await registerFormLimit(http);
  registerProblems(http, () => '');
  http.setValidatorCompiler(validatorCompiler);
  http.setSerializerCompiler(serializerCompiler);
  await http.register(async (scope) => {
    guardApi(scope, app.deps);
    await scope.register(bounceRoutes(app.deps, web));
  });
  t.teardown(() => http.close());
  await pool.query(
    `with ann as (
       insert into subscribers (email, email_key, email_hash, locale, status, created_at, confirmed_at, confirmed_moment)
       values ('ann@example.org', 'ann@example.org', $1, 'en', 'confirmed', $2, $2, 1) returning *)
     insert into deliveries (kind, subscriber_id, email, recipient_hash, locale, priority, state, attempts, due_at,
       created_at, sent_at, settled_at)
     select 'welcome', id, email, email_hash, 'en', 0, 'sent', 1, $3, $3, $3, $3 from ann`,
    [emailHash(app.deps.config.secretKeys, 'ann@example.org'), daysAfter(-60, now), daysAfter(-1, now)],
  );
  const post = async (body: unknown, headers: Readonly<Record<string, string>> = {}) => {
    const payload = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const type = { 'content-type': 'application/json' };
    const answer = await http.inject({
      method: 'POST',
      url: '/api/v1/bounces',
      headers: { ...type, ...headers },
      payload,
    });
    return { status: answer.statusCode, body: answer.json(), headers: answer.headers };
  };
  const suppressed = async () => (await pool.query('select from suppressions')).rowCount === 1;
  return { app, post, suppressed, called, certificate, now };
}

function snsMessage(certificate: Certificate, fields: Partial<SnsMessage> = {}, version: '1' | '2' = '2'): SnsMessage {
  const message: SnsMessage = {
    Type: 'Notification',
    MessageId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
    TopicArn: topic,
    Message: JSON.stringify(sesBounce()),
    Timestamp: '2027-01-04T09:00:06.000Z',
    SignatureVersion: version,
    SigningCertURL: certificateUrl,
    ...fields,
  };
  const algorithm = version === '1' ? 'sha1' : 'sha256';
  const signature = sign(algorithm, Buffer.from(signedText(message)), certificate.privateKey).toString('base64');
  return { Signature: signature, ...message };
}

const asText = { 'content-type': 'text/plain; charset=UTF-8' };
const question = { Type: 'SubscriptionConfirmation', Token: '2336412f37', SubscribeURL: subscribeUrl } as const;

t.test('what SNS signed is believed, by either version of its signature', async (t) => {
  for (const version of ['1', '2'] as const) {
    const { post, suppressed, called, certificate } = await openDoor(t, {
      SNS_TOPIC_ARNS: `arn:aws:sns:us-east-1:123456789012:other, ${topic}`,
    });
    const message = snsMessage(certificate, version === '1' ? { Subject: 'Amazon SES Email Event' } : {}, version);
    t.match(await post(message, asText), {
      status: 200,
      body: { results: [{ outcome: 'bounced', kind: 'hard', suppressed: true }] },
    });
    t.equal(await suppressed(), true);
    t.match(await post(message, asText), { status: 200, body: { results: [{ outcome: 'known' }] } }, 'again is once');
    t.same([...new Set(called)], [certificateUrl]);
  }
});

t.test('a signature that does not fit opens nothing', async (t) => {
  const { post, suppressed, called, certificate, now } = await openDoor(t, { SNS_TOPIC_ARNS: topic });
  const good = snsMessage(certificate);
  const other = selfSigned(daysAfter(-30, now), daysAfter(300, now));
  const { Signature: _none, ...unsigned } = good;
  for (const [message, what] of [
    [{ ...good, Message: JSON.stringify(sesBounce({ to: 'bob@example.org' })) }, 'other words'],
    [{ ...good, Timestamp: '2027-02-04T09:00:06.000Z' }, 'another time'],
    [{ ...good, Subject: 'added' }, 'a subject more'],
    [{ ...good, SignatureVersion: '1' }, 'another version'],
    [{ ...good, SignatureVersion: '3' }, 'a version that nobody knows'],
    [{ ...good, SignatureVersion: 'toString' }, 'no version'],
    [{ ...good, Signature: 'AAAA' }, 'made up'],
    [{ ...good, Type: 'UnsubscribeConfirmation' }, 'another sort'],
    [unsigned, 'no signature'],
    [snsMessage(other), 'another key'],
  ] as const) {
    t.match(await post(message, asText), { status: 401, body: { code: 'bearer.missing' } }, what);
  }
  t.equal(await suppressed(), false);
  called.length = 0;
  for (const [message, what] of [
    [snsMessage(certificate, { TopicArn: 'arn:aws:sns:eu-west-1:999999999999:bounces' }), 'a topic of somebody else'],
    [
      snsMessage(certificate, { SigningCertURL: 'http://sns.eu-west-1.amazonaws.com/x.pem' }),
      'a certificate in the clear',
    ],
    [
      snsMessage(certificate, { SigningCertURL: 'https://sns.eu-west-1.amazonaws.com.evil.example/x.pem' }),
      'of a stranger',
    ],
  ] as const) {
    t.match(await post(message, asText), { status: 401 }, what);
  }
  t.same(called, [], 'nobody is called for them');
});

t.test('a certificate counts between its dates', async (t) => {
  const { post, called, certificate, app, now } = await openDoor(t, { SNS_TOPIC_ARNS: topic });
  t.match(await post(snsMessage(certificate), asText), { status: 200 });
  app.clock.set(daysAfter(301, now));
  t.match(await post(snsMessage(certificate, { MessageId: 'two' }), asText), { status: 401 });
  app.clock.set(daysAfter(-31, now));
  t.match(await post(snsMessage(certificate, { MessageId: 'three' }), asText), { status: 401 });
  t.equal(called.length, 3);
});

t.test('addresses of Amazon SNS, and what only looks like them', async (t) => {
  for (const url of [
    certificateUrl,
    'https://sns.us-gov-west-1.amazonaws.com/SimpleNotificationService-1.pem',
    'https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-1.pem',
  ]) {
    t.equal(snsUrl(url, 'certificate')?.href, url);
  }
  for (const url of [
    'http://sns.eu-west-1.amazonaws.com/x.pem',
    'https://sns.eu-west-1.amazonaws.com:8443/x.pem',
    'https://user:pass@sns.eu-west-1.amazonaws.com/x.pem',
    'https://sns.eu-west-1.amazonaws.com@evil.example/x.pem',
    'https://sns.eu-west-1.amazonaws.com.evil.example/x.pem',
    'https://evil-sns.eu-west-1.amazonaws.com/x.pem',
    'https://sns.evil.example/x.pem',
    'https://sns.s3.amazonaws.com/x.pem',
    'https://sns.s3-us-west-2.amazonaws.com/x.pem',
    'https://sns.s3-accelerate.amazonaws.com/x.pem',
    'https://s3.amazonaws.com/sns.eu-west-1.amazonaws.com/x.pem',
    'https://sns.eu-west-1.s3.amazonaws.com/x.pem',
    'https://sns.eu-west-1.amazonaws.com/x.pem?then=x',
    'https://sns.eu-west-1.amazonaws.com/x.txt',
    'http://127.0.0.1:9/x.pem',
    'file:///etc/passwd.pem',
    'x.pem',
    '',
  ]) {
    t.equal(snsUrl(url, 'certificate'), null, url);
  }
  t.equal(snsUrl(subscribeUrl, 'subscription')?.hostname, 'sns.eu-west-1.amazonaws.com');
  for (const url of [
    certificateUrl,
    subscribeUrl.replace('https', 'http'),
    subscribeUrl.replace('amazonaws', 'evil'),
    undefined,
  ]) {
    t.equal(snsUrl(url, 'subscription'), null, url ?? 'none');
  }
});

t.test('a subscription is confirmed for a topic of the settings, when Amazon asks', async (t) => {
  const { post, called, certificate, app } = await openDoor(t, { SNS_TOPIC_ARNS: topic });
  t.match(await post(snsMessage(certificate, question), asText), {
    status: 200,
    body: { results: [{ outcome: 'subscribed' }] },
  });
  t.same([...new Set(called)], [certificateUrl, subscribeUrl]);
  const audit = await app.database.pool.query('select action, subject from audit_log');
  t.same(audit.rows, [{ action: 'bounces.subscribed', subject: topic }]);
  called.length = 0;
  const evil = { ...question, SubscribeURL: 'https://evil.example/?Action=ConfirmSubscription' };
  t.match(await post(snsMessage(certificate, evil), asText), { status: 422 });
  t.match(await post(snsMessage(certificate, { ...question, Type: 'UnsubscribeConfirmation' }), asText), {
    status: 200,
  });
  t.same([...new Set(called)], [certificateUrl], 'the end of a subscription is not answered by beginning it anew');
  called.length = 0;
  // A token opens the door, and still nobody is called whom Amazon did not vouch for.
  for (const message of [
    { ...snsMessage(certificate, question), Signature: 'AAAA' },
    snsMessage(certificate, { ...question, TopicArn: 'arn:aws:sns:eu-west-1:999999999999:bounces' }),
    snsMessage(certificate, evil),
  ]) {
    t.match(await post(message, { ...asText, ...bearer }), { status: 422, body: { code: 'bounce.unreadable' } });
  }
  t.same([...new Set(called)], [certificateUrl]);
});

t.test('without a topic in the settings nothing unsigned is read', async (t) => {
  const { post, suppressed, called, certificate } = await openDoor(t);
  t.match(await post(snsMessage(certificate), asText), { status: 401 });
  t.match(await post('x'.repeat(5 * 1024 * 1024)), { status: 401 }, 'not even its length');
  t.same([await suppressed(), called], [false, []]);
  t.match(await post(snsMessage(certificate), { ...asText, ...bearer }), {
    status: 200,
    body: { results: [{ suppressed: true }] },
  });
  t.same(called, []);
});

t.test('a token may come as the password of a URL', async (t) => {
  const { post, suppressed, app } = await openDoor(t);
  const basic = (pair: string) => ({ authorization: `Basic ${Buffer.from(pair).toString('base64')}` });
  const refused = await post(sesBounce(), basic('sns:wrong'));
  t.match(refused, { status: 401, headers: { 'www-authenticate': /^Basic realm=/ } });
  const actor = { kind: 'token', id: 'environment', role: 'admin' } as const;
  const { secret: viewer } = await createApiToken(app.deps, { name: 'reads', role: 'viewer' }, actor);
  t.match(await post(sesBounce(), basic(`x:${viewer}`)), { status: 403 });
  t.equal(await suppressed(), false);
  const { secret } = await createApiToken(app.deps, { name: 'Postmark', role: 'editor' }, actor);
  t.match(await post(sesBounce(), basic(`any:${secret}`)), {
    status: 200,
    body: { results: [{ outcome: 'bounced' }] },
  });
  t.match(await post(sesBounce(), basic(`:${adminToken}`)), { status: 200, body: { results: [{ outcome: 'known' }] } });
  // Elsewhere a password opens nothing.
  t.equal((await app.inject({ url: '/api/v1/draft', headers: basic(`:${adminToken}`) })).statusCode, 401);
});

t.test('SendGrid: the signature covers the body and its time', async (t) => {
  const { post, suppressed } = await openDoor(t, { SENDGRID_WEBHOOK_KEY: sendgridKey });
  const body = Buffer.from(
    JSON.stringify([sendgridEvent('bounce', { type: 'bounce', status: '5.1.1', reason: '550 5.1.1 unknown user' })]),
  );
  const timestamp = '1799053205';
  const signature = sign('sha256', Buffer.concat([Buffer.from(timestamp), body]), sendgrid.privateKey).toString(
    'base64',
  );
  const signed = (time: string, sent: string) => ({
    'x-twilio-email-event-webhook-signature': sent,
    'x-twilio-email-event-webhook-timestamp': time,
  });
  t.match(await post(body), { status: 401 });
  t.match(await post(body, signed('1799053206', signature)), { status: 401 });
  t.match(await post(Buffer.concat([body, Buffer.from(' ')]), signed(timestamp, signature)), { status: 401 });
  t.match(await post(body, signed(timestamp, 'AAAA')), { status: 401 });
  t.match(
    await post(
      body,
      signed(
        timestamp,
        signature.replace(/^./, (sign) => (sign === 'M' ? 'N' : 'M')),
      ),
    ),
    { status: 401 },
  );
  t.equal(await suppressed(), false);
  t.match(await post(body, signed(timestamp, signature)), {
    status: 200,
    body: { results: [{ outcome: 'bounced', suppressed: true }] },
  });
  t.match(await post(body, signed(timestamp, signature)), { status: 200, body: { results: [{ outcome: 'known' }] } });
});

t.test('Mailgun: a token is good once and not for long', async (t) => {
  const { post, suppressed, app, now } = await openDoor(t, { MAILGUN_SIGNING_KEY: mailgunKey });
  const failed = mailgunEvent('failed', {
    severity: 'permanent',
    reason: 'bounce',
    status: { code: 550, message: '5.1.1 unknown user' },
  });
  const signedAt = (moment: Date, token: string, event: object = failed, key = mailgunKey) => {
    const timestamp = String(Math.floor(moment.getTime() / 1_000));
    const signature = createHmac('sha256', key)
      .update(timestamp + token)
      .digest('hex');
    return { signature: { timestamp, token, signature }, 'event-data': event };
  };
  for (const [body, what] of [
    [{ 'event-data': failed }, 'unsigned'],
    [signedAt(now, 'one', failed, 'another key'), 'another key'],
    [signedAt(daysAfter(-1, now), 'one'), 'of yesterday'],
    [signedAt(daysAfter(1, now), 'one'), 'of tomorrow'],
    [{ ...signedAt(now, 'one'), signature: { ...signedAt(now, 'one').signature, token: 'two' } }, 'another token'],
  ] as const) {
    t.match(await post(body), { status: 401 }, what);
  }
  t.equal(await suppressed(), false);
  t.match(await post(signedAt(now, 'one')), {
    status: 200,
    body: { results: [{ outcome: 'bounced', suppressed: true }] },
  });
  t.match(await post(signedAt(now, 'one')), { status: 401 }, 'a replay');
  t.match(
    await post(signedAt(now, 'one', mailgunEvent('complained'))),
    { status: 401 },
    'its signature for another event',
  );
  t.match(await post(signedAt(now, 'two')), { status: 200, body: { results: [{ outcome: 'known' }] } });
  app.clock.set(daysAfter(2, now));
  t.match(await post(signedAt(daysAfter(2, now), 'three')), { status: 200 });
  const { rows } = await app.database.pool.query('select from webhook_tokens');
  t.equal(rows.length, 1, 'what is refused for its age need not be remembered');
});

t.test('forged signatures count as guesses', async (t) => {
  const { post } = await openDoor(t, { MAILGUN_SIGNING_KEY: mailgunKey });
  const from = { 'x-forwarded-for': '192.0.2.77' };
  let last = 0;
  for (let count = 0; count < 201; count += 1) last = (await post({}, from)).status;
  t.equal(last, 429);
  t.equal((await post({}, { 'x-forwarded-for': '198.51.100.77' })).status, 401, 'from elsewhere it is another matter');
});

t.test('malformed is 4xx and says what to mend; none of ours is 200, as providers repeat what fails', async (t) => {
  const { post } = await openDoor(t);
  for (const [body, type] of [
    ['{', 'application/json'],
    ['{"a":1}', 'application/json'],
    ['['.repeat(50_000), 'application/json'],
    [`${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`, 'application/json'],
    ['hello', 'message/rfc822'],
    [dsn({}), 'multipart/report; boundary=elsewhere'],
  ] as const) {
    const answer = await post(body, { ...bearer, 'content-type': type });
    t.match(answer, {
      status: 422,
      body: { code: 'bounce.unreadable', detail: /Send a delivery status notification/ },
    });
  }
  t.match(await post('', { ...bearer, 'content-type': 'message/rfc822' }), { status: 422 });
  t.match(await post('x', { ...bearer, 'content-type': 'image/png' }), { status: 415 });
  t.match(await post('x'.repeat(1024 * 1024 + 1), bearer), { status: 413 });
  t.match(await post(sesBounce({ to: 'stranger@example.org' }), bearer), {
    status: 200,
    body: { results: [{ outcome: 'unmatched', kind: 'hard', delivery: null, suppressed: false }] },
  });
});
