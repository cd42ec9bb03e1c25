import type { InjectOptions } from 'fastify';
import t from 'tap';
import { formLimit } from '../../src/routes/form-limit.js';
import { networkOf } from '../../src/routes/network.js';
import { signLink } from '../../src/subscribers/tokens.js';
import { startApp, type TestApp } from '../support/app.js';
import {
  dump,
  linkTo,
  listYaml,
  newVendor,
  publishList,
  sendForm,
  statusOf,
  subscribeAndConfirm,
  textOf,
} from './support.js';

type Answer = Awaited<ReturnType<typeof sendForm>>;

/** What an answer tells about the address, once what was typed is taken out. */
function shapeOf(answer: Answer, typed: string) {
  const { date: _date, ...headers } = answer.headers;
  const cookies = answer.cookies.map(({ name, value, ...attributes }) => ({
    name,
    length: value.length,
    ...attributes,
  }));
  delete headers['set-cookie'];
  for (const name of Object.keys(headers)) {
    if (name.startsWith('x-ratelimit') || name === 'content-length') delete headers[name];
  }
  return { status: answer.statusCode, headers, cookies, body: answer.body.replaceAll(typed, 'TYPED') };
}

async function idOf(app: TestApp, email: string): Promise<number> {
  const { rows } = await app.database.pool.query('select id from subscribers where email_key = $1', [email]);
  return Number(rows[0]?.id);
}

t.test('the form answers the same for every address', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  await sendForm(app, '/subscribe', { email: 'pending@example.org' });
  await subscribeAndConfirm(app, 'confirmed@example.org');
  await subscribeAndConfirm(app, 'left@example.org');
  await app.inject({ method: 'POST', url: await linkTo(app, 'left@example.org', 'unsubscribe') });
  await subscribeAndConfirm(app, 'bounced@example.org');
  await app.database.pool.query(
    `insert into suppressions (email_hash, reason, created_at)
     select email_hash, 'hard-bounce', now() from subscribers where email = 'bounced@example.org'`,
  );
  app.clock.advance({ days: 3 });
  const people = async () => (await dump(app)).subscribers;
  const before = await people();

  const shapes = [];
  for (const name of ['pending', 'confirmed', 'left', 'bounced', 'unknown']) {
    const email = `${name}@example.org`;
    shapes.push(shapeOf(await sendForm(app, '/subscribe', { email }), email));
  }
  for (const shape of shapes) t.same(shape, shapes[0]);
  t.equal(shapes[0]?.status, 200);
  t.equal(shapes[0]?.cookies.length, 1);
  t.match(shapes[0]?.cookies[0], { name: 'browser', httpOnly: true, sameSite: 'Lax', path: '/' });

  const after = (await people())?.filter((row) => JSON.stringify(row).includes('unknown@') === false);
  t.same(after, before, 'a stranger changes nobody');

  const trapped = await sendForm(app, '/subscribe', { email: 'robot@example.org', reference: 'https://spam.example' });
  t.same(shapeOf(trapped, 'robot@example.org'), shapes[0], 'a robot in the trap sees no difference either');
  t.equal(await statusOf(app, 'robot@example.org'), undefined);

  const sent = app.relay.received.length;
  await app.settle();
  const mail = app.relay.received.slice(sent);
  t.same(mail.map(({ to }) => to[0]).sort(), [
    'bounced@example.org',
    'confirmed@example.org',
    'left@example.org',
    'pending@example.org',
    'unknown@example.org',
  ]);
});

