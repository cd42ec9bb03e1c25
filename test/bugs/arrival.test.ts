import t from 'tap';
import type { ReceivedMail } from '../support/smtp.js';
import { adminEnv, openConsole } from './console.js';
import {
  asAdmin,
  confirmedCsv,
  importCsv,
  listOf,
  publish,
  quiet,
  sendJson,
  startOutside,
  subscribers,
  wordsOf,
} from './outside.js';

/* The bytes of a notice as a relay gets them (cases 23, 24 and 29 of the collected faults). */

t.setTimeout(180_000);

const kinds = [
  {
    id: 'people',
    name: 'People',
    dataCategories: Array.from({ length: 12 }, (_, index) => ({ id: `c${index}`, name: `category ${index}` })),
  },
];

for (const count of [180, 5_000]) {
  t.test(`case 23: ${count} changed vendors fit below the size at which mail is cut`, async (t) => {
    const outside = await startOutside(t);
    const { service, relay } = outside;
    // 5,000 entries of full length would be past the 2 MiB of a list.
    const length = count === 180 ? 1_500 : 60;
    const text = (index: number, word: string) =>
      `${word} ${index} `.concat(index % 3 === 0 ? '加密措施'.repeat(length / 4) : 'measures '.repeat(length / 9));
    const list = (word: string) => ({
      title: 'Sub-processors',
      dataSubjects: kinds,
      subProcessors: Array.from({ length: count }, (_, index) => ({
        id: `vendor-${index}`,
        name: `Vendor ${index}`,
        securityMeasures: [text(index, word)],
        dataCategories: { people: kinds[0]?.dataCategories.map(({ id }) => id) },
      })),
    });
    await publish(service, list('first'), { notify: false });
    await importCsv(service, confirmedCsv('here@example.org'));
    await asAdmin(service, '/api/v1/draft', { method: 'PUT', body: JSON.stringify(list('second')) });
    // The best of three: the first one loads the template, and others use the same machine.
    const times: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const from = performance.now();
      t.equal((await asAdmin(service, '/api/v1/draft/preview', { method: 'POST', body: '{}' })).status, 200);
      times.push(performance.now() - from);
    }
    t.ok(Math.min(...times) < 1_000, `it is rendered in ${Math.round(Math.min(...times))} ms`);
    await publish(service, list('second'));
    await quiet(outside);

    const mail = only(relay.received);
    t.ok(mail.raw.length < 300_000, `the whole message has ${mail.raw.length} bytes`);
    const { html, text: plain = '' } = await mail.parse();
    const page = String(html);
    t.ok(Buffer.byteLength(page) < 100_000, `the HTML part has ${Buffer.byteLength(page)} bytes`);
    for (const part of [page, plain]) {
      const named = new Set(part.match(/Vendor \d+/g));
      const rest = Number(/and (\d[\d,]*) more/.exec(part)?.[1]?.replace(',', '') ?? 0);
      t.equal(named.size + rest, count, `every vendor is named (${named.size}) or counted (${rest})`);
      const comparison = part.indexOf('/compare/1...2');
      t.ok(comparison > 0 && comparison < part.search(/Vendor \d/), 'the whole comparison is linked above the fold');
      const unsubscribe = part.indexOf('/unsubscribe/');
      t.ok(unsubscribe > 0 && Buffer.byteLength(part.slice(0, unsubscribe)) < 100_000, 'the way out is not cut off');
    }
  });
}

t.test('case 24: nothing is mangled on the way, at a relay without 8BITMIME', async (t) => {
  const outside = await startOutside(t, { smtp: { without: ['8BITMIME', 'SMTPUTF8'] } });
  const { service, relay } = outside;
  const purpose = 'R&D "A/B" tests > 5 % — it\'s';
  const long = 'x'.repeat(4_000);
  const dots = '. one dot\n.. two dots\nFrom here on';
  const website = 'https://vendor.example/?id=2a94&x=3D&y=a_b*c';
  await publish(service, listOf('Vendor One'), { notify: false });
  await importCsv(service, confirmedCsv('here@example.org'));
  const vendor = { name: 'Vendor Two', purposes: [purpose], securityMeasures: [long, dots], website };
  await publish(service, { ...listOf('Vendor One'), subProcessors: [...listOf('Vendor One').subProcessors, vendor] });
  await quiet(outside);

  const mail = only(relay.received);
  const lines = mail.raw.toString('latin1').split('\r\n');
  t.ok(Math.max(...lines.map(({ length }) => length)) <= 998, 'no line is over 998 bytes');
  t.ok(
    mail.raw.every((byte) => byte < 128),
    'all of it is 7-bit',
  );
  t.same(
    lines.filter((line) => /^>*From /.test(line)),
    [],
    'no line is one that mailbox files change',
  );
  const { html, text = '' } = await mail.parse();
  const read = partsOf(mail.raw);
  t.equal(read.get('text/plain')?.trim(), text.trim(), 'read by the letter of the standard the text is the same');
  t.equal(read.get('text/html')?.trim(), String(html).trim(), 'and so is the HTML');
  t.match(text, purpose);
  t.strictSame(/^ *(?:- )?(\. one dot)\n *(\.\. two dots)\n *(From here on)$/m.exec(text)?.slice(1), dots.split('\n'));
  const withoutLinks = (await mail.links()).reduce((rest, link) => rest.replaceAll(link, ''), text);
  for (const artefact of ['&amp;', '&#39;', '&quot;', '&gt;', '=3D', '=20']) {
    t.notOk(withoutLinks.includes(artefact), `the text part shows no ${JSON.stringify(artefact)}`);
  }
  t.notMatch(withoutLinks, /[^=]=\n/, 'nor a soft line break');
  const shown = readable(String(html));
  t.match(shown, purpose);
  t.match(shown.replace(/\s+/g, ' '), '. one dot .. two dots From here on');
  const together = (part: string) => part.replace(/[\s\u200b\u00ad]/g, '').match(/x{1000,}/)?.[0].length;
  t.strictSame(
    [together(shown), together(text)],
    [long.length, long.length],
    'the long measure is whole in both parts',
  );
  const inText = await mail.links();
  const alone = new Set(text.split('\n').map((line) => line.trim()));
  for (const link of inText) {
    t.ok(hrefs(String(html)).includes(link), `the HTML part leads to ${link}`);
    t.ok(alone.has(link), 'and in the text part it stands alone');
  }
  t.ok(inText.includes(website), 'the address of the vendor is whole');
  const ofHtml = hrefs(String(html)).filter((link) => /^https?:/.test(link));
  t.strictSame(new Set(ofHtml), new Set(inText), 'both parts have the same links');
});

