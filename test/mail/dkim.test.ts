import { generateKeyPairSync } from 'node:crypto';
import { array, assert, constantFrom, integer, property } from 'fast-check';
import t from 'tap';
import { createSigner } from '../../src/mail/dkim.js';
import { relaxBody } from '../../src/mail/relaxed.js';
import { hasVerifier, makeKey, verifySignatures } from '../support/dkim-verifier.js';

const domain = 'example.org';
const rsa = makeKey('rsa', 'r2027');
const ed25519 = makeKey('ed25519', 'e2027');
const both = [ed25519, rsa];

const head = [
  'From: "Sub-processor notices" <notices@example.org>',
  'To: anna@example.org',
  'Subject: Two sub-processors are added,\r\n one is removed \t',
  'Date: Fri, 29 Jan 2027 10:00:05 +0000',
  'Message-ID:   <abc@example.org>',
  'List-Id: <sub-processors.example.org>',
  'List-Unsubscribe: <https://example.org/unsubscribe/abc>',
  'LIST-UNSUBSCRIBE-POST: List-Unsubscribe=One-Click',
  'X-Other: not signed',
  'MIME-Version: 1.0',
  'Content-Type: text/plain;\r\n\tcharset=utf-8',
].join('\r\n');
const message = (body: string, header = head) => Buffer.from(`${header}\r\n\r\n${body}`);

const bodies: [what: string, body: string][] = [
  ['as it should be', 'Dear Anna,\r\n\r\n=20 all is well.\r\n'],
  ['doubled spaces and tabs', 'a  b\tc \t d\r\n\t e\r\n'],
  ['spaces at the ends of lines', 'a \r\nb\t\t\r\n  \r\nc\r\n'],
  ['empty lines at the end', 'a\r\n\r\n\r\n'],
  ['lines of spaces at the end', 'a\r\n \t\r\n  \r\n'],
  ['no line break at the end', 'a\r\nb'],
  ['spaces and no line break at the end', 'a\r\nb  '],
  ['nothing', ''],
  ['nothing but line breaks', '\r\n\r\n'],
  ['nothing but space', '  \r\n\t\r\n'],
  ['bytes beyond ASCII', 'Grüße, 你好\r\n'],
];

t.test('an independent verifier finds each signature right, whatever the body', async (t) => {
  if (!(await hasVerifier(t))) return;
  for (const keys of [[rsa], [ed25519], both]) {
    const sign = createSigner({ domain, keys });
    const carried = await Promise.all(
      bodies.map(async ([, body]) => {
        const signed = await sign(message(body));
        t.ok(signed.subarray(-message(body).length).equals(message(body)), 'the message itself stays as it is');
        // As SMTP carries it, the last line has an end.
        return /(?:\r\n|^)$/.test(body) ? signed : Buffer.concat([signed, Buffer.from('\r\n')]);
      }),
    );
    const all = await verifySignatures(carried, domain, keys);
    for (const [index, [what]] of bodies.entries()) {
      const found = all[index] ?? [];
      t.same(
        found.map(({ right, why, tags }) => [right, why, tags.s, tags.a, tags.c, tags.d]),
        keys.map(({ selector }) => {
          const algorithm = selector === rsa.selector ? 'rsa-sha256' : 'ed25519-sha256';
          return [true, '', selector, algorithm, 'relaxed/relaxed', domain];
        }),
        `${what}, ${keys.length}`,
      );
      t.equal(found[0]?.tags.l, undefined, 'nothing can be added to the body');
    }
  }
});