t.test('what cannot be an address is refused with the field named and the words kept', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  const wrong = [
    '"mallory@evil.example x"@example.org',
    '"a> ORCPT=rfc822;x@evil.example"@example.org',
    'user@good.example(x)evil.example',
    'a@example.org,b@evil.example',
    '<a@example.org>',
    'a@example.org\r\nBcc: b@evil.example',
    'no address',
    '',
  ];
  for (const email of wrong) {
    const answer = await sendForm(app, '/subscribe', { email, company: 'Kept & Co', services: 'surveys' });
    t.equal(answer.statusCode, 422, JSON.stringify(email));
    t.match(answer.body, /<a href="#email">/, 'the summary leads to the field');
    t.match(answer.body, /id="email"[^>]*aria-describedby="email-error email-hint"[^>]*aria-invalid="true"/);
    t.match(answer.body, /value="Kept &amp; Co"/);
    t.match(answer.body, /value="surveys" checked/);
  }
  const twice = await sendForm(app, '/subscribe', { email: ['a@example.org', 'b@evil.example'] });
  t.equal(twice.statusCode, 422);
  t.match(textOf(twice.body), /one e-mail address only/);

  const companies = ['A\r\nBcc: b@evil.example', 'A\rB', 'A\u2028B', 'A\u0000B', 'x'.repeat(201)];
  for (const [index, company] of companies.entries()) {
    const answer = await sendForm(app, '/subscribe', { email: 'a@example.org', company });
    t.equal(answer.statusCode, 422, `company ${index}`);
    t.match(answer.body, /<a href="#company">/);
  }
  const service = await sendForm(app, '/subscribe', { email: 'a@example.org', services: 'unheard-of' });
  t.equal(service.statusCode, 422);
  t.match(service.body, /<a href="#services">/);

  await app.settle();
  t.equal(app.relay.commands.length, 0, 'nothing was mailed');
});

t.test('the consent that was read is the consent that is kept, in its language', async (t) => {
  const app = await startApp(t, { env: { COMPANY_NAME: 'Beispiel & Söhne' } });
  const page = await app.inject({ url: '/subscribe', headers: { 'accept-language': 'de-AT,de;q=0.9' } });
  const consent = /<p class="consent">([^<]+)<\/p>/.exec(page.body)?.[1]?.replace('&amp;', '&');
  await sendForm(app, '/subscribe', { email: 'a@example.org' }, { headers: { 'accept-language': 'de-AT,de;q=0.9' } });
  const { rows } = await app.database.pool.query('select detail from subscriber_events');
  t.equal(rows[0]?.detail.wording, consent);
  t.match(consent, /Beispiel & Söhne/);
  t.match(page.body, /<option value="de" lang="de" selected>/);
  t.equal(page.headers['set-cookie'], undefined, 'a look at the form sets no cookie');
});

t.test('a link to confirm shows a button, and only the button confirms', async (t) => {
  const app = await startApp(t);
  await sendForm(app, '/subscribe', { email: 'anna@example.org', company: 'Example & Co' });
  await app.settle();
  const link = await linkTo(app, 'anna@example.org', 'confirm');
  const page = await app.inject({ url: link });
  t.equal(page.statusCode, 200);
  t.match(page.body, /<form method="post"/);
  t.match(textOf(page.body), /a•••@e•••\.org/);
  t.match(page.headers, {
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
    'x-robots-tag': /noindex/,
  });
  t.equal(await statusOf(app, 'anna@example.org'), 'pending');

  const done = await app.inject({ method: 'POST', url: link });
  t.equal(done.statusCode, 200);
  t.match(textOf(done.body), /You are subscribed/);
  t.equal(await statusOf(app, 'anna@example.org'), 'confirmed');
  t.equal((await app.inject({ method: 'POST', url: link })).statusCode, 200, 'a second time is harmless');
  const again = await app.inject({ url: link });
  t.equal(again.statusCode, 200);
  t.match(textOf(again.body), /All is well/);
});

t.test('the browser that sent the form confirms by opening the link, no other does', async (t) => {
  const app = await startApp(t);
  const sent = await sendForm(app, '/subscribe', { email: 'anna@example.org' });
  const cookie = sent.cookies[0]?.value ?? '';
  const second = await sendForm(app, '/subscribe', { email: 'ben@example.org' }, { cookies: { browser: cookie } });
  t.equal(second.cookies[0]?.value, cookie, 'a valid nonce is kept');
  const forged = `${'A'.repeat(22)}.${'B'.repeat(43)}`;
  const third = await sendForm(app, '/subscribe', { email: 'cleo@example.org' }, { cookies: { browser: forged } });
  t.not(third.cookies[0]?.value, forged);
  const foreign = await sendForm(
    app,
    '/subscribe',
    { email: 'dora@example.org' },
    { cookies: { browser: cookie }, headers: { 'sec-fetch-site': 'cross-site' } },
  );
  t.equal(foreign.statusCode, 200);
  await app.settle();

  const link = await linkTo(app, 'anna@example.org', 'confirm');
  const others: Record<string, InjectOptions> = {
    'without a cookie': { url: link },
    'with a forged cookie': { url: link, cookies: { browser: forged } },
    "with another browser's cookie": { url: link, cookies: { browser: third.cookies[0]?.value ?? '' } },
    'by HEAD': { method: 'HEAD', url: link, cookies: { browser: cookie } },
    'ahead of the click': { url: link, cookies: { browser: cookie }, headers: { 'sec-purpose': 'prefetch' } },
    'as a picture': { url: link, cookies: { browser: cookie }, headers: { 'sec-fetch-mode': 'no-cors' } },
  };
  for (const [how, request] of Object.entries(others)) {
    await app.inject(request);
    t.equal(await statusOf(app, 'anna@example.org'), 'pending', how);
  }
  const opened = await app.inject({ url: link, cookies: { browser: cookie } });
  t.match(textOf(opened.body), /You are subscribed/);
  t.equal(await statusOf(app, 'anna@example.org'), 'confirmed');

  const dora = await linkTo(app, 'dora@example.org', 'confirm');
  await app.inject({ url: dora, cookies: { browser: cookie } });
  t.equal(await statusOf(app, 'dora@example.org'), 'pending', 'a form that another site sent is no click of one’s own');
});

