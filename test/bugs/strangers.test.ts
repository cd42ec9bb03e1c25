import { simpleParser } from 'mailparser';
import t from 'tap';
import { z } from 'zod';
import { openDatabase } from '../support/database.js';
import { runCommand, type Service, startService, temporaryFolder } from '../support/process.js';
import {
  type Answer,
  asAdmin,
  confirmedCsv,
  dump,
  headerOf,
  importCsv,
  linkTo,
  listOf,
  type Outside,
  outsideEnv,
  postCsv,
  publish,
  quiet,
  send,
  sendForm,
  sendJson,
  startOutside,
  subscribers,
  wordsOf,
} from './outside.js';
import { startRawSmtp } from './raw-smtp.js';

/*
 * Faults that strangers have made use of in systems like this one: clever addresses, line breaks where a
 * header begins, headers that a client wrote itself.
 */

t.setTimeout(120_000);

const problem = z.object({
  status: z.number(),
  detail: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});

/** Each of them reads, to some program, as mail to somebody at evil.example. */
const cleverAddresses = [
  '"mallory@evil.example x"@example.org',
  '"a> ORCPT=rfc822;x@evil.example"@example.org',
  'user@good.example(x)evil.example',
  'a@example.org,b@evil.example',
  '<a@example.org>',
  'a@example.org\r\nBcc: b@evil.example',
];

const breaks = { 'CR LF': '\r\n', 'a lone CR': '\r', 'U+2028': '\u2028', NUL: '\0' };
const breakable = Object.entries(breaks).map(([name, sign]) => ({ name, text: `Good${sign}Bcc: b@evil.example` }));
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/** What every mail has, and what notices and the welcome letter have as well. */
const usualHeaders = ['auto-submitted', 'content-type', 'date', 'from', 'message-id', 'mime-version', 'subject', 'to'];
const listHeaders = ['list-archive', 'list-help', 'list-id', 'list-unsubscribe', 'list-unsubscribe-post'];