t.test('a signature survives what a relay does, and not what somebody else does', async (t) => {
  if (!(await hasVerifier(t))) return;
  const signed = (await createSigner({ domain, keys: both })(message('Dear Anna\r\n'))).toString('latin1');
  const cases: [what: string, altered: string, right: boolean][] = [
    ['Received in front', `Received: from a by b;\r\n\tFri, 29 Jan 2027 10:00:06 +0000\r\n${signed}`, true],
    ['another X-Other', `X-Other: two\r\n${signed}`, true],
    ['a header folded anew', signed.replace('added,\r\n one', 'added, one'), true],
    ['space at the end of a line', signed.replace('Dear Anna', 'Dear  Anna \t'), true],
    ['another body', signed.replace('Dear Anna', 'Dear Anne'), false],
    ['more body', `${signed}PS\r\n`, false],
    ['a second From', `From: <notices@evil.example>\r\n${signed}`, false],
    ['a second To', `To: <b@evil.example>\r\n${signed}`, false],
    ['a second Subject', `Subject: pay at once\r\n${signed}`, false],
    ['another way to leave', signed.replace('unsubscribe/abc', 'unsubscribe/xyz'), false],
    ['no one-click', signed.replace(/LIST-UNSUBSCRIBE-POST: .*\r\n/, ''), false],
  ];
  const all = await verifySignatures(
    cases.map(([, altered]) => Buffer.from(altered, 'latin1')),
    domain,
    both,
  );
  for (const [index, [what, altered, right]] of cases.entries()) {
    t.not(altered, signed);
    t.same(
      all[index]?.map((one) => one.right),
      [right, right],
      what,
    );
  }
});

t.test('the signature names the headers that are there, and those that must not come twice once more', async (t) => {
  const signed = (await createSigner({ domain, keys: [rsa] })(message('x\r\n'))).toString('latin1');
  const own = signed.slice(0, signed.indexOf('\r\nFrom:'));
  t.equal(
    /h=([^;]+);/.exec(own)?.[1]?.replace(/\s/g, ''),
    'from:from:to:to:subject:subject:date:message-id:mime-version:content-type:list-id:list-unsubscribe:list-unsubscribe-post',
  );
  for (const line of own.split('\r\n')) t.ok(line.length <= 78, line);
  t.match(own, /^DKIM-Signature: v=1; a=rsa-sha256; c=relaxed\/relaxed; d=example\.org;/);
});

t.test('a header of an address beyond ASCII is signed byte for byte', async (t) => {
  if (!(await hasVerifier(t))) return;
  const mail = message('x\r\n', head.replace('anna@', 'jörg@'));
  const [found] = await verifySignatures([await createSigner({ domain, keys: both })(mail)], domain, both);
  t.same(
    found?.map(({ right }) => right),
    [true, true],
  );
});

t.test('what is looked for in a body is found wherever it is, and nothing else is', async (t) => {
  const slow = (text: string) => text.replace(/[ \t]+/g, ' ').replace(/ (?=\r\n|$)/g, '');
  await assert(
    property(
      array(constantFrom(' ', '\t', '\r\n', '!', 'a', 'é', '\u00a0', '\u008d', 'abcdef'), { maxLength: 40 }),
      integer({ min: 0, max: 7 }),
      (parts, offset) => {
        const text = parts.join('');
        const bytes = Buffer.alloc(offset + text.length, 0x20);
        bytes.write(text, offset, 'latin1');
        return relaxBody(bytes.subarray(offset)).toString('latin1') === slow(text);
      },
    ),
    { numRuns: 3_000 },
  );
  const canonical = Buffer.from('Dear Anna, !\r\n'.repeat(2_000));
  t.equal(relaxBody(canonical), canonical, 'not even copied');
});

t.test('a key that receivers do not take is refused before the first mail', async (t) => {
  const weak = makeKey('rsa', 'weak', 1_024);
  t.throws(() => createSigner({ domain, keys: [rsa, weak] }), /2048/);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const curve = { selector: 'c', privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
  t.throws(() => createSigner({ domain, keys: [curve] }), /RSA and Ed25519/);
});

t.test('without a key nothing is signed', async (t) => {
  const mail = message('x\r\n');
  t.equal(await createSigner(null)(mail), mail);
  t.equal(await createSigner({ domain, keys: [] })(mail), mail);
});
