import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { simpleParser } from 'mailparser';
import t, { type Test } from 'tap';
import { z } from 'zod';
import {
  asAdmin,
  confirmedCsv,
  headerOf,
  importCsv,
  oneClick,
  oneClickUrl,
  outsideEnv,
  quiet,
  send,
  sendForm,
  statusOf,
  wordsOf,
} from '../bugs/outside.js';
import { openDatabase } from '../support/database.js';
import { freePort, startService, until } from '../support/process.js';
import { loaders, programPath } from '../support/program.js';

t.setTimeout(120_000);

const told = z.object({ user: z.string(), from: z.string(), to: z.array(z.string()), raw: z.string() });
interface Mail {
  user: string;
  from: string;
  to: string[];
  raw: Buffer;
}

/** A mail server that shares nothing with the service or the test but its port. */
async function startExternalRelay(t: Test, user: string, password: string) {
  const child = fork(programPath('test/faults/external-relay'), [user, password], { execArgv: [...loaders] });
  t.teardown(async () => {
    if (child.exitCode !== null) return;
    child.disconnect();
    await once(child, 'exit');
  });
  const mails: Mail[] = [];
  const [first] = await once(child, 'message');
  const { port } = z.object({ port: z.number() }).parse(first);
  child.on('message', (message) => {
    const { raw, ...envelope } = told.parse(message);
    mails.push({ ...envelope, raw: Buffer.from(raw, 'base64') });
  });
  const url = `smtp://${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1:${port}`;
  return { url, mails, to: (address: string) => mails.filter(({ to }) => to.includes(address)) };
}

/** A page's first form as a browser without JavaScript would send it: where to, and what is in it already. */
function formOf(html: string, page: string): { action: string; fields: Record<string, string> } {
  const [form = '', action = ''] =
    /<form[^>]*method="post"[^>]*action="([^"]+)"[^>]*>[\s\S]*?<\/form>/.exec(html) ?? [];
  const fields: Record<string, string> = {};
  for (const [input] of form.matchAll(/<input[^>]*>/g)) {
    const name = /\bname="([^"]*)"/.exec(input)?.[1];
    if (name !== undefined && !/type="checkbox"/.test(input)) fields[name] = /\bvalue="([^"]*)"/.exec(input)?.[1] ?? '';
  }
  for (const [, name = '', options = ''] of form.matchAll(/<select[^>]*name="([^"]*)"[^>]*>([\s\S]*?)<\/select>/g)) {
    fields[name] = /value="([^"]*)"[^>]*\bselected/.exec(options)?.[1] ?? '';
  }
  return { action: new URL(action, page).href, fields };
}

const day = 24 * 60 * 60 * 1000;
const instant = z.iso.datetime().transform((text) => Date.parse(text));
const dayOf = (at: number) => new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' }).format(at);

function expectedText(dates: { publicUrl: string; from: string; until: string }): string {
  return `Brightwave · Notice of changes to the list of sub-processors · Version 2

1 sub-processor changed, 1 data category changed, 1 editorial change

Brightwave is changing its list of sub-processors: the companies that process personal data on your behalf.

In effect from: ${dates.from}
Objections until: ${dates.until}, 24:00 UTC

See the full comparison of versions 1 and 2:
${dates.publicUrl}/compare/1...2

--------------------------------------------------------------------
Message from Brightwave:

Two vendors tell us more.

--------------------------------------------------------------------

====================================================================
MATERIAL CHANGES
They can add risk for the people whose data you entrust to us.

± Changed sub-processor: CloudFlare, Inc. (CloudFlare)
  (new location, location dropped)
  Data location
    + Added: Germany (Frankfurt)
    − Removed: Global

± Changed data category: passwords (Advocates)
  (longer retention period)
  Retention period
    Before: 1 year
    After: 3 years


====================================================================
WORDING AND DETAILS
No change in what happens to the data.

± Changed sub-processor: Twilio Inc.
  (was not stated before)
  Purpose
    Before: not stated
    After: Text messages & calls

====================================================================
HOW TO OBJECT

Use the form behind the link below; it needs no account. Or reply to this e-mail. Either way until the end of ${dates.until} (UTC).

If we have not heard from you by then, the changes apply from ${dates.from}, as your contract with us provides.

Object to these changes:
${dates.publicUrl}/objections/TOKEN

====================================================================

Unsubscribe:
${dates.publicUrl}/unsubscribe/TOKEN

Language and preferences:
${dates.publicUrl}/preferences/TOKEN

Version 2:
${dates.publicUrl}/versions/2

You get this e-mail because you subscribed to notices about changes to the sub-processors of Brightwave.

Brightwave
${dates.publicUrl}`;
}