t.test('late, used or mangled links say so and offer a new one; who has left can come back', async (t) => {
  const app = await startApp(t);
  await sendForm(app, '/subscribe', { email: 'late@example.org' });
  await app.settle();
  const late = await linkTo(app, 'late@example.org', 'confirm');
  app.clock.advance({ hours: 49 });
  for (const method of ['GET', 'POST'] as const) {
    const over = await app.inject({ method, url: late });
    t.equal(over.statusCode, 410);
    t.match(textOf(over.body), /run out/);
    t.match(over.body, /<form class="form" method="post" action="\/subscribe"/);
  }
  t.equal(await statusOf(app, 'late@example.org'), 'pending');
  await sendForm(app, '/subscribe', { email: 'late@example.org' });
  await app.settle();
  const fresh = await linkTo(app, 'late@example.org', 'confirm');
  t.not(fresh, late);
  await app.inject({ method: 'POST', url: fresh });
  t.equal(await statusOf(app, 'late@example.org'), 'confirmed');

  const unknown = await app.inject({ url: `${fresh.slice(0, -1)}x` });
  t.equal(unknown.statusCode, 404);
  t.match(unknown.body, /name="email"/);

  await app.settle();
  await app.inject({ method: 'POST', url: await linkTo(app, 'late@example.org', 'unsubscribe') });
  const used = await app.inject({ url: fresh });
  t.equal(used.statusCode, 410);
  t.match(textOf(used.body), /been used/);

  app.clock.advance({ days: 2 });
  await sendForm(app, '/subscribe', { email: 'late@example.org' });
  await app.settle();
  t.equal(await statusOf(app, 'late@example.org'), 'unsubscribed', 'asking alone brings nobody back');
  await app.inject({ method: 'POST', url: await linkTo(app, 'late@example.org', 'confirm') });
  t.equal(await statusOf(app, 'late@example.org'), 'confirmed');
});

