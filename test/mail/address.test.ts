import fc from 'fast-check';
import t from 'tap';
import { maskAddress, needsSmtpUtf8, parseAddress } from '../../src/mail/address.js';

t.test('an address is mailed as it was typed and compared as one person', async (t) => {
  const cases: [string, string, string][] = [
    [' Anna.Berg@Example.ORG ', 'Anna.Berg@example.org', 'anna.berg@example.org'],
    ['ANNA.BERG@EXAMPLE.ORG\r\n', 'ANNA.BERG@example.org', 'anna.berg@example.org'],
    ['anna.berg+dpo@example.org', 'anna.berg+dpo@example.org', 'anna.berg+dpo@example.org'],
    ['annaberg@example.org', 'annaberg@example.org', 'annaberg@example.org'],
    [
      "o'neil!#$%&'*/=?^_`{|}~-@example.org",
      "o'neil!#$%&'*/=?^_`{|}~-@example.org",
      "o'neil!#$%&'*/=?^_`{|}~-@example.org",
    ],
    ['jörg@example.org', 'jörg@example.org', 'jörg@example.org'],
    ['jo\u0308rg@example.org', 'jörg@example.org', 'jörg@example.org'],
    ['Jo\u0308RG@MÜNCHEN.example', 'JöRG@xn--mnchen-3ya.example', 'jörg@xn--mnchen-3ya.example'],
    ['用户@例え。jp', '用户@xn--r8jz45g.jp', '用户@xn--r8jz45g.jp'],
    ['a@xn--mnchen-3ya.example', 'a@xn--mnchen-3ya.example', 'a@xn--mnchen-3ya.example'],
  ];
  for (const [typed, address, key] of cases) t.same(parseAddress(typed), { address, key }, JSON.stringify(typed));
});

t.test('a clever address is no address', async (t) => {
  const refused = [
    '"mallory@evil.example x"@example.org',
    '"a> ORCPT=rfc822;x@evil.example"@example.org',
    'user@good.example(x)evil.example',
    'a@example.org,b@evil.example',
    'a@example.org;b@evil.example',
    '<a@example.org>',
    'A <a@example.org>',
    'a@example.org\r\nBcc: b@evil.example',
    'a@example.org\nRCPT TO:<b@evil.example>',
    'a\u0000@example.org',
    'a\u2028b@example.org',
    'a\u202eb@example.org',
    'a\u200bb@example.org',
    'a\u00a0b@example.org',
    'a＠b@example.org',
    'a@b@example.org',
    'a%2eb@exam%70le.org',
    'a b@example.org',
    'a\\b@example.org',
    'a.@example.org',
    '.a@example.org',
    'a..b@example.org',
    '@example.org',
    'a@',
    'a@example',
    'a@.example.org',
    'a@example..org',
    'a@example.org.',
    'a@-example.org',
    'a@example-.org',
    'a@exam_ple.org',
    'a@[127.0.0.1]',
    'a@127.0.0.1',
    'a@0x7f.1',
    'a@xn--a.org',
    `${'a'.repeat(65)}@example.org`,
    `${'ö'.repeat(33)}@example.org`,
    `a@${'b'.repeat(64)}.org`,
    `a@${'b.'.repeat(126)}org`,
    '',
    '   ',
    'x'.repeat(1_000_000),
  ];
  // Line separators in the name of an assertion would break TAP.
  for (const typed of refused) t.equal(parseAddress(typed), null, encodeURI(typed.slice(0, 60)));
  t.not(parseAddress(`${'a'.repeat(64)}@example.org`), null, '64 bytes are the limit');
});

t.test('whatever is taken for an address is safe in an envelope, and reading it again changes nothing', async (t) => {
  const typed = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.emailAddress());
  fc.assert(
    fc.property(typed, fc.constantFrom('', '@example.org', '@Bücher.example'), (text, tail) => {
      const read = parseAddress(text + tail);
      if (read === null) return;
      const { address, key } = read;
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
      t.notMatch(address, /[\u0000-\u0020<>()[\]\\,;:"\u007f-\u00a0\u2028\u2029]/);
      t.equal(address.split('@').length, 2);
      t.same(parseAddress(address), read);
      t.equal(parseAddress(key)?.key, key);
      t.ok(Buffer.byteLength(address) <= 254);
    }),
    { numRuns: 500 },
  );
});

t.test('a masked address tells its owner which it is, and nobody else', async (t) => {
  t.equal(maskAddress('anna.berg@example.org'), 'a•••@e•••.org');
  t.equal(maskAddress('用户@xn--r8jz45g.jp'), '用•••@例•••.jp');
  t.ok(needsSmtpUtf8('jörg@example.org'));
  t.notOk(needsSmtpUtf8('jorg@xn--mnchen-3ya.example'));
});
