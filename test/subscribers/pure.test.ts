import { Readable } from 'node:stream';
import fc from 'fast-check';
import t from 'tap';
import { Refusal } from '../../src/errors.js';
import { toSpreadsheet } from '../../src/spreadsheet.js';
import { type CsvRow, readRows } from '../../src/subscribers/csv.js';
import { readCompany, readServices, settleLocale } from '../../src/subscribers/details.js';
import { domainCap, mayWriteAgain } from '../../src/subscribers/limits.js';
import {
  emailHash,
  hashToken,
  linkLength,
  readLink,
  signLink,
  singleUseToken,
  tokenOfNonce,
} from '../../src/subscribers/tokens.js';
import { endOf, hasEnded } from '../../src/subscribers/validity.js';

const old = 'the old key, which is long enough for this';
const young = 'the new key, which is long enough for that';

t.test('a signed link names its row for its purpose only, and survives a rotation of keys', async (t) => {
  const holds = fc.property(fc.integer({ min: 1, max: 2 ** 47 }), (id) => {
    const link = signLink([old], 'unsubscribe', id);
    return (
      link.length === linkLength &&
      /^[\w-]+$/.test(link) &&
      readLink([young, old], 'unsubscribe', link) === id &&
      readLink([young], 'unsubscribe', link) === null &&
      readLink([old], 'preferences', link) === null
    );
  });
  t.doesNotThrow(() => fc.assert(holds));
});

t.test('a signed link with any one character changed is refused', async (t) => {
  const link = signLink([old], 'unsubscribe', 17);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  let accepted = 0;
  for (let place = 0; place < link.length; place += 1) {
    for (const sign of alphabet) {
      const changed = link.slice(0, place) + sign + link.slice(place + 1);
      if (changed !== link && readLink([old], 'unsubscribe', changed) !== null) accepted += 1;
    }
  }
  t.equal(accepted, 0);
  for (const odd of ['', link.slice(1), `${link}A`, `${link.slice(0, 29)}=`, '\0'.repeat(30), 'é'.repeat(30)]) {
    t.equal(readLink([old], 'unsubscribe', odd), null, visible(odd));
  }
});

t.test('a single-use token is found again by whichever key made it', async (t) => {
  const nonce = Buffer.from('0123456789abcdef');
  const token = singleUseToken(old, 'confirm', nonce);
  t.equal(token.length, 22);
  t.not(token, singleUseToken(old, 'manage', nonce), 'bound to its purpose');
  t.equal(tokenOfNonce([young, old], 'confirm', nonce, hashToken(token)), token);
  t.equal(tokenOfNonce([young], 'confirm', nonce, hashToken(token)), null);
  t.same(emailHash([young, old], 'a@example.org'), emailHash([old], 'a@example.org'), 'suppressions hold');
});

t.test('letters caused by a form come at growing gaps, three a day at the most', async (t) => {
  const start = Date.parse('2027-01-01T00:00:00Z');
  const sent: Date[] = [];
  for (let minute = 0; minute < 30 * 24 * 60; minute += 1) {
    const at = new Date(start + minute * 60_000);
    if (mayWriteAgain('form', sent, at)) sent.push(at);
  }
  const hours = sent.map((at) => (at.getTime() - start) / 3_600_000);
  t.same(hours, [0, 1, 5, 29, 77, 173, 341, 509, 677], 'to somebody who is asked for at every minute of a month');
  t.ok(domainCap('gmail.com') > domainCap('target.example'));
});

t.test('a link ends after its life, counted from when its letter went', async (t) => {
  const createdAt = new Date('2027-01-01T00:00:00Z');
  const waiting = { purpose: 'confirm', createdAt, underway: true, sentAt: null } as const;
  t.equal(endOf(waiting), null, 'not while the relay is down');
  const sent = { ...waiting, underway: false, sentAt: new Date('2027-01-05T00:00:00Z') };
  t.same(endOf(sent), new Date('2027-01-07T00:00:00Z'));
  t.notOk(hasEnded(sent, new Date('2027-01-06T23:59:59Z')));
  t.ok(hasEnded(sent, new Date('2027-01-07T00:00:00Z')));
  t.same(endOf({ ...sent, purpose: 'manage' }), new Date('2027-01-05T01:00:00Z'));
});

t.test('a company is one printable line', async (t) => {
  t.equal(readCompany('  Caf\u0065\u0301 & Söhne <b> '), 'Café & Söhne <b>');
  t.equal(readCompany('   '), null);
  t.equal(readCompany('شركة 示例 👩‍🔬'), 'شركة 示例 👩‍🔬');
  t.equal(readCompany('x'.repeat(200))?.length, 200);
  for (const bad of ['a\r\nBcc: x', 'a\rb', 'a\u2028b', 'a\0b', 'a\u0010b', 'a\uFFFEb', 'a\uD800b', 'x'.repeat(201)]) {
    t.match(
      faultOf(() => readCompany(bad)),
      { code: 'input.invalid', errors: [{ path: 'company' }] },
      visible(bad),
    );
  }
});

t.test('services are those of the list, locales those that are offered', async (t) => {
  t.same(readServices(['b', 'a', 'b'], ['a', 'b']), ['a', 'b']);
  t.equal(readServices([], ['a']), null, 'none chosen is every one');
  t.same(readServices(['anything-1'], null), ['anything-1'], 'before there is a list');
  for (const [chosen, known] of [
    [['c'], ['a']],
    [['a'], []],
    [['A b'], null],
    [['x\0'], null],
  ] as const) {
    t.match(
      faultOf(() => readServices(chosen, known)),
      { code: 'input.invalid', errors: [{ path: 'services' }] },
    );
  }
  const texts = { locales: ['de', 'en'], negotiate: (asked?: string) => (asked?.startsWith('de') ? 'de' : 'en') };
  t.same(
    ['de', 'de-AT', 'tlh', '', undefined].map((asked) => settleLocale(texts, asked)),
    ['de', 'de', 'en', 'en', 'en'],
  );
});

