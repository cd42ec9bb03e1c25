import { Ajv2020 } from 'ajv/dist/2020.js';
import t, { type Test } from 'tap';
import { childOf, readXml, type XmlElement } from '../bugs/xml.js';
import { startApp, type TestApp } from '../support/app.js';
import { listYaml, newVendor, publishList } from './support.js';

/** What RFC 4287 demands of a feed (4.1.1) and of its entries (4.1.2), written from its text. */
function isAtom(t: Test, body: string, where: string): XmlElement {
  const feed = readXml(body);
  const named = (element: XmlElement, name: string) => element.children.filter((child) => child.name === name);
  const isDate = (text: string) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text);
  t.equal(feed.name, 'feed', where);
  for (const name of ['id', 'title', 'updated']) t.equal(named(feed, name).length, 1, `${where}: one ${name}`);
  t.ok(isDate(childOf(feed, 'updated').text));
  t.ok(named(feed, 'author').length > 0 && childOf(childOf(feed, 'author'), 'name').text !== '', 'an author');
  const relations = named(feed, 'link').map(({ attributes }) => attributes.rel ?? 'alternate');
  t.equal(new Set(relations).size, relations.length, 'each relation once');
  t.ok(relations.includes('self') && relations.includes('alternate'));
  const ids = named(feed, 'entry').map((entry) => childOf(entry, 'id').text);
  t.equal(new Set(ids).size, ids.length, 'no id twice');
  for (const entry of named(feed, 'entry')) {
    for (const name of ['id', 'title', 'updated', 'content']) t.equal(named(entry, name).length, 1, name);
    t.match(childOf(entry, 'id').text, /^urn:uuid:[0-9a-f-]{36}$/);
    t.ok(isDate(childOf(entry, 'updated').text) && isDate(childOf(entry, 'published').text));
    t.equal(childOf(entry, 'content').attributes.type, 'html');
    t.ok(named(entry, 'link').some(({ attributes }) => (attributes.rel ?? 'alternate') === 'alternate'));
  }
  return feed;
}

/** JSON Feed 1.1, written from its specification. */
const jsonFeed = new Ajv2020({ strict: false, validateFormats: false, allErrors: true }).compile({
  type: 'object',
  required: ['version', 'title', 'items'],
  properties: {
    version: { const: 'https://jsonfeed.org/version/1.1' },
    title: { type: 'string', minLength: 1 },
    home_page_url: { type: 'string', pattern: '^https?://' },
    feed_url: { type: 'string', pattern: '^https?://' },
    next_url: { type: 'string', pattern: '^https?://' },
    description: { type: 'string' },
    language: { type: 'string' },
    authors: { type: 'array', items: { type: 'object', properties: { name: { type: 'string' } }, minProperties: 1 } },
    items: {
      type: 'array',
      items: {
        type: 'object',
        required: ['id'],
        anyOf: [{ required: ['content_html'] }, { required: ['content_text'] }],
        properties: {
          id: { type: 'string', minLength: 1 },
          url: { type: 'string', pattern: '^https?://' },
          title: { type: 'string' },
          content_html: { type: 'string' },
          date_published: { type: 'string', pattern: 'T.*Z$' },
          date_modified: { type: 'string', pattern: 'T.*Z$' },
          language: { type: 'string' },
        },
        patternProperties: { '^_': { type: 'object' } },
        additionalProperties: true,
      },
    },
  },
  patternProperties: { '^_': { type: 'object' } },
});

/** Where a feed says that another part of it is. */
function linkOf(feed: XmlElement, relation: string): string | null {
  const found = feed.children.find(({ name, attributes }) => name === 'link' && attributes.rel === relation);
  return found?.attributes.href ?? null;
}

async function at(app: TestApp, address: string) {
  const answer = await app.inject(address.replace(app.deps.config.publicUrl, ''));
  return { status: answer.statusCode, body: answer.body };
}

t.test('both feeds keep to their standards, empty, with changes, and in each language', async (t) => {
  const app = await startApp(t, { env: { COMPANY_NAME: 'R&D ]]> <Co>' } });
  isAtom(t, (await app.inject('/feed.atom')).body, 'before the first version');
  await publishList(app, listYaml());
  await publishList(app, listYaml(newVendor), { message: 'One & two <three>' });
  app.deps.kept.markStale();
  for (const locale of app.deps.texts.locales) {
    const feed = isAtom(t, (await app.inject(`/feed.atom?lang=${locale}`)).body, locale);
    t.equal(feed.attributes['xml:lang'], locale);
    t.ok(jsonFeed((await app.inject(`/feed.json?lang=${locale}`)).json()), JSON.stringify(jsonFeed.errors));
  }
  const [newest] = (await app.inject('/feed.json')).json().items;
  const diff = (await app.inject('/compare/1...2.json')).json();
  t.same(newest._subnotice.changes, diff.changes, 'with the changes for programs');
});

t.test('every version can be reached from the feed, by archives that stay what they are', async (t) => {
  const app = await startApp(t);
  for (let number = 1; number <= 103; number++) {
    await publishList(app, listYaml().replace('Nordwind Hosting', `Nordwind ${number} Hosting`), {
      notify: false,
      reason: 'A test.',
    });
  }
  app.deps.kept.markStale();
  const found: string[] = [];
  let address: string | null = '/feed.atom';
  while (address !== null) {
    const { body } = await at(app, address);
    const feed = isAtom(t, body, address);
    const entries = feed.children.filter(({ name }) => name === 'entry');
    t.equal(entries.length, 50, address);
    t.equal(
      feed.children.some(({ name }) => name === 'fh:archive'),
      address !== '/feed.atom',
    );
    found.push(...entries.map((entry) => childOf(entry, 'id').text));
    address = linkOf(feed, 'prev-archive');
  }
  t.equal(new Set(found).size, 103, 'each of them');
  t.equal(
    linkOf(readXml((await at(app, '/feed/1.atom')).body), 'next-archive'),
    'http://notices.example.org/feed/2.atom',
  );
  t.equal(linkOf(readXml((await at(app, '/feed/1.atom')).body), 'current'), 'http://notices.example.org/feed.atom');
  for (const path of ['/feed/0.atom', '/feed/3.atom', '/feed/3.json']) t.equal((await at(app, path)).status, 404, path);

  const numbers: number[] = [];
  let next: string | undefined = '/feed.json';
  while (next !== undefined) {
    const page: { items: { _subnotice: { version: number } }[]; next_url?: string } = JSON.parse(
      (await at(app, next)).body,
    );
    t.ok(jsonFeed(page), JSON.stringify(jsonFeed.errors));
    numbers.push(...page.items.map((item) => item._subnotice.version));
    next = page.next_url;
  }
  t.equal(new Set(numbers).size, 103);

  const before = (await at(app, '/feed/2.atom')).body;
  await publishList(app, listYaml(), { notify: false, reason: 'A test.' });
  app.deps.kept.markStale();
  t.equal((await at(app, '/feed/2.atom')).body, before, 'a new version changes no archive');
});