t.test('one click unsubscribes, whatever the mail program sends', async (t) => {
  const app = await startApp(t);
  await subscribeAndConfirm(app, 'limit@example.org');
  const pair = 'List-Unsubscribe=One-Click';
  const multipart = `--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n`;
  const clicks: Record<string, { headers?: Record<string, string>; payload?: string }> = {
    a: { headers: { 'content-type': 'application/x-www-form-urlencoded' }, payload: pair },
    b: { headers: { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' }, payload: pair },
    c: { headers: { 'content-type': 'multipart/form-data; boundary=x' }, payload: multipart },
    d: {
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        origin: 'https://mail.example',
        'sec-fetch-site': 'cross-site',
      },
      payload: pair,
    },
    g: {},
    h: { headers: { 'content-type': 'text/plain' }, payload: pair },
    json: { headers: { 'content-type': 'application/json' }, payload: '{ broken' },
    nonsense: { headers: { 'content-type': 'what ever; ; =' }, payload: pair },
    'no-type': { payload: pair },
  };
  for (const [name, click] of Object.entries(clicks)) {
    const email = `${name}@example.org`;
    await subscribeAndConfirm(app, email);
    const answer = await app.inject({ method: 'POST', url: await linkTo(app, email, 'unsubscribe'), ...click });
    t.equal(answer.statusCode, 200, name);
    t.equal(answer.headers['set-cookie'], undefined);
    t.equal(await statusOf(app, email), 'unsubscribed', name);
  }

  for (let tries = 0; tries < formLimit.max; tries++) {
    await sendForm(app, '/subscribe', { email: `n${tries}@example.org` }, { from: '198.51.100.7' });
  }
  const limited = await sendForm(app, '/subscribe', { email: 'one-more@example.org' }, { from: '198.51.100.7' });
  t.equal(limited.statusCode, 429);
  t.ok(limited.headers['retry-after']);
  const limit = await linkTo(app, 'limit@example.org', 'unsubscribe');
  const fromThere = await app.inject({ method: 'POST', url: limit, payload: pair, remoteAddress: '198.51.100.7' });
  t.equal(fromThere.statusCode, 200, 'a used-up limit of the form does not hold anybody here');

  await subscribeAndConfirm(app, 'twice@example.org');
  const twice = await linkTo(app, 'twice@example.org', 'unsubscribe');
  const both = await Promise.all([1, 2].map(() => app.inject({ method: 'POST', url: twice, payload: pair })));
  app.clock.advance({ days: 1 });
  both.push(await app.inject({ method: 'POST', url: twice, payload: pair }));
  t.same(
    both.map(({ statusCode }) => statusCode),
    [200, 200, 200],
  );
  const { rows } = await app.database.pool.query(
    `select count(*)::integer as n from audit_log where action = 'subscriber.unsubscribed' and subject = $1`,
    [`subscriber ${await idOf(app, 'twice@example.org')}`],
  );
  t.equal(rows[0]?.n, 1, 'it is in the audit once');

  await subscribeAndConfirm(app, 'stays@example.org');
  const right = await linkTo(app, 'stays@example.org', 'unsubscribe');
  const before = await dump(app);
  for (let place = '/unsubscribe/'.length; place < right.length; place += 7) {
    const other = right[place] === 'A' ? 'B' : 'A';
    const wrong = right.slice(0, place) + other + right.slice(place + 1);
    const answer = await app.inject({ method: 'POST', url: wrong, payload: pair });
    t.equal(answer.statusCode, 404);
  }
  t.same(await dump(app), before, 'a token with one character changed does nothing');
});

t.test('machines that read every link of every mail change nothing', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  await subscribeAndConfirm(app, 'anna@example.org');
  await app.inject({ method: 'POST', url: `${await linkTo(app, 'anna@example.org', 'preferences')}/manage-link` });
  await publishList(app, listYaml(newVendor));
  await sendForm(app, '/subscribe', { email: 'pending@example.org' });
  await sendForm(app, '/subscribe', { email: 'anna@example.org' });
  await app.settle();

  const links = new Set<string>();
  for (const mail of app.relay.received) {
    const { html, headers } = await mail.parse();
    for (const link of await mail.links()) links.add(link);
    for (const [, link] of String(html).matchAll(/href="([^"]+)"/g)) if (link) links.add(link.replaceAll('&amp;', '&'));
    const header = JSON.stringify(headers.get('list') ?? '');
    for (const [link] of header.matchAll(/https?:[^"]+/g)) links.add(link);
  }
  const { publicUrl } = app.deps.config;
  const ours = (found: Iterable<string>) => [...found].filter((link) => link.startsWith(publicUrl));
  const paths = new Set(ours(links).map((link) => new URL(link).pathname + new URL(link).search));
  for (const part of ['confirm', 'unsubscribe', 'preferences', 'objections', 'manage', 'versions']) {
    t.ok(
      [...paths].some((path) => path.startsWith(`/${part}/`)),
      `the mails have a link to /${part}`,
    );
  }
  const before = await dump(app);
  const agents = ['Mozilla/5.0 (compatible; mail gateway)', 'Phishing Simulator/2.0'];
  const visit = async (path: string) => {
    const pages: string[] = [];
    for (const agent of agents) {
      for (const method of ['GET', 'HEAD', 'OPTIONS'] as const) {
        const requests = [1, 2].map(() => app.inject({ method, url: path, headers: { 'user-agent': agent } }));
        for (const answer of await Promise.all(requests)) {
          t.ok(answer.statusCode < 500, `${method} ${path}`);
          if (method === 'GET') pages.push(answer.body);
        }
      }
    }
    return pages;
  };
  const deeper = new Set<string>();
  for (const path of paths) {
    for (const page of await visit(path)) {
      for (const [, link] of page.matchAll(/(?:href|src)="([^"#]+)/g)) {
        if (link?.startsWith('/')) deeper.add(link.replaceAll('&amp;', '&'));
      }
    }
  }
  for (const path of deeper) await visit(path);
  t.same(await dump(app), before);
  const answer = await app.inject({
    method: 'POST',
    url: await linkTo(app, 'anna@example.org', 'unsubscribe'),
    payload: 'List-Unsubscribe=One-Click',
  });
  t.equal(answer.statusCode, 200);
  t.equal(await statusOf(app, 'anna@example.org'), 'unsubscribed');
});

t.test('the page to leave has one button, and leaving by it is as final', async (t) => {
  const app = await startApp(t);
  await subscribeAndConfirm(app, 'anna@example.org', { locale: 'de' });
  const link = await linkTo(app, 'anna@example.org', 'unsubscribe');
  const page = await app.inject({ url: link });
  t.match(page.body, /lang="de"/, "in the person's own language");
  t.equal(page.body.match(/<button/g)?.length, 1);
  t.match(textOf(page.body), /a•••@e•••\.org/);
  t.notMatch(page.body, /anna/);
  const left = await sendForm(app, link, { via: 'page' });
  t.equal(left.statusCode, 200);
  t.match(textOf(left.body), /Sie sind abgemeldet/);
  t.match(left.body, /href="\/subscribe"/);
  t.match(textOf((await app.inject({ url: link })).body), /Sie sind abgemeldet/);
  const { rows } = await app.database.pool.query(
    `select detail from audit_log where action = 'subscriber.unsubscribed'`,
  );
  t.equal(rows[0]?.detail.via, 'page');
});

t.test('settings hold from the moment they are saved; the rest needs the mailbox itself', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  await subscribeAndConfirm(app, 'anna@example.org');
  const link = await linkTo(app, 'anna@example.org', 'preferences');
  const page = await app.inject({ url: link });
  t.equal(page.statusCode, 200);
  t.notMatch(page.body, /anna/);
  t.match(page.body, /href="\/unsubscribe\/[\w-]{30}"/);

  const saved = await sendForm(app, link, { locale: 'de', services: ['surveys'], toldOf: 'material' });
  t.equal(saved.statusCode, 200);
  t.match(saved.body, /role="status"/);
  const { rows } = await app.database.pool.query('select locale, services, told_of from subscribers');
  t.same(rows, [{ locale: 'de', services: ['surveys'], told_of: 'material' }]);
  t.equal((await sendForm(app, link, { locale: 'de', services: 'no', toldOf: 'all' })).statusCode, 422);
  t.equal((await sendForm(app, link, { locale: 'de', toldOf: 'sometimes' })).statusCode, 422);
  t.equal((await app.inject({ url: `${link.slice(0, -1)}~` })).statusCode, 404);

  await app.inject({ method: 'POST', url: `${link}/manage-link` });
  await app.settle();
  const manage = await linkTo(app, 'anna@example.org', 'manage');
  t.match((await app.inject({ url: manage })).body, /anna@example\.org/);
  const data = await app.inject({ method: 'POST', url: `${manage}/my-data` });
  t.match(data.headers['content-disposition'], /attachment/);
  t.match(data.json(), { subscriber: { email: 'anna@example.org' }, events: [{ kind: 'requested' }] });

  const taken = await sendForm(app, `${manage}/address`, { email: 'nonsense' });
  t.equal(taken.statusCode, 422);
  const shapes = [];
  for (const email of ['new@example.org', 'ann2@example.org']) {
    shapes.push(shapeOf(await sendForm(app, `${manage}/address`, { email }), email));
  }
  t.same(shapes[0], shapes[1]);
  await app.settle();
  const moved = await app.inject({ method: 'POST', url: await linkTo(app, 'new@example.org', 'confirm') });
  t.match(textOf(moved.body), /address is changed/);
  t.equal(await statusOf(app, 'new@example.org'), 'confirmed');
  t.equal(await statusOf(app, 'anna@example.org'), undefined);

  t.equal((await app.inject({ url: manage })).statusCode, 410, 'what was mailed to the old address is over');
  app.clock.advance({ minutes: 10 });
  await app.inject({ method: 'POST', url: `${link}/manage-link` });
  await app.settle();
  const again = await linkTo(app, 'new@example.org', 'manage');
  t.match((await app.inject({ url: `${again}/erasure` })).body, /<form method="post"/);
  t.equal(await statusOf(app, 'new@example.org'), 'confirmed', 'a look at the page erases nobody');
  const erased = await app.inject({ method: 'POST', url: `${again}/erasure` });
  t.match(textOf(erased.body), /erased/i);
  t.equal(await statusOf(app, 'new@example.org'), undefined);
  t.equal((await app.inject({ url: again })).statusCode, 404);
  const leave = await app.inject({ method: 'POST', url: await linkTo(app, 'anna@example.org', 'unsubscribe') });
  t.equal(leave.statusCode, 200, 'links in old mails answer calmly');
});

t.test('the second link is good for an hour', async (t) => {
  const app = await startApp(t);
  await subscribeAndConfirm(app, 'anna@example.org');
  await app.inject({ method: 'POST', url: `${await linkTo(app, 'anna@example.org', 'preferences')}/manage-link` });
  await app.settle();
  const manage = await linkTo(app, 'anna@example.org', 'manage');
  app.clock.advance({ minutes: 59 });
  t.equal((await app.inject({ url: manage })).statusCode, 200);
  app.clock.advance({ minutes: 2 });
  t.equal((await app.inject({ url: manage })).statusCode, 410);
  t.equal((await app.inject({ method: 'POST', url: `${manage}/erasure` })).statusCode, 410);
  t.equal(await statusOf(app, 'anna@example.org'), 'confirmed');
});

t.test('an objection needs no account, and a late one is taken and marked', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  await subscribeAndConfirm(app, 'anna@example.org');
  await subscribeAndConfirm(app, 'late@example.org');
  await publishList(app, listYaml(newVendor));
  await app.settle();
  const link = await linkTo(app, 'anna@example.org', 'objections');
  const page = await app.inject({ url: link });
  t.equal(page.statusCode, 200);
  t.match(textOf(page.body), /Letterbird, Inc\./);
  t.match(textOf(page.body), /Object until 3 February 2027, 24:00/);
  t.equal((await sendForm(app, link, { grounds: ' ' })).statusCode, 422);
  const words = 'We do not want <b>mail</b> to pass the USA.';
  const receipt = await sendForm(app, link, { grounds: words });
  t.equal(receipt.statusCode, 200);
  t.match(textOf(receipt.body), /has arrived/);
  t.match(receipt.body, /We do not want &lt;b&gt;mail&lt;\/b&gt;/);
  const again = await sendForm(app, link, { grounds: 'Another' });
  t.match(textOf(again.body), /already objected/);
  t.notMatch((await app.inject({ url: link })).body, /We do not want/, 'a forwarded mail does not show the words');

  app.clock.advance({ days: 40 });
  const late = await linkTo(app, 'late@example.org', 'objections');
  t.match(textOf((await app.inject({ url: late })).body), /window of this version has ended/);
  const taken = await sendForm(app, late, { grounds: 'Too late, and still' });
  t.match(textOf(taken.body), /marked as late/);
  const { rows } = await app.database.pool.query('select grounds, late from objections order by id');
  t.same(rows, [
    { grounds: words, late: false },
    { grounds: 'Too late, and still', late: true },
  ]);
  t.equal(
    (await app.inject({ url: `/objections/${signLink(app.deps.config.secretKeys, 'objection', 999)}` })).statusCode,
    404,
  );
});

t.test('headers that the client wrote are not believed', async (t) => {
  const app = await startApp(t);
  const codes = [];
  for (let n = 0; n < formLimit.max + 5; n++) {
    const headers = { 'x-forwarded-for': `203.0.113.${n}`, forwarded: `for=203.0.113.${n}` };
    codes.push((await sendForm(app, '/subscribe', { email: `p${n}@example.org` }, { headers })).statusCode);
  }
  t.same(codes.slice(-6), [200, 429, 429, 429, 429, 429]);

  const evil = { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' };
  await sendForm(app, '/subscribe', { email: 'host@example.org' }, { headers: evil, from: '192.0.2.9' });
  await app.settle();
  for (const mail of app.relay.received) t.notMatch(mail.raw.toString(), /evil\.example/);
  for (const url of ['/subscribe', '/', '/admin']) {
    const answer = await app.inject({ url, headers: evil });
    t.notMatch(answer.body + JSON.stringify(answer.headers), /evil\.example/, url);
    t.notMatch((await app.inject({ url })).body, /evil\.example/, url);
  }
  const away = await app.inject({ url: '/admin', headers: evil });
  t.match(away.headers.location, /^http:\/\/notices\.example\.org\/admin\/sign-in/);
});

t.test('behind a proxy each client has a limit of their own', async (t) => {
  const app = await startApp(t, { env: { TRUST_PROXY: '10.0.0.1' } });
  const send = (client: string, n: number) =>
    sendForm(
      app,
      '/subscribe',
      { email: `${client.replaceAll('.', '-')}-${n}@example.org` },
      { from: '10.0.0.1', headers: { 'x-forwarded-for': `203.0.113.${n}, ${client}` } },
    );
  for (let n = 0; n < formLimit.max; n++) await send('198.51.100.1', n);
  t.equal((await send('198.51.100.1', 99)).statusCode, 429, 'a forged part in front changes nothing');
  t.equal((await send('198.51.100.2', 1)).statusCode, 200);
});

t.test('a network is an IPv4 address or a /64', async (t) => {
  t.equal(networkOf('192.0.2.1'), '192.0.2.1');
  t.equal(networkOf('2001:db8::1'), '2001:db8:0:0::/64');
  t.equal(networkOf('2001:0db8:0:0:ffff::2'), '2001:db8:0:0::/64');
  t.equal(networkOf('::1'), '0:0:0:0::/64');
  t.equal(networkOf('::ffff:192.0.2.1'), '::ffff:192.0.2.1');
});

t.test('what no form sends is refused, and nothing falls over', async (t) => {
  const app = await startApp(t);
  const json = { 'content-type': 'application/json' };
  for (const payload of [
    '[]',
    '{}',
    '"text"',
    'null',
    '{"email":["a@example.org"]}',
    '{"email":{"a":1}}',
    '{ broken',
  ]) {
    const answer = await app.inject({ method: 'POST', url: '/subscribe', headers: json, payload });
    t.ok([400, 422].includes(answer.statusCode), `${payload}: ${answer.statusCode}`);
  }
  t.equal((await app.inject({ method: 'POST', url: '/subscribe' })).statusCode, 422);
  const many = Object.fromEntries(Array.from({ length: 3_000 }, (_, n) => [`services${n}`, 'x']));
  t.equal((await sendForm(app, '/subscribe', { email: 'a@example.org', ...many })).statusCode, 200);
  const big = await sendForm(app, '/subscribe', { email: 'x'.repeat(2_000_000) });
  t.equal(big.statusCode, 413);
  for (const path of ['confirm', 'unsubscribe', 'preferences', 'manage', 'objections']) {
    for (const token of ['x', 'x'.repeat(190), '%00', '%E0%A4%A', '..%2f..', "'; drop table subscribers"]) {
      const url = `/${path}/${token.includes('%') ? token : encodeURIComponent(token)}`;
      for (const method of ['GET', 'POST'] as const) {
        const { statusCode } = await app.inject({ method, url });
        t.ok(statusCode >= 400 && statusCode < 500, `${method} ${url}: ${statusCode}`);
      }
    }
  }
});

t.test('below a path and by https, links and cookies fit', async (t) => {
  const app = await startApp(t, { env: { PUBLIC_URL: 'https://example.org/trust' } });
  const page = await app.inject({ url: '/trust/subscribe' });
  t.match(page.body, /action="\/trust\/subscribe"/);
  const sent = await sendForm(app, '/trust/subscribe', { email: 'anna@example.org' });
  t.match(sent.cookies[0], { name: '__Host-browser', secure: true, path: '/', httpOnly: true, sameSite: 'Lax' });
  t.match(sent.headers['strict-transport-security'], /max-age=31536000/);
  await app.settle();
  const [mail] = app.relay.mailTo('anna@example.org');
  const link = (await mail?.links())?.find((found) => found.includes('/confirm/')) ?? '';
  t.match(link, /^https:\/\/example\.org\/trust\/confirm\//);
  const cookie = { '__Host-browser': sent.cookies[0]?.value ?? '' };
  const opened = await app.inject({ url: new URL(link).pathname, cookies: cookie });
  t.match(textOf(opened.body), /You are subscribed/);
  const away = await app.inject({ url: '/trust/admin' });
  t.equal(away.headers.location, 'https://example.org/trust/admin/sign-in?next=%2Fadmin');
});