const plain: CsvRow['cells'][] = [
  { email: 'a@example.org', company: 'Äther, "A" & B' },
  { email: 'b@example.org', company: 'B' },
];

t.test('a file means the same however a spreadsheet has saved it', async (t) => {
  const quoted = 'email,company\n a@example.org ,"Äther, ""A"" & B"\nb@example.org,B\n';
  const files: Record<string, string | Buffer> = {
    'UTF-8': quoted,
    'byte order mark, semicolons, CRLF':
      '\uFEFFE-Mail;Company\r\na@example.org;"Äther, ""A"" & B"\r\nb@example.org;B\r\n',
    'carriage returns': quoted.replaceAll('\n', '\r'),
    'UTF-16LE with tabs': Buffer.from(
      '\uFEFFE-Mail Address\tCompany Name\r\na@example.org\t"Äther, ""A"" & B"\r\nb@example.org\tB\r\n',
      'utf16le',
    ),
    'UTF-16BE': Buffer.from(`\uFEFF${quoted}`, 'utf16le').swap16(),
    'a hint of Excel': 'sep=;\r\nCompany;E-mail\r\n"Äther, ""A"" & B";a@example.org\r\nB;b@example.org\r\n',
    'blank lines and empty columns': `\n${quoted.replaceAll('\nb@', '\n\n,\nb@').replace('company\n', 'company,,\n')}\n\n`,
  };
  for (const [name, file] of Object.entries(files)) {
    const bytes = Buffer.isBuffer(file) ? file : Buffer.from(file);
    t.same(
      (await rowsOf(bytes)).map(({ cells }) => cells),
      plain,
      name,
    );
    t.same(
      (await rowsOf(bytes, 1)).map(({ cells }) => cells),
      plain,
      `${name}, one byte at a time`,
    );
    if (typeof file === 'string')
      t.same(
        (await rowsOf(file)).map(({ cells }) => cells),
        plain,
        `${name}, as text`,
      );
  }
});

t.test('lines are counted as the spreadsheet counts them', async (t) => {
  const file = 'email,company\n\na@example.org,"one\r\ntwo\nthree"\n,\nb@example.org,x\n';
  t.same(
    (await rowsOf(file)).map(({ line }) => line),
    [3, 5],
  );
});

t.test('a file that cannot be read is refused with what is wrong and how to mend it', async (t) => {
  const cases: [string | Buffer, RegExp][] = [
    ['', /is empty; its first line must name the columns: email, company/],
    ['\n \n', /is empty/],
    ['email,company\n', /headings and no rows/],
    ['a@example.org,ACME\nb@example.org,B\n', /no heading row/],
    ['email,colour\na@example.org,red\n', /unknown heading "colour"; found "email", "colour"; use email/],
    ['company\nACME\n', /no column has the heading "email"; found "company"/],
    ['email,E-Mail\na@example.org,b@example.org\n', /two columns are "email"/],
    ['email,company\na@example.org,"open\nand on\n', /quote is opened and never closed/],
    ['email,company\na@example.org,"x"y\n', /text follows a closing quote/],
    ['email,company\na@example.org,x"y"\n', /a quote within a cell/],
    [`email,company\na@example.org,"${'x'.repeat(70_000)}\n`, /longer than 64 KiB/],
    [
      Buffer.from('email\tcompany\na@example.org\tB\n', 'utf16le'),
      /UTF-16 without a byte order mark; save it as "CSV UTF-8"/,
    ],
    [Buffer.from('email,company\na@example.org,Müller\n', 'latin1'), /not UTF-8 throughout .* save it as "CSV UTF-8"/],
  ];
  for (const [file, message] of cases) {
    const fault = await rowsOf(file).catch((error: unknown) => error);
    t.match(fault, { code: 'csv.invalid', message }, visible(String(file)));
  }
});

t.test('what writing adds against formulas, reading takes away, and nothing else', async (t) => {
  const { stringify } = await import('csv-stringify/sync');
  const start = fc.constantFrom('=', '+', '-', '@', '＝', '＠', "'", "''", 'x');
  const company = fc
    .tuple(start, fc.string({ unit: fc.constantFrom("'", '=', '"', ',', ';', '1', 'a') }))
    .map(([a, b]) => a + b);
  await fc.assert(
    fc.asyncProperty(fc.array(company, { minLength: 1, maxLength: 8 }), async (companies) => {
      const records = companies.map((name) => ['a@example.org', toSpreadsheet(name)]);
      const written = stringify([['email', 'company'], ...records]);
      const read = await rowsOf(written);
      t.same(
        read.map(({ cells }) => cells.company),
        companies,
      );
      return !/(?:(?:^|\n)[^,]*,"?|;)[=+\-@＝＠]/.test(written);
    }),
    { numRuns: 50 },
  );
});

async function rowsOf(file: string | Buffer, pieceSize = 7): Promise<CsvRow[]> {
  const rows: CsvRow[] = [];
  for await (const row of readRows(typeof file === 'string' ? file : Readable.from(piecesOf(file, pieceSize))))
    rows.push(row);
  return rows;
}

function* piecesOf(bytes: Buffer, size: number) {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

function faultOf(deed: () => unknown): unknown {
  try {
    return deed();
  } catch (error) {
    return error instanceof Refusal ? { code: error.code, errors: error.errors } : error;
  }
}

/** For the name of an assertion: TAP reads some of these characters as ends of lines. */
function visible(text: string): string {
  return text.slice(0, 40).replace(/[^ -~]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