const sample = readFileSync(new URL('../../samples/sub-processors.yaml', import.meta.url), 'utf8');

t.test('the whole story with a database and a mail server of somebody else’s, on two instances', async (t) => {
  const database = await openDatabase(t);
  const relay = await startExternalRelay(t, 'notices', 'p@ss:w/rd');
  const port = await freePort();
  const publicUrl = `http://127.0.0.1:${port}`;
  const env = outsideEnv({
    DATABASE_URL: database.url,
    SMTP_URL: relay.url,
    PUBLIC_URL: publicUrl,
    COMPANY_NAME: 'Brightwave',
    MAIL_FROM: 'Brightwave notices <notices@brightwave.example>',
  });
  const [one, two] = await Promise.all([startService(t, { ...env, PORT: String(port) }), startService(t, env)]);
  /** What a link leads to at the other instance. */
  const atTwo = (link: string) => link.replace(publicUrl, two.url);

  const putYaml = async (yaml: string) => {
    const headers = { 'content-type': 'application/yaml' };
    t.equal((await asAdmin(two, '/api/v1/draft', { method: 'PUT', headers, body: yaml })).status, 200);
  };
  await putYaml(sample);
  const first = await asAdmin(one, '/api/v1/versions', { method: 'POST', body: '{"notify":false}' });
  t.equal(first.status, 201);
  const others = Array.from({ length: 60 }, (_, n) => `customer${n}@example.org`);
  t.match(await importCsv(two, confirmedCsv(...others)), { imported: 60, skipped: 0 });

  // A customer sends the form to one instance and presses the button at the other.
  const customer = 'privacy@customer.example';
  const { action, fields } = formOf((await send(`${one.url}/subscribe`)).body, one.url);
  t.same(Object.keys(fields).sort(), ['company', 'email', 'locale', 'reference'], 'the form as it is served');
  const sent = await sendForm(action, { ...fields, email: customer, company: 'Customer & Sons' });
  t.equal(sent.status, 200);
  t.match(wordsOf(sent.body), /Look into your mailbox/);
  const asked = await until('the confirmation mail', async () => relay.to(customer)[0]);
  t.match(
    asked,
    { user: 'notices', from: 'notices@brightwave.example', to: [customer] },
    'by the account of the relay',
  );
  const { text: question = '' } = await simpleParser(asked.raw);
  const link = new RegExp(`${publicUrl}/confirm/\\S+`).exec(question)?.[0] ?? '';
  const page = await send(atTwo(link));
  t.equal(await statusOf(one, customer), 'pending', 'a look changes nothing');
  const button = formOf(page.body, two.url);
  const done = await sendForm(button.action, button.fields);
  t.match(wordsOf(done.body), /You are subscribed/);
  t.equal(await statusOf(one, customer), 'confirmed');
  await quiet({ database });
  t.equal(relay.to(customer).length, 2, 'the welcome came');

  // The officer changes two vendors and a retention period, and publishes at the first instance.
  const edited = sample
    .replace('retention: 1 year', 'retention: 3 years')
    .replace('dataLocations: [Global]', 'dataLocations: [Germany (Frankfurt)]')
    .replace('name: Twilio Inc.', 'name: Twilio Inc.\n    purposes: [Text messages & calls]');
  await putYaml(edited);
  relay.mails.length = 0;
  const published = await asAdmin(one, '/api/v1/versions', {
    method: 'POST',
    headers: { 'idempotency-key': 'the-change' },
    body: JSON.stringify({ message: 'Two vendors tell us more.' }),
  });
  t.equal(published.status, 201);
  await quiet({ database });

  const everybody = [...others, customer].sort();
  await until('the word of the relay', async () => relay.mails.length >= everybody.length);
  t.same(relay.mails.flatMap(({ to }) => to).sort(), everybody, 'each subscriber gets one mail');
  t.ok(
    relay.mails.every(({ user }) => user === 'notices'),
    'all of them by the account of the relay',
  );
  t.equal(new Set(relay.mails.map(({ raw }) => headerOf({ raw }, 'Message-ID'))).size, 61, 'each a message of its own');
  for (const service of [one, two]) {
    const { body } = await asAdmin(service, '/api/v1/versions/2/deliveries');
    t.match(
      JSON.parse(body),
      { counts: { queued: 0, sending: 0, sent: 61, deferred: 0 } },
      'and both instances say so',
    );
  }

  const [notice] = relay.to(customer);
  if (notice === undefined) throw new Error('there is no notice');
  const dates = z.object({ publishedAt: instant, effectiveAt: instant, objectionDeadline: instant });
  const { publishedAt, effectiveAt, objectionDeadline } = dates.parse(JSON.parse(published.body));
  t.equal(effectiveAt % day, 0, 'it takes effect at the beginning of a day');
  t.equal(effectiveAt, objectionDeadline, 'at which the window to object has just ended');
  t.ok(effectiveAt - publishedAt >= 30 * day && effectiveAt - publishedAt <= 31 * day, 'after a whole notice period');
  const from = dayOf(effectiveAt);
  const { subject, text = '', html } = await simpleParser(notice.raw);
  t.equal(
    subject,
    `1 sub-processor changed, 1 data category changed, 1 editorial change, from ${from} (Brightwave)`,
    'the subject says what changes, and from when',
  );
  t.strictSame(
    text
      .replace(/\/(objections|unsubscribe|preferences)\/[\w-]{30}$/gm, '/$1/TOKEN')
      .trim()
      .split('\n'),
    expectedText({ publicUrl, from, until: dayOf(objectionDeadline - 1) }).split('\n'),
    'the text part is the exact account of the change',
  );
  const words = wordsOf(String(html));
  for (const fact of [
    'CloudFlare, Inc.',
    'Germany (Frankfurt)',
    'Global',
    'passwords',
    'Advocates',
    '1 year',
    '3 years',
    'Twilio Inc.',
    'Text messages & calls',
    'not stated',
    'Two vendors tell us more.',
    from,
  ]) {
    t.ok(words.includes(fact), `the HTML part says ${fact}`);
  }
  for (const unchanged of ['Intercom', 'Salesforce', 'Redis', 'interests']) {
    t.ok(sample.toLowerCase().includes(unchanged.toLowerCase()), `${unchanged} is in the list`);
    t.notOk(words.toLowerCase().includes(unchanged.toLowerCase()), `and not in the notice, as nothing changes for it`);
  }
  for (const url of text.match(/http\S+/g) ?? []) t.ok(String(html).includes(`"${url}"`), `${url} is in the HTML part`);
  t.equal(headerOf(notice, 'To'), customer);
  t.equal(headerOf(notice, 'From'), 'Brightwave notices <notices@brightwave.example>');

  // One click of the mail program ends it, for this person and at once.
  t.equal(headerOf(notice, 'List-Unsubscribe-Post'), 'List-Unsubscribe=One-Click');
  const click = await oneClick(oneClickUrl(notice));
  t.equal(click.status, 200);
  t.match(wordsOf((await send(atTwo(oneClickUrl(notice)))).body), /You are unsubscribed/, 'the other instance knows');
  relay.mails.length = 0;
  await putYaml(edited.replace('retention: 3 years', 'retention: 4 years'));
  t.equal((await asAdmin(two, '/api/v1/versions', { method: 'POST', body: '{}' })).status, 201);
  await quiet({ database });
  // The relay is a process of its own, whose word comes after the answer that the service has booked.
  await until('the word of the relay', async () => relay.mails.length >= others.length);
  t.same(relay.mails.flatMap(({ to }) => to).sort(), [...others].sort(), 'the next notice goes to the others');
});