t.test('case 20: a clever address or line break reaches no envelope and no header', async (t) => {
  const database = await openDatabase(t);
  const relay = await startRawSmtp(t);
  const env = { DATABASE_URL: database.url, SMTP_URL: relay.url, TRUST_PROXY: '127.0.0.1' };
  const service = await startService(t, outsideEnv(env));
  const outside = { database, service };
  let client = 0;
  /** Each request comes from another client, so that no limit is in the way. */
  const another = () => {
    client += 1;
    return { 'x-forwarded-for': `198.51.100.${client}` };
  };
  const form = (fields: Record<string, string | string[]>) => sendForm(`${service.url}/subscribe`, fields, another());
  const api = (body: unknown) => sendJson(`${service.url}/api/v1/subscriptions`, body, another());
  /** The form is shown again: the summary and the field both say which field it is. */
  const formNames = (answer: Answer, field: string, what: string) => {
    t.ok(answer.status >= 400 && answer.status < 500, `form, ${what}: ${answer.status}`);
    t.ok(answer.body.includes(`href="#${field}"`), `form, ${what}: the summary names ${field}`);
    t.match(answer.body, new RegExp(`id="${field}"[^>]*aria-invalid="true"`), `form, ${what}: the field is marked`);
  };
  const apiNames = (answer: Answer, path: string, what: string) => {
    t.ok(answer.status >= 400 && answer.status < 500, `${what}: ${answer.status}`);
    t.match(answer.headers['content-type'], /^application\/problem\+json/);
    const { errors = [] } = problem.parse(JSON.parse(answer.body));
    t.ok(
      errors.some((error) => error.path === path),
      `${what}: names ${path} (${errors.map((error) => error.path).join(', ')})`,
    );
  };
  await publish(service, listOf('Nordwind'), { notify: false });
  const before = await dump(database.pool);

  for (const email of cleverAddresses) {
    const what = JSON.stringify(email);
    formNames(await form({ email }), 'email', what);
    apiNames(await api({ email }), 'email', what);
    for (const status of ['confirmed', '']) {
      const csv = `email,status,consent\n"${email.replaceAll('"', '""')}",${status},signed\n`;
      const { imported, skipped, errors } = await importCsv(service, csv);
      t.same({ imported, skipped }, { imported: 0, skipped: 1 }, `import, ${what}: refused`);
      t.match(errors, [{ line: 2, message: /^email / }], `import, ${what}: with its line and the field`);
    }
  }
  formNames(await form({ email: ['a@example.org', 'b@evil.example'] }), 'email', 'email twice');
  formNames(await form({ email: ['a@example.org', 'a@example.org'] }), 'email', 'the same email twice');
  for (const email of [
    ['a@example.org'],
    ['a@example.org', 'b@evil.example'],
    [],
    { address: 'a@example.org' },
    null,
    7,
  ]) {
    apiNames(await api({ email }), 'email', `email as ${JSON.stringify(email)}`);
  }
  const twoColumns = await postCsv(service, 'email,email\na@example.org,b@evil.example\n');
  t.ok(twoColumns.status >= 400 && twoColumns.status < 500, 'a file with two columns "email"');
  t.match(twoColumns.body, /\\"email\\"/, 'is refused by that name');

  for (const { name, text } of breakable) {
    formNames(await form({ email: 'a@example.org', company: text }), 'company', `${name} in company`);
    apiNames(await api({ email: 'a@example.org', company: text }), 'company', `${name} in company`);
    const put = (body: string, type: string) =>
      asAdmin(service, '/api/v1/draft', { method: 'PUT', headers: { 'content-type': type }, body });
    const list = listOf('Nordwind', text);
    apiNames(await put(JSON.stringify(list), 'application/json'), 'subProcessors.1.name', `${name} in a vendor’s name`);
    // JSON is YAML, escapes included.
    const yaml = await put(JSON.stringify(list), 'application/yaml');
    apiNames(yaml, 'subProcessors.1.name', `${name} in a vendor’s name, as YAML`);
  }
  const nul = await asAdmin(service, '/api/v1/versions', {
    method: 'POST',
    body: JSON.stringify({ message: breakable.at(-1)?.text }),
  });
  apiNames(nul, 'message', 'NUL in message');

  const { letter_limits: _one, domain_limits: _two, ...after } = await dump(database.pool);
  const { letter_limits: _three, domain_limits: _four, ...untouched } = before;
  t.strictSame(after, untouched, 'nothing of all that was taken');
  t.same(relay.lines, [], 'and nobody was mailed');

  // What is an address, however odd, is mailed as it is; what a spreadsheet has broken into lines is one.
  const odd = [
    "o'brien+dpo@example.org",
    'a&b=c{x}|y~z!#$%*/?^_`@example.org',
    'x@xn--bcher-kva.example',
    '-dash@example.org',
  ];
  t.equal((await form({ email: odd[0] ?? '' })).status, 200);
  t.equal((await api({ email: odd[1] })).status, 202);
  const rows = breakable.map(({ text }, index) => `row${index}@example.org,"${text}",confirmed,signed\n`).join('');
  const result = await importCsv(
    service,
    `email,company,status,consent\n${odd[2]},,,\n${odd[3]},,confirmed,signed\n${rows}`,
  );
  t.same(
    result.errors.filter(({ message }) => !message.startsWith('company ')),
    [],
    'import: a company is taken as one line, or refused by name',
  );
  const companies = z.object({ subscribers: z.array(z.object({ company: z.string().nullable() })) });
  const listed = companies.parse(JSON.parse((await asAdmin(service, '/api/v1/subscribers?limit=1000')).body));
  t.same(
    listed.subscribers.filter(({ company }) => controls.test(company ?? '')),
    [],
    'no company holds a control character',
  );

  // A message may have paragraphs. Whatever is taken must stay in the body.
  const names = ['Nordwind'];
  for (const { name, text } of breakable.slice(0, -1)) {
    names.push(`Vendor for ${name}`);
    await publish(service, listOf(...names), { message: text });
  }
  await quiet(outside);

  const known = new Set((await subscribers(service)).map(({ email }) => email));
  for (const address of odd) t.ok(known.has(address), `${address} is kept as it was entered`);
  for (const { envelope, data } of relay.mails) {
    const [from, to, ...more] = envelope;
    t.match(from, /^MAIL FROM:<notices@localhost>( BODY=8BITMIME| SIZE=\d+)*$/, 'MAIL has the sender and nothing else');
    const address = /^RCPT TO:<(.*)>$/s.exec(to ?? '')?.[1] ?? '';
    t.ok(known.has(address), `RCPT is the whole address: ${to}`);
    t.same(more, [], 'one recipient a mail');
    const head = data.subarray(0, data.indexOf('\r\n\r\n')).toString('latin1');
    t.notMatch(head, /evil\.example/, 'no header has a word of the strangers');
    const { headerLines, bcc } = await simpleParser(data);
    const keys = headerLines.map(({ key }) => key).sort();
    const expected = keys.includes('list-id') ? [...usualHeaders, ...listHeaders].sort() : usualHeaders;
    t.strictSame(keys, expected, 'the headers are the expected ones, each once');
    t.equal(headerOf({ raw: data }, 'To'), address, 'To is that address');
    t.equal(bcc, undefined);
  }
  t.same(
    relay.lines.filter((line) => line.includes('evil.example')),
    [],
    'evil.example is in no envelope',
  );
  const told = relay.mails.map(({ envelope }) => envelope[1]);
  for (const address of odd) t.ok(told.includes(`RCPT TO:<${address}>`), `${address} has its mail`);
});

