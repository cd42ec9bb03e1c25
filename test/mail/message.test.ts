import { createHash, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { simpleParser } from 'mailparser';
import t from 'tap';
import { createSigner } from '../../src/mail/dkim.js';
import { startMailbox } from '../../src/mail/mailbox.js';
import { fillMessage, prepareMessage, slottedLinks } from '../../src/mail/message.js';
import { renderNotice } from '../../src/mail/notice.js';
import { createTransport } from '../../src/mail/transport.js';
import { loadTexts } from '../../src/texts.js';
import { startSmtp } from '../support/smtp.js';
import { readMarkup } from './markup.js';
import { aNotice, before } from './sample.js';

const en = loadTexts({ timeZone: 'UTC' }).for('en');
const from = { name: 'Sub-processor notices', address: 'notices@example.org' };
const tokens = {
  unsubscribe: `${'uU_-'.repeat(7)}uu`,
  preferences: `${'pP_-'.repeat(7)}pp`,
  objection: `${'oO_-'.repeat(7)}oo`,
};
const recipient = {
  to: 'anna@example.org',
  messageId: '<abc@example.org>',
  date: new Date('2027-01-29T10:00:05Z'),
  slots: tokens,
};
const longUrl = `https://trust.${'a'.repeat(50)}.example.org/${'path/'.repeat(24)}here`;

async function aMessage(publicUrl = 'https://trust.example.org', parts: Parameters<typeof aNotice>[0] = {}) {
  const rendered = await renderNotice(aNotice({ publicUrl, links: slottedLinks(publicUrl), ...parts }), en);
  return { rendered, prepared: await prepareMessage(rendered, { from, list: { publicUrl } }) };
}

t.test('a notice has exactly the headers that it should have, each once', async (t) => {
  const { prepared, rendered } = await aMessage();
  const message = fillMessage(prepared, recipient);
  const { headerLines, headers, from: sender, to, subject, date, messageId } = await simpleParser(message);
  t.same(
    headerLines.map(({ key }) => key),
    [
      'from',
      'to',
      'subject',
      'date',
      'message-id',
      'list-id',
      'list-help',
      'list-archive',
      'list-unsubscribe',
      'list-unsubscribe-post',
      'auto-submitted',
      'mime-version',
      'content-type',
    ],
  );
  t.equal(sender?.text, '"Sub-processor notices" <notices@example.org>');
  t.same(to, { ...to, text: 'anna@example.org' });
  t.equal(subject, rendered.subject);
  t.same(date, recipient.date);
  t.equal(messageId, '<abc@example.org>');
  t.equal(headers.get('auto-submitted'), 'auto-generated');
  const source = message.toString('latin1');
  t.match(source, /\r\nList-Unsubscribe: <https:\/\/trust\.example\.org\/unsubscribe\/uU_-[\w-]{26}>\r\n/);
  t.match(source, /\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n/);
  t.match(source, /\r\nList-Id: <sub-processors\.example\.org>\r\n/);
});

t.test('a letter that a person asked for carries no list headers', async (t) => {
  const prepared = await prepareMessage(
    { subject: 'Please confirm', html: '<p>Hello</p>', text: 'Hello' },
    { from, replyTo: 'privacy@example.org' },
  );
  const { headerLines } = await simpleParser(fillMessage(prepared, { ...recipient, slots: {} }));
  t.same(
    headerLines.map(({ key }) => key),
    ['from', 'to', 'subject', 'date', 'message-id', 'reply-to', 'auto-submitted', 'mime-version', 'content-type'],
  );
});

t.test('line breaks in what people typed make no header', async (t) => {
  for (const broken of [
    'a\r\nBcc: b@evil.example',
    'a\rBcc: b@evil.example',
    'a\u2028Bcc: b@evil.example',
    'a\u0000b',
  ]) {
    const { prepared } = await aMessage(undefined, { company: broken, version: { message: broken } });
    const { headerLines, subject } = await simpleParser(fillMessage(prepared, recipient));
    t.equal(headerLines.length, 13);
    t.notMatch(subject ?? '', /[\r\n]/);
    t.throws(() => fillMessage(prepared, { ...recipient, to: `anna@example.org${broken.slice(1)}` }), /malformed/);
  }
});

t.test('slots are whole wherever they stand, and filled for one recipient', async (t) => {
  for (const publicUrl of ['https://a.example', longUrl]) {
    for (let shift = 0; shift < 76; shift += 5) {
      const links = slottedLinks(publicUrl);
      const text = `${'x'.repeat(shift)}é ${links.objection}\n${links.unsubscribe}${links.preferences}`;
      const prepared = await prepareMessage(
        { subject: 's', html: `<p>${text}</p>`, text },
        { from, list: { publicUrl } },
      );
      const filled = fillMessage(prepared, recipient);
      const mail = await simpleParser(filled, { skipTextToHtml: true, skipHtmlToText: true });
      t.equal(
        mail.text?.trimEnd(),
        `${'x'.repeat(shift)}é ${publicUrl}/objections/${tokens.objection}\n${publicUrl}/unsubscribe/${tokens.unsubscribe}${publicUrl}/preferences/${tokens.preferences}`,
      );
      t.equal(filled.toString('latin1').split(tokens.unsubscribe).length, 4, 'header and both parts');
    }
  }
  const { prepared } = await aMessage();
  t.throws(
    () => fillMessage(prepared, { ...recipient, slots: { unsubscribe: tokens.unsubscribe } }),
    /objection|preferences/,
  );
  t.throws(() => fillMessage(prepared, { ...recipient, slots: { ...tokens, objection: 'short' } }), /30 characters/);
});

t.test('the bytes are 7-bit, with short lines, and an independent parser reads exactly what was written', async (t) => {
  const purpose = `R&D "A/B" tests > 5 % — it's`;
  const measures = ['y'.repeat(4_000), '.', '..', '.hidden', 'From me to you', '示例 & 子公司', '= =3D =\u00a0'];
  const is = {
    ...before,
    subProcessors: [
      ...before.subProcessors,
      {
        id: 'x',
        name: 'X',
        purposes: [purpose],
        securityMeasures: measures,
        notes: measures.join('\n'),
        website: 'https://vendor.example/?id=2a94&x=3D&y=a_b*c',
      },
    ],
  };
  const relay = await startSmtp(t, { without: ['8BITMIME', 'SMTPUTF8'] });
  const transport = createTransport({ smtpUrl: relay.url, mailConcurrency: 1 });
  const { prepared, rendered } = await aMessage(longUrl, { after: is });
  const message = fillMessage(prepared, recipient);
  t.match(await transport.send({ from: from.address, to: recipient.to }, message), { outcome: 'accepted' });
  await transport.close();

  const raw = relay.received[0]?.raw ?? Buffer.alloc(0);
  t.ok(raw.equals(message), 'byte for byte');
  t.ok(raw.every((byte) => byte < 127 && byte !== 0));
  const source = raw.toString('latin1');
  t.notMatch(source.replaceAll('\r\n', ''), /[\r\n]/, 'no bare CR or LF');
  const body = source.slice(source.indexOf('\r\n\r\n')).split('\r\n');
  t.ok(body.every((line) => line.length <= 76));
  t.notOk(body.some((line) => line.startsWith('.') || line.startsWith('From ')));

  const mail = await simpleParser(raw, { skipTextToHtml: true, skipHtmlToText: true });
  const links = slottedLinks(longUrl);
  const filled = (part: string) =>
    (['unsubscribe', 'preferences', 'objection'] as const).reduce(
      (text, slot) => text.replaceAll(links[slot], links[slot].replace(/[^/]+$/, tokens[slot])),
      part,
    );
  t.equal(mail.text, filled(rendered.text));
  t.equal(String(mail.html).trimEnd(), filled(rendered.html).trimEnd());
  const shown = readMarkup(String(mail.html)).text;
  for (const part of [mail.text ?? '', shown]) {
    t.ok(part.includes(purpose));
    for (const measure of measures) t.ok(part.includes(measure), encodeURI(measure.slice(0, 20)));
  }
  t.notMatch(mail.text ?? '', /&amp;|&#39;|&quot;/);
});

t.test('a signature covers the one-click headers and verifies', async (t) => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = {
    domain: 'example.org',
    keys: [{ selector: 'one', privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }],
  };
  const sign = createSigner(key);
  const { prepared } = await aMessage(longUrl);
  const message = fillMessage(prepared, recipient);
  const signed = await sign(message);
  t.ok(signed.subarray(-message.length).equals(message), 'the message itself stays as it was');
  const { tags, isRight } = checkSignature(
    signed.toString('latin1'),
    publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  );
  t.equal(tags.c, 'relaxed/relaxed');
  t.equal(tags.d, 'example.org');
  const covered = tags.h?.split(':') ?? [];
  for (const name of [
    'list-unsubscribe',
    'list-unsubscribe-post',
    'from',
    'to',
    'subject',
    'date',
    'message-id',
    'list-id',
  ]) {
    t.ok(
      covered.some((header) => header.toLowerCase() === name),
      name,
    );
  }
  t.ok(isRight);
  t.equal(await createSigner(null)(message), message, 'without a key nothing is signed');

  const relay = await startSmtp(t);
  const transport = createTransport({ smtpUrl: relay.url, mailConcurrency: 1, dkim: key });
  await transport.send({ from: from.address, to: recipient.to }, message);
  await transport.close();
  const arrived = relay.received[0]?.raw.toString('latin1') ?? '';
  t.ok(checkSignature(arrived, publicKey.export({ type: 'spki', format: 'pem' }).toString()).isRight, 'after the way');
});

/** RFC 6376 with relaxed canonicalisation of headers and body, from the RFC and not from the signer. */
function checkSignature(message: string, publicKey: string): { tags: Record<string, string>; isRight: boolean } {
  const end = message.indexOf('\r\n\r\n');
  const headers = message.slice(0, end).split(/\r\n(?![ \t])/);
  const relaxed = (header: string) => {
    const colon = header.indexOf(':');
    const value = header
      .slice(colon + 1)
      .replace(/\r\n/g, '')
      .replace(/[ \t]+/g, ' ')
      .trim();
    return `${header.slice(0, colon).toLowerCase().trim()}:${value}`;
  };
  const body = message
    .slice(end + 4)
    .replace(/[ \t]+(?=\r\n)/g, '')
    .replace(/[ \t]+/g, ' ')
    .replace(/(?:\r\n)*$/, '\r\n');
  const own = headers.find((header) => /^dkim-signature:/i.test(header)) ?? '';
  const tags: Record<string, string> = {};
  for (const tag of own.slice(own.indexOf(':') + 1).split(';')) {
    const [name = '', ...value] = tag.split('=');
    tags[name.trim()] = value.join('=').replace(/\s+/g, '');
  }
  // Named twice, the second is the one above it, or nothing where there is none (RFC 6376, 5.4.2).
  const left = [...headers];
  const signedHeaders = (tags.h ?? '').split(':').flatMap((name) => {
    const at = left.findLastIndex((header) => header.toLowerCase().startsWith(`${name.toLowerCase()}:`));
    return at < 0 ? [] : left.splice(at, 1);
  });
  const data = [...signedHeaders.map(relaxed), relaxed(own.replace(/([;\s]b=)[^;]*/, '$1'))].join('\r\n');
  const bodyHash = createHash('sha256').update(body, 'latin1').digest('base64');
  const signature = Buffer.from(tags.b ?? '', 'base64');
  return {
    tags,
    isRight:
      bodyHash === tags.bh && verify('sha256', Buffer.from(data, 'latin1'), createPublicKey(publicKey), signature),
  };
}

t.test('the built-in mailbox keeps what it gets, over restarts, and the newest 500 of it', async (t) => {
  const folder = t.testdir();
  const { prepared, rendered } = await aMessage();
  const envelope = { from: from.address, to: 'jörg@example.org' };
  const mailbox = await startMailbox(folder);
  t.same(await mailbox.list(), []);
  const transport = createTransport({ smtpUrl: mailbox.url, mailConcurrency: 2 });
  t.match(await transport.send(envelope, fillMessage(prepared, { ...recipient, to: envelope.to })), {
    outcome: 'accepted',
  });
  const [entry] = await mailbox.list();
  t.match(entry, { id: '00000001', subject: rendered.subject, to: 'jörg@example.org', date: recipient.date });
  const message = await mailbox.read('00000001');
  t.match(message?.text, /Callwell Ltd\./);
  t.match(message?.html, /<html lang="en"/);
  t.ok(message?.headers.some(({ name, value }) => name === 'To' && value === 'jörg@example.org'));
  t.match(message?.source, /^From: "Sub-processor notices" <notices@example\.org>\r\n/);
  for (const id of ['00000002', '../../../etc/passwd', '1', '']) t.equal(await mailbox.read(id), null);
  await transport.close();
  await mailbox.close();

  mkdirSync(folder, { recursive: true });
  for (let id = 2; id <= 500; id += 1) {
    writeFileSync(`${folder}/${String(id).padStart(8, '0')}.eml`, `Subject: mail ${id}\r\n\r\n`);
  }
  const again = await startMailbox(folder);
  t.equal((await again.list()).length, 500);
  const other = createTransport({ smtpUrl: again.url, mailConcurrency: 1 });
  await other.send(envelope, fillMessage(prepared, { ...recipient, to: envelope.to }));
  const kept = await again.list();
  t.same([kept.length, kept[0]?.id, kept.at(-1)?.id], [500, '00000501', '00000002']);
  await other.close();
  await again.close();
});