t.test('case 29: letters beyond ASCII reach their owner, or are one clear failure', async (t) => {
  const spellings = ['jörg@example.org', 'jo\u0308rg@example.org', '用户@example.org'];
  const plain = Array.from({ length: 20 }, (_, index) => `plain${index}@example.org`);
  for (const without of [[], ['SMTPUTF8']] as const) {
    const outside = await startOutside(t, { env: adminEnv, smtp: { without } });
    const { service, relay, database } = outside;
    for (const email of [...spellings, ...plain]) {
      t.equal((await sendJson(`${service.url}/api/v1/subscriptions`, { email })).status, 202);
    }
    await quiet(outside);
    const got = relay.received.flatMap(({ to }) => to).sort();
    const unicode = relay.received.filter(({ mailParameters }) => mailParameters.SMTPUTF8 === true);
    const asked = relay.commands.filter(({ stage }) => stage === 'rcpt').map(({ subject }) => subject);
    if (without.length === 0) {
      t.strictSame(got, [...plain, 'jörg@example.org', '用户@example.org'].sort(), 'both spellings are one person');
      t.equal(unicode.length, 2, 'MAIL carries SMTPUTF8 for these only');
    } else {
      t.strictSame(got, [...plain].sort(), 'the twenty are not held up');
      t.notOk(
        asked.some((address) => !plain.includes(address)),
        'no altered address is tried',
      );
      const { rows } = await database.pool.query(
        `select state, reason, attempts from deliveries where email not like 'plain%'`,
      );
      t.equal(rows.length, 2);
      for (const row of rows) t.match(row, { state: 'failed', reason: 'relay-lacks-smtputf8', attempts: 1 });
      const shown = (await subscribers(service)).filter(({ unreached }) => unreached !== null);
      t.strictSame(
        shown.map(({ email, unreached }) => [email, unreached?.state, unreached?.reason]).sort(),
        ['jörg@example.org', '用户@example.org'].map((email) => [email, 'failed', 'relay-lacks-smtputf8']).sort(),
        'programs see whom it did not reach, and why',
      );
      const console = await openConsole(service);
      const words = wordsOf((await console.get('/admin/subscribers')).body);
      t.equal(
        words.match(/The last mail did not arrive: The relay does not offer SMTPUTF8/g)?.length,
        2,
        'so do admins',
      );
    }
  }
});

function only(mails: readonly ReceivedMail[]): ReceivedMail {
  const [mail] = mails;
  if (mail === undefined || mails.length > 1) throw new Error(`expected one mail, the relay got ${mails.length}`);
  return mail;
}

/** The parts of a mail by their type, decoded by RFC 2045 and nothing else: no library has a say. */
function partsOf(raw: Buffer): Map<string, string> {
  const source = raw.toString('latin1');
  const boundary = /boundary="?([^"\r\n;]+)/.exec(source)?.[1] ?? '';
  const parts = new Map<string, string>();
  for (const part of source.split(`--${boundary}`).slice(1, -1)) {
    const end = part.indexOf('\r\n\r\n');
    const head = part.slice(0, end).replace(/\r\n[ \t]+/g, ' ');
    const type = /content-type: ([\w/]+)/i.exec(head)?.[1] ?? '';
    // Nothing but this encoding, which is 7-bit whatever the text.
    if (!/content-transfer-encoding: quoted-printable/i.test(head)) throw new Error(`${type}: ${head}`);
    const bytes = part
      .slice(end + 4, -2)
      .replace(/[ \t]*=[ \t]*\r\n/g, (soft) => soft.slice(0, soft.indexOf('=')))
      .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    parts.set(type, Buffer.from(bytes, 'latin1').toString('utf8').replace(/\r\n/g, '\n'));
  }
  return parts;
}

function hrefs(html: string): string[] {
  return [...html.matchAll(/href="([^"]*)"/g)].map(([, url = '']) => unescaped(url));
}

/** What is to be read in a mail program. */
function readable(html: string): string {
  return unescaped(
    html
      .replace(/<(style|title)[\s\S]*?<\/\1>/g, '')
      .replace(/<br ?\/?>/g, '\n')
      .replace(/<[^>]+>/g, ''),
  );
}

function unescaped(text: string): string {
  const names: Record<string, string> = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&', nbsp: ' ' };
  return text.replace(/&(lt|gt|quot|#39|amp|nbsp);/g, (_, name: string) => names[name] ?? '');
}