t.test('case 20: a company name with a line break stops the start with one line', async (t) => {
  for (const { name, text } of breakable) {
    // No environment can hold a NUL.
    if (name === 'NUL') continue;
    const env = outsideEnv({ DATA_DIR: temporaryFolder(t), COMPANY_NAME: text });
    const { code, stdout, stderr } = await runCommand(['serve'], env);
    t.equal(code, 1, name);
    t.match(stderr, /^COMPANY_NAME: [^\n]+\n$/, `${name}: one line with the name of the setting`);
    t.notMatch(stderr, /Bcc/, `${name}: which does not repeat what it complains of`);
    t.equal(stdout, '');
  }
});

/** Forms until the first 429, with what `headersOf` puts on the n-th; how many were answered, and that answer. */
async function useUp(service: Service, headersOf: (n: number) => Record<string, string>, most: number) {
  const statuses: number[] = [];
  let last: Answer | null = null;
  for (let n = 0; n < most; n += 1) {
    last = await sendForm(`${service.url}/subscribe`, { email: `p${n}@customer${n}.example` }, headersOf(n));
    statuses.push(last.status);
  }
  const taken = statuses.filter((status) => status === 200).length;
  return { statuses, taken, last };
}

const randomAddress = () => Array.from({ length: 4 }, () => 1 + Math.floor(Math.random() * 250)).join('.');

t.test('case 27: without TRUST_PROXY no header gets past the limit of the form', async (t) => {
  const { service } = await startOutside(t);
  const forged = () => ({
    'x-forwarded-for': `${randomAddress()}, ${randomAddress()}`,
    'x-real-ip': randomAddress(),
    'x-client-ip': randomAddress(),
    'true-client-ip': randomAddress(),
    'cf-connecting-ip': randomAddress(),
    forwarded: `for=${randomAddress()}`,
  });
  const { statuses, taken, last } = await useUp(service, forged, 200);
  t.ok(taken > 0 && taken < 100, `the usual number is ${taken}`);
  t.same(new Set(statuses.slice(0, taken)), new Set([200]));
  t.same(new Set(statuses.slice(taken)), new Set([429]), 'from then on each form is refused');
  t.match(last?.headers['retry-after'], /^\d+$/, 'with a time to come back');
  t.match(last?.headers['content-type'], /^text\/html/, 'and a page');
  const api = await sendJson(`${service.url}/api/v1/subscriptions`, { email: 'api@example.org' }, forged());
  t.equal(api.status, 429, 'the API has no limit of its own to use up');
  t.equal((await send(service.url, { headers: forged() })).status, 200, 'reading has no limit');
});

