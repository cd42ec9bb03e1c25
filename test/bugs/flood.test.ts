import t from 'tap';
import { openDatabase } from '../support/database.js';
import { startSmtp } from '../support/smtp.js';
import { startClocked } from './clocked.js';
import { adminEnv, openConsole } from './console.js';
import {
  type Answer,
  confirmedCsv,
  importCsv,
  linkTo,
  listOf,
  oneClick,
  oneClickUrl,
  outsideEnv,
  publish,
  quiet,
  send,
  sendForm,
  sendJson,
  statusOf,
  wordsOf,
} from './outside.js';
import { auditOf } from './report.js';

/* The form as a weapon against third parties (case 16 of the collected faults). */

t.setTimeout(150_000);

const victim = 'victim@example.org';
/** Ways to write it that a form takes for one address. */
const spellings = [
  victim,
  'VICTIM@example.org',
  ' Victim@Example.ORG',
  'victim@EXAMPLE.org  ',
  '\tvIcTiM@example.org ',
];

const hour = 60 * 60;

t.test('case 16: neither one mailbox nor one domain can be flooded by strangers', async (t) => {
  const database = await openDatabase(t);
  const relay = await startSmtp(t);
  const env = { ...adminEnv, DATABASE_URL: database.url, SMTP_URL: relay.url, TRUST_PROXY: '127.0.0.1' };
  const service = await startClocked(t, outsideEnv(env));
  await publish(service, listOf('Vendor One'), { notify: false });
  await importCsv(service, confirmedCsv('ann@example.org'));
  await publish(service, listOf('Vendor One', 'Vendor Two'));
  await quiet({ database });
  const [notice] = relay.received.splice(0);

  let clients = 0;
  /** From another client address each time, by form and by API in turn. */
  const ask = async (email: string): Promise<Answer> => {
    clients += 1;
    const headers = { 'x-forwarded-for': `2001:db8:${clients.toString(16)}::1` };
    const isForm = clients % 2 === 0;
    const answer = isForm
      ? await sendForm(`${service.url}/subscribe`, { email }, headers)
      : await sendJson(`${service.url}/api/v1/subscriptions`, { email }, headers);
    return { ...answer, body: answer.body.replaceAll(email.trim(), 'EMAIL') };
  };
  /** All of them, twenty at a time; what answers there are apart from what was typed. */
  const askAll = async (emails: readonly string[]): Promise<Set<string>> => {
    const kinds = new Set<string>();
    for (let from = 0; from < emails.length; from += 20) {
      const batch = emails.slice(from, from + 20);
      const [page, ...answers] = await Promise.all([send(service.url), ...batch.map(ask)]);
      if (page.status !== 200) t.fail(`the page is gone: ${page.status}`);
      for (const { status, headers, body } of answers) {
        kinds.add(status === 429 ? '429' : JSON.stringify([status, Object.keys(headers).sort(), body]));
      }
    }
    return kinds;
  };

  const three = Array.from({ length: 300 }, (_, index) => spellings[index % spellings.length] ?? victim);
  const neutral = await askAll(three);
  t.ok(neutral.size <= 3, `form and API have one answer each, and 429: ${neutral.size}`);
  await quiet({ database });
  t.equal(relay.received.length, 1, 'one mail');
  // Of requests that come at once any may be the first, in its own spelling.
  const [first = ''] = relay.received[0]?.to ?? [];
  t.equal(first.toLowerCase(), victim);
  const firstLink = await linkTo(relay, first, 'confirm');

  // All through the day they go on asking.
  const mailedAfter = [0];
  for (let hours = 1; hours <= 24; hours += 1) {
    await service.advance(hour);
    for (const kind of await askAll([...spellings, ...spellings]))
      t.ok(neutral.has(kind), 'nothing tells a mail from none');
    await quiet({ database });
    while (mailedAfter.length < relay.received.length) mailedAfter.push(hours);
  }
  t.ok(relay.received.length <= 4, `${relay.received.length} mails in a day`);
  const gaps = mailedAfter.slice(1).map((at, index) => at - (mailedAfter[index] ?? 0));
  t.ok(
    gaps.every((gap, index) => gap > (gaps[index - 1] ?? 0)),
    `at growing gaps, in hours: ${gaps}`,
  );

  relay.received.length = 0;
  const addresses = Array.from({ length: 1_000 }, (_, index) => `someone${index}@target.example`);
  for (const kind of await askAll(addresses)) t.ok(neutral.has(kind), 'nor does anything tell of the cap');
  await quiet({ database });
  const mails = relay.received.length;
  t.ok(mails > 0 && mails <= 100, `mails to one domain stop at a cap: ${mails}`);
  await askAll(Array.from({ length: 40 }, (_, index) => `another${index}@target.example`));
  await quiet({ database });
  t.equal(relay.received.length, mails, 'and stay there');
  const capped = (await auditOf(service)).filter(({ action }) => action === 'form.capped');
  t.match(capped, [{ subject: 'domain target.example', detail: { letters: mails } }], 'admins see it');
  t.equal(capped.length, 1, 'once');
  const console = await openConsole(service);
  t.match(wordsOf((await console.get('/admin/audit')).body), /target\.example/, 'in the console too');

  t.equal((await send(service.url)).status, 200);
  t.equal((await oneClick(oneClickUrl(must(notice)))).status, 200, 'who wants to leave can');
  t.equal(await statusOf(service, 'ann@example.org'), 'unsubscribed');
  t.match(
    wordsOf((await sendForm(firstLink, {})).body),
    /You are subscribed/,
    'the link of the first mail is still good',
  );
});

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the relay has no such mail');
  return value;
}
