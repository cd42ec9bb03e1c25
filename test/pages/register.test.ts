import t from 'tap';
import type { TestApp } from '../support/app.js';
import { startApp } from '../support/app.js';
import { openRegister, publishValue } from './register.js';
import { sendForm, statusOf, textOf } from './support.js';

const mainOf = (body: string) => /<main[\s\S]*<\/main>/.exec(body)?.[0] ?? '';
/** Which vendors a page lists, by their names. */
const vendorsOf = (body: string) =>
  [...body.matchAll(/class="vendor-name"[^>]*><bdi>([^<]*)<\/bdi>/g)].map(([, name]) => name);

async function vendorsAt(app: TestApp, url: string): Promise<(string | undefined)[]> {
  const { statusCode, body } = await app.inject(url);
  if (statusCode !== 200) throw new Error(`${url}: ${statusCode}`);
  return vendorsOf(body);
}

t.test('the list', async (t) => {
  const app = await openRegister(t);

  t.test(
    'is found by words, service, country, data category and by being optional, and by several at once',
    async (t) => {
      const [zuerich, cloud, ringwood] = ['Zürich Hosting AG', 'Example Cloud, Inc.', 'Ringwood Telephony'];
      t.same(await vendorsAt(app, '/'), [zuerich, cloud, ringwood, 'Quill Notes']);
      t.same(await vendorsAt(app, '/?country=US'), [cloud, ringwood]);
      t.same(await vendorsAt(app, '/?country=CH'), [zuerich], 'where data lies counts like the seat');
      t.same(await vendorsAt(app, '/?country=IN'), [ringwood], 'and so does who reaches it from where');
      t.same(await vendorsAt(app, '/?service=surveys'), [ringwood]);
      t.same(await vendorsAt(app, '/?category=members.telephone-number'), [ringwood], 'who gets the telephone number');
      t.same(await vendorsAt(app, '/?category=managers.email-address'), [zuerich], 'of managers, not of members');
      t.same(await vendorsAt(app, '/?optional=optional'), [ringwood]);
      t.same(await vendorsAt(app, '/?q=zurich'), [zuerich], 'however it is typed');
      t.same(await vendorsAt(app, '/?q=MAIL+cloud'), ['Example Cloud LLC'], 'all words, in any order, in one entry');
      t.same(await vendorsAt(app, '/?q=Schweiz&lang=de'), [zuerich], 'in the words of the page');
      t.same(await vendorsAt(app, '/?q=Schweiz'), []);
      t.same(await vendorsAt(app, '/?country=US&category=members.email-address'), ['Example Cloud LLC']);
    },
  );

  t.test('says how many it found, by what, and leads back', async (t) => {
    const { body, headers } = await app.inject('/?q=mail&country=US&lang=en');
    t.match(body, '<h2 id="sub-processors">One of 4 sub-processors</h2>');
    t.match(textOf(body), 'Words: mail Remove');
    t.match(textOf(body), 'Country (seat, data or access): United States');
    t.match(body, 'href="/?country=US&amp;lang=en"', 'one filter less');
    t.match(body, '<option value="US" selected>United States (2)</option>');
    t.match(body, 'name="q" type="search" maxlength="200" autocomplete="off" value="mail"');
    t.match(body, '<meta name="robots" content="noindex">');
    t.match(body, '<link rel="canonical" href="http://notices.example.org/">');
    t.match(body, 'href="/?q=mail&amp;country=US&amp;lang=de"', 'the same in the other language');
    t.match(headers['cache-control'], 'public, no-cache');
    const again = await app.inject({ url: '/?q=mail&country=US&lang=en', headers: { 'if-none-match': headers.etag } });
    t.equal(again.statusCode, 304);
    t.equal((await app.inject('/?country=US&q=mail&lang=en')).body, body, 'the order of the address is nothing');

    const none = await app.inject('/?q=nobody-is-called-this');
    t.match(none.body, '0 of 4 sub-processors');
    t.match(none.body, 'No sub-processor meets all of this');
    t.match(none.body, '<a class="button button-quiet" href="/">The whole list</a>');
  });

  t.test('takes no harm from what it does not know', async (t) => {
    const whole = await app.inject('/');
    for (const url of ['/?utm_source=mail', '/?q=&country=', '/?page=3', '/?toString=1']) {
      t.equal((await app.inject(url)).body, whole.body, `${url} is the list itself`);
    }
    const unknown = await app.inject('/?country=XX&service=__proto__&category=toString.constructor&q=cloud');
    t.match(textOf(unknown.body), 'Not on this list, and therefore left out: __proto__, XX and toString.constructor.');
    t.same(vendorsOf(unknown.body), ['Example Cloud, Inc.']);
    const hostile = await app.inject(
      `/?q=${encodeURIComponent('"><script>alert(1)</script>')}&country=${'x'.repeat(900)}`,
    );
    t.equal(hostile.statusCode, 200);
    t.notMatch(hostile.body, '<script>alert');
    t.equal((await app.inject('/?q=a&q=b&country=US&country=CH')).statusCode, 200, 'the first of several');
    t.equal((await app.inject('/?country=US&page=99999999')).statusCode, 200);
  });

  t.test('leads from a part to the whole, and every link leads somewhere', async (t) => {
    const { body: whole } = await app.inject('/');
    for (const url of ['/', '/?country=US', '/?category=members.telephone-number&lang=de']) {
      const { body } = await app.inject(url);
      const ids = new Set([...body.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id));
      t.equal(ids.size, body.match(/ id="/g)?.length, `${url}: each id is there once`);
      for (const [, path = '', anchor = ''] of mainOf(body).matchAll(/href="(\/(?:\?lang=de)?)?#([^"]*)"/g)) {
        t.ok(path === '' ? ids.has(anchor) : whole.includes(` id="${anchor}"`), `${url}: ${path}#${anchor}`);
      }
    }
    t.match(whole, '<a href="/?country=US">United States</a>');
    t.match(whole, 'href="/?category=members.email-address"', 'from the catalogue to all who get it');
    t.match(
      (await app.inject('/?country=US')).body,
      'href="/#sub-processor-cloud-storage" aria-label="Link to Storage"',
    );
  });

  t.test('marks every announced change where it stands, and what will come where it will stand', async (t) => {
    const { body } = await app.inject('/');
    const behind = (anchor: string, text: string) =>
      t.match(
        body,
        new RegExp(`id="${anchor}"(?:(?! id="(?:sub-processor|data-|statement|coming))[\\s\\S])*?${text} <time`),
        anchor,
      );
    behind('sub-processor-zuerich-hosting', 'Changes on');
    behind('sub-processor-ringwood', 'Will be removed on');
    behind('data-category-members-email-address', 'Changes on');
    behind('data-category-members-chat', 'Will be removed on');
    behind('coming-data-category-members-voice', 'Will be added on');
    behind('coming-data-subject-guests', 'Will be added on');
    behind('coming-sub-processor-larkspur', 'Will be added on');
    behind('statement-residency', 'Changes on');
    behind('coming-statement-training', 'Will be added on');
    t.notMatch(body, 'never', 'nothing of a version that was withdrawn');
    t.ok(
      body.indexOf('id="coming-sub-processor-larkspur"') < body.indexOf('id="sub-processor-ringwood"'),
      'in its group',
    );
  });

  t.test('takes a subscription in place, like the form that it is a part of', async (t) => {
    const { body, headers } = await app.inject('/?lang=de');
    t.match(body, '<form class="call-form" method="post" action="/subscribe?lang=de">');
    t.match(body, 'name="email" type="email"');
    t.notOk(headers['set-cookie'], 'the page is everybody’s');
    t.notMatch(body, /<script(?! src="\/assets\/filter\.)|<style| style=| on\w+=/, 'with nothing inline');
    const sent = await sendForm(app, '/subscribe?lang=de', { email: 'dpo@customer.example', reference: '' });
    t.equal(sent.statusCode, 200);
    t.equal(await statusOf(app, 'dpo@customer.example'), 'pending');
    t.equal((await sendForm(app, '/subscribe', { email: 'no address', reference: '' })).statusCode, 422);
  });
});

t.test('a long list is searched in pages of a hundred vendors, and its page stays one', async (t) => {
  const app = await startApp(t);
  await publishValue(app, {
    title: 'Sub-processors',
    dataSubjects: [],
    subProcessors: Array.from({ length: 250 }, (_, index) => ({
      name: `Vendor ${index}`,
      country: index % 2 ? 'FR' : 'DE',
    })),
  });
  t.equal((await vendorsAt(app, '/')).length, 250);
  const first = await app.inject('/?country=FR');
  t.equal(vendorsOf(first.body).length, 100);
  t.match(first.body, '125 of 250 sub-processors');
  t.match(first.body, 'href="/?country=FR&amp;page=2"');
  t.same((await vendorsAt(app, '/?country=FR&page=2')).slice(-1), ['Vendor 249']);
});

t.test('the list on a day', async (t) => {
  const app = await openRegister(t);
  const lead = async (day: string, status = 200) => {
    const { statusCode, body } = await app.inject(`/at/${day}`);
    t.equal(statusCode, status, day);
    return textOf(mainOf(body));
  };

  t.test('is the one in force at its end, and says what was before on that day', async (t) => {
    t.match(await lead('2027-01-20'), 'On 20 January 2027, version 1 of the list of Brightwave was in force');
    const changed = await lead('2027-02-01');
    t.match(changed, 'version 2 of the list of Brightwave was in force');
    t.match(changed, 'Version 1: until 1 February 2027 at 15:30 CET');
    t.notMatch(changed, 'Kestrel', 'the list itself is that of the end of the day');
    t.notMatch(await lead('2027-02-02'), 'The list changed');
    t.match(await lead('2027-03-10'), 'Today, 10 March 2027, version 2');
    const ahead = await lead('2027-05-01');
    t.match(ahead, 'As announced today, version 3 of the list of Brightwave will be in force on 1 May 2027');
    t.match(ahead, 'This day is still to come');
    t.notMatch(ahead, 'The list changed', 'a change at midnight is none in the course of the day');
    t.match(await lead('2027-04-30'), 'version 2 of the list', 'a day ends at 24:00 in TIME_ZONE');
    t.match(await lead('2027-12-24'), 'version 3', 'a version that was withdrawn has no day');
    t.match(
      (await app.inject('/at/2027-05-01')).body,
      '<link rel="canonical" href="http://notices.example.org/versions/3">',
    );
  });

  t.test('is not there before the first, nor on a day that the calendar does not have', async (t) => {
    t.match(await lead('2027-01-09', 404), 'The first list took or takes effect: 10 January 2027 at 09:00 CET');
    t.match(await lead('2027-02-30', 404), '“2027-02-30” is no day');
    t.match(await lead('%3Cb%3E', 404), '“<b>” is no day'.replace('<b>', '&lt;b&gt;'));
    t.equal((await app.inject('/at/2027-01-09.json')).statusCode, 404);
    t.equal((await app.inject('/at/2027-02-30.json')).json().type.endsWith('date.invalid'), true);
    t.equal((await app.inject('/at/0000-00-00')).statusCode, 404);
    t.equal((await app.inject('/at/9999-12-31')).statusCode, 200);
  });

  t.test('is led to by a form, and by JSON', async (t) => {
    t.match((await app.inject('/versions')).body, '<input id="day" name="day" type="date"');
    const led = await app.inject('/at?day=2027-02-01&lang=de');
    t.equal(led.headers.location, 'http://notices.example.org/at/2027-02-01?lang=de');
    t.equal((await app.inject('/at')).headers.location, 'http://notices.example.org/versions');
    const answer = (await app.inject('/at/2027-02-01.json')).json();
    t.match(answer, {
      day: '2027-02-01',
      timeZone: 'Europe/Brussels',
      when: 'past',
      inForceFrom: '2027-02-01T14:30:00.000Z',
      inForceUntil: '2027-04-30T22:00:00.000Z',
      earlier: [{ version: 1, until: '2027-02-01T14:30:00.000Z' }],
      list: { version: 2, state: 'in-force', document: { title: 'Sub-processors' } },
    });
    t.equal((await app.inject('/versions/2.json')).json().hash, answer.list.hash);
  });
});

t.test('the history of a sub-processor', async (t) => {
  const app = await openRegister(t);
  const page = async (id: string) => textOf(mainOf((await app.inject(`/sub-processors/${id}`)).body));

  t.test('tells every step with its version and dates, and goes on after it has left', async (t) => {
    const gone = await page('kestrel');
    t.match(gone, 'History of Kestrel Backup Ltd');
    t.match(gone, 'Not on the list any more.');
    t.match(
      gone,
      /Removed sub-processor Version 2 .*Published on 1 February 2027.*New sub-processor Version 1 .*Published on 10 January 2027/,
    );
    t.match(await page('ringwood'), 'On the list in force. See the entry Will be removed on 1 May 2027.');
    t.match(await page('larkspur'), 'it is announced');
    const never = await page('never');
    t.match(never, 'the version that named it was withdrawn');
    t.match(never, 'Withdrawn on 10 March 2027: this did not take effect.');
    t.match((await app.inject('/')).body, 'href="/sub-processors/zuerich-hosting"');
    t.match((await app.inject('/versions/1')).body, 'href="/sub-processors/kestrel"', 'from old versions, too');
  });

  t.test('is that of the vendor with all its entries, field by field, in the names of its time', async (t) => {
    const cloud = await page('cloud-mail');
    t.match(cloud, 'History of Example Cloud LLC');
    t.match(cloud, /Mail On the list in force.*Storage On the list in force/);
    t.match(cloud, /Backups added/);
    t.match(cloud, /Example Cloud, Inc\. Example Cloud LLC/);
    t.match(cloud, 'Engaged by Example Cloud, Inc.');
    t.match(
      await page('zuerich-hosting'),
      'chat removed',
      'a data category by its name, though the catalogue has lost it',
    );
  });

  t.test('tells what a column that came for all entries says of this one', async (t) => {
    const other = await startApp(t);
    const list = (transferMechanisms?: string[]) => ({
      title: 'Sub-processors',
      dataSubjects: [],
      subProcessors: ['One', 'Two', 'Three'].map((name) => ({
        name,
        ...(transferMechanisms ? { transferMechanisms } : {}),
      })),
    });
    await publishValue(other, list());
    await publishValue(other, list(['Standard contractual clauses']));
    const { body } = await other.inject('/sub-processors/two');
    t.match(textOf(mainOf(body)), /Version 2 .*Transfer mechanism.*Standard contractual clauses/);
  });

  t.test('is there for programs, and known to be missing', async (t) => {
    const { entries, name } = (await app.inject('/sub-processors/cloud-mail.json')).json();
    t.equal(name, 'Example Cloud LLC');
    t.same(
      entries.map(({ id, standing, history }: { id: string; standing: string; history: { version: number }[] }) => [
        id,
        standing,
        history.map(({ version }) => version),
      ]),
      [
        ['cloud-mail', 'in-force', [2, 1]],
        ['cloud-storage', 'in-force', [2, 1]],
      ],
    );
    t.equal((await app.inject('/sub-processors/nobody')).statusCode, 404);
    t.match((await app.inject('/sub-processors/nobody')).body, 'No version of the list has ever named this');
    t.equal((await app.inject('/sub-processors/nobody.json')).json().status, 404);
    t.equal((await app.inject('/sub-processors/__proto__')).statusCode, 404);
    const { paths } = (await app.inject('/openapi.json')).json();
    t.ok(paths['/at/{day}.json'] && paths['/sub-processors/{id}.json']);
  });
});

t.test(
  'an old version says that it is not in force, since when and until when it was, and leads to the one that is',
  async (t) => {
    const app = await openRegister(t);
    const of = async (number: number) => textOf(mainOf((await app.inject(`/versions/${number}`)).body));
    t.match(
      await of(1),
      /Not in force\. .*superseded.*It was in force from 10 January 2027 at 09:00 CET until 1 February 2027/,
    );
    t.match(await of(1), 'See the list in force');
    t.notMatch(await of(2), 'Not in force');
    t.match(await of(3), /Not in force\. Brightwave has announced this list/);
    t.match(await of(4), /Not in force\. Brightwave has withdrawn this list/);
    t.match(
      (await app.inject('/versions/1')).body,
      '<link rel="canonical" href="http://notices.example.org/versions/1">',
    );
  },
);

t.test('below a path every address stays below it, in the language that was chosen', async (t) => {
  const app = await openRegister(t, { env: { PUBLIC_URL: 'https://example.org/trust' } });
  for (const path of [
    '/',
    '/?country=US',
    '/versions/1',
    '/at/2027-01-20',
    '/at/2020-01-01',
    '/sub-processors/cloud-mail',
  ]) {
    const { body } = await app.inject(`/trust${path}${path.includes('?') ? '&' : '?'}lang=de`);
    const main = mainOf(body);
    const addresses = [...main.matchAll(/(?:href|action)="([^"]*)"/g)].map(([, address = '']) => address);
    const own = addresses.filter((address) => !/^(?:#|https:\/\/cloud\.example\/)/.test(address));
    t.ok(own.length > 0, path);
    for (const address of own) t.match(address, /^(?:https:\/\/example\.org)?\/trust\//, `${path}: ${address}`);
    // Forms with method=get take it along in a hidden field, and JSON has no language.
    const pages = [...main.matchAll(/<a [^>]*?href="(\/trust[^"]*)"/g)].map(([, address = '']) => address);
    t.strictSame(
      pages.filter((address) => !/[?;]lang=de(?:#|$)/.test(address)),
      [],
      `${path}: in German`,
    );
  }
});