t.test('case 27: behind a proxy each client has a limit, and forged parts change nothing', async (t) => {
  const { service } = await startOutside(t, { env: { TRUST_PROXY: '127.0.0.1' } });
  /** What a proxy hands on: what the client wrote, and then the client's own address. */
  const behind = (client: string) => () => ({
    'x-forwarded-for': `${randomAddress()}, ${client}`,
    'x-real-ip': randomAddress(),
    forwarded: `for=${randomAddress()}`,
  });
  const first = await useUp(service, behind('198.51.100.7'), 70);
  t.ok(first.taken < 70, `the first client is limited after ${first.taken}`);
  t.equal(first.statuses.lastIndexOf(200), first.taken - 1, 'for good');
  const second = await useUp(service, behind('198.51.100.8'), 70);
  t.equal(second.taken, first.taken, 'the second has a whole limit of their own');
  // Somebody else's address in front is nobody's.
  const robbed = () => ({ 'x-forwarded-for': '198.51.100.9, 198.51.100.7' });
  t.equal((await useUp(service, robbed, 1)).taken, 0, 'the first client cannot pass for a third');
  t.equal((await useUp(service, behind('198.51.100.9'), 1)).taken, 1, 'who has lost nothing by it');
});

/** Every web address that a mail holds: text, HTML, headers. */
async function linksOf(relay: Outside['relay']): Promise<string[]> {
  const links: string[] = [];
  for (const mail of relay.received) {
    const { html } = await mail.parse();
    links.push(...(await mail.links()));
    for (const [, link = ''] of String(html).matchAll(/(?:href|src|action)="(https?:[^"]*)"/g)) links.push(link);
    const head = mail.raw.subarray(0, mail.raw.indexOf('\r\n\r\n')).toString('latin1');
    links.push(...(head.match(/https?:\/\/[^\s<>]+/g) ?? []));
  }
  return links;
}

for (const trusted of [false, true]) {
  const title = trusted ? 'behind a trusted proxy' : 'without a proxy';
  t.test(`case 27: links are made from PUBLIC_URL, whatever host a client names, ${title}`, async (t) => {
    const publicUrl = 'https://notices.example.org/trust';
    const outside = await startOutside(t, {
      env: { PUBLIC_URL: publicUrl, EMBED_ORIGINS: '*', ...(trusted ? { TRUST_PROXY: '127.0.0.1' } : {}) },
    });
    const { relay, service } = outside;
    const evil = { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' };
    const here = (link: string) => link.replace(publicUrl, service.url);

    // A stranger is the first to ask for anything: what they get may not stay for others.
    const lists = ['/', '/?q=nordwind', '/versions', '/versions/1', '/compare/1...2', '/list.json', '/versions/2.json'];
    const day = new Date().toISOString().slice(0, 10);
    const paths = [...lists, '/subscribe', '/sub-processors/nordwind', `/at/${day}`, `/at/${day}.json`];
    const feeds = ['/feed.atom', '/feed.json'];
    const others = [
      ...['/calendar.ics', '/versions/2.ics', '/list.pdf', '/versions/2.pdf', '/compare/1...2.pdf', '/list.xlsx'],
      ...['/versions/2.xlsx', '/versions/2.csv', '/compare/1...2.csv', '/share.png', '/sitemap.xml', '/robots.txt'],
      ...['/.well-known/sub-processors.json', '/schemas/list.json', '/openapi.json', '/api'],
      ...['/embed', '/embed.json', '/embed.js'],
    ];
    await publish(service, listOf('Nordwind'), { notify: false });
    await importCsv(service, confirmedCsv('told@example.org'));
    const draft = JSON.stringify(listOf('Nordwind', 'Letterbird'));
    await asAdmin(service, '/api/v1/draft', { method: 'PUT', headers: evil, body: draft });
    const published = await asAdmin(service, '/api/v1/versions', { method: 'POST', headers: evil, body: '{}' });
    t.equal(published.status, 201);
    t.match(published.headers.location, new RegExp(`^${publicUrl}/`), 'Location of a publication');
    for (const path of [...paths, ...feeds, ...others]) {
      const [forged, plain] = [await send(service.url + path, { headers: evil }), await send(service.url + path)];
      t.equal(forged.status, 200, path);
      t.notMatch(JSON.stringify(forged.headers) + forged.body, /evil\.example/, `${path}, asked for at evil.example`);
      t.notMatch(JSON.stringify(plain.headers) + plain.body, /evil\.example/, `${path}, asked for plainly after that`);
      t.equal(plain.body, forged.body, `${path} is the same for both`);
    }
    for (const path of feeds) {
      const { body } = await send(service.url + path, { headers: evil });
      const links = path.endsWith('.json')
        ? [...body.matchAll(/"(?:\w*_?url)":\s*"([^"]+)"/g)].map(([, link]) => link)
        : [...body.matchAll(/<link[^>]*href="([^"]+)"/g)].map(([, link]) => link);
      t.ok(links.length >= 3, `${path} has links`);
      t.same(
        links.filter((link) => !`${link}/`.startsWith(`${publicUrl}/`)),
        [],
        `${path}: all begin with PUBLIC_URL`,
      );
    }
    for (const path of ['/feed', '/compare?from=1&to=2', '/admin', '/admin/draft']) {
      const { status, headers } = await send(service.url + path, { headers: evil });
      t.ok(status >= 300 && status < 400, `${path} is a redirect`);
      t.match(headers.location, new RegExp(`^${publicUrl}/`), `${path} leads to PUBLIC_URL`);
    }

    // Form, confirmation, welcome, notice and letters, each caused by a request to evil.example.
    const email = 'victim@example.org';
    const form = await sendForm(`${service.url}/subscribe`, { email }, evil);
    t.equal(form.status, 200);
    t.notMatch(form.body, /evil\.example/);
    await quiet(outside);
    const confirm = here(await linkTo(relay, email, 'confirm'));
    const confirmed = await sendForm(confirm, {}, evil);
    t.match(wordsOf(confirmed.body), /You are subscribed/);
    await sendForm(`${service.url}/subscribe`, { email }, evil);
    await sendJson(`${service.url}/api/v1/subscriptions`, { email: 'second@example.org' }, evil);
    await quiet(outside);
    await sendForm(`${here(await linkTo(relay, email, 'preferences'))}/manage-link`, {}, evil);
    const { html } = (await relay.mailTo('told@example.org')[0]?.parse()) ?? {};
    t.ok(html, 'the notice is among the mails');
    await quiet(outside);
    const links = await linksOf(relay);
    for (const part of ['confirm', 'unsubscribe', 'preferences', 'manage', 'objections', 'compare', 'versions']) {
      t.ok(
        links.some((link) => link.startsWith(`${publicUrl}/${part}/`)),
        `a mail has a link to /${part}`,
      );
    }
    t.same(
      links.filter((link) => !`${link}/`.startsWith(`${publicUrl}/`)),
      [],
      'all links in mail begin with PUBLIC_URL',
    );
    for (const { raw } of relay.received) t.notMatch(raw.toString('latin1'), /evil\.example/);
  });
}
