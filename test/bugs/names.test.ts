import { parse as parseCsv } from 'csv-parse/sync';
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { areaOf } from '../admin/support.js';
import { readMarkup } from '../mail/markup.js';
import { browserMissing, startBrowser } from '../support/browser.js';
import type { Service } from '../support/process.js';
import { adminEnv, openConsole } from './console.js';
import {
  asAdmin,
  confirmedCsv,
  headerOf,
  importCsv,
  mailedLink,
  type Outside,
  publish,
  quiet,
  send,
  sendForm,
  startOutside,
} from './outside.js';
import { childOf, readXml } from './xml.js';

/* Names and links that try to become markup (case 21 of the collected faults). */

t.setTimeout(180_000);

const publicUrl = 'http://notices.example.org';

const hostileNames = [
  'Less <$100 & "Co"',
  '&lt;b&gt;Bold&lt;/b&gt;',
  '</mj-text></mj-column>',
  '{{unsubscribe}}',
  '<%= 1 %>',
  ']]>',
  'شركة <b>أمثلة</b>',
  '示例 & 子公司',
  '</textarea></title><script>alert(1)</script>',
  "it.t('x') $& $1 {name} #{name}",
  '<!-- <![CDATA[ ?> --><img src=x onerror=alert(1)>',
];
/** Harmless ones of the same length, direction and order, so that everything around them must be the same. */
const plainNames = hostileNames.map((name) => {
  if (/\p{Script=Arabic}/u.test(name)) return 'ش'.repeat(name.length);
  if (/\p{Script=Han}/u.test(name)) return '漢'.repeat(name.length);
  const before = hostileNames.filter((other) => other.toLowerCase() < name.toLowerCase()).length;
  return 'KLMNPQRSTUV'.charAt(before).repeat(name.length);
});

const hostileMarkdown = 'Raw <img src="x" onerror="alert(1)">, [a link](javascript:alert(1)), [another](jaVasCript:x)';
const plainMarkdown = 'W'.repeat(hostileMarkdown.length);
const links = '[safe](https://safe.example/?a=1&b=2), [mail](mailto:privacy@example.org)';

/** A list whose every entry says its name in several fields. */
function list(names: readonly string[], markdown: string, ids = 'vendor') {
  return {
    title: 'Sub-processors',
    introduction: `${markdown}, ${links}`,
    dataSubjects: [{ id: 'people', name: 'People', dataCategories: [{ id: 'name', name: 'name' }] }],
    subProcessors: names.map((name, index) => ({
      id: `${ids}-${index}`,
      name,
      product: `Product ${name}`,
      purposes: [`What ${name} does`],
      address: `${name}\nSecond line`,
      website: `https://vendor${index}.example/?a=1&b="2"`.replaceAll('"', '%22'),
      dataCategories: { people: ['name'] },
      ...(index === 0 ? {} : { parent: `${ids}-0` }),
    })),
  };
}

const rotated = (names: readonly string[], by: number) => [...names.slice(by), ...names.slice(0, by)];

/** Everything that shows names, by where it is: markup, and plain text where there is some. */
interface World {
  outside: Outside;
  markup: Map<string, string>;
  text: Map<string, string>;
  atom: string;
}

/** The same year of a service, with those names. */
async function live(t: Test, names: readonly string[], markdown: string): Promise<World> {
  const outside = await startOutside(t, { env: { ...adminEnv, PUBLIC_URL: publicUrl } });
  const { service, relay } = outside;
  const here = (link: string) => service.url + new URL(link).pathname;
  await publish(service, list(names, markdown), { notify: false });
  await importCsv(service, confirmedCsv('ann@example.org'));
  // Renamed and changed, then removed and added.
  await publish(service, list(rotated(names, 1), markdown), { message: names.join('\n\n') });
  await quiet(outside);
  const objections = here(await mailedLink(relay, 'ann@example.org', 'objections'));
  await publish(service, list(names, markdown, 'other'), {});
  await quiet(outside);
  const objectionPage = await send(objections);
  await sendForm(objections, { grounds: names.join('\n') });
  // One mail after the other, so that both years get them in the same order.
  await quiet(outside);
  await sendForm(`${service.url}/subscribe`, { email: 'bob@example.org' });
  await sendForm(here(await mailedLink(relay, 'bob@example.org', 'confirm')), {});
  await quiet(outside);
  const draft = JSON.stringify(list(rotated(names, 2), markdown, 'other'));
  await asAdmin(service, '/api/v1/draft', { method: 'PUT', body: draft });

  const markup = new Map([['the objection page', objectionPage.body]]);
  const text = new Map<string, string>();
  const pages = ['/', '/versions', '/versions/1', '/versions/2', '/versions/3', '/compare/1...2', '/compare/2...3'];
  for (const path of [...pages, '/compare/3...1', '/subscribe', '/?lang=de', '/compare/1...2?lang=de']) {
    markup.set(path, (await send(service.url + path)).body);
  }
  const console = await openConsole(service);
  const consolePages = [
    '',
    '/draft',
    '/draft/text',
    '/draft/history',
    '/deliveries',
    '/review',
    '/draft/preview.html',
    '/publish',
    '/versions',
    '/versions/2',
  ];
  for (const path of [...consolePages, '/versions/3', '/objections', '/subscribers', '/audit']) {
    const { status, body } = await console.get(`/admin${path}`);
    if (status !== 200) throw new Error(`/admin${path}: ${status}`);
    markup.set(`/admin${path}`, body);
  }
  const checked = await console.submit(await console.get('/admin/publish'), '/admin/publish/check');
  markup.set('/admin/publish/check', checked.body);
  for (const [index, mail] of relay.received.entries()) {
    const { html, text: plain = '', subject = '' } = await mail.parse();
    markup.set(`mail ${index}`, String(html));
    text.set(`the text of mail ${index}`, plain);
    text.set(`the subject of mail ${index}`, subject);
  }
  const feed = z
    .object({ items: z.array(z.object({ title: z.string(), content_html: z.string() })) })
    .parse(JSON.parse((await send(`${service.url}/feed.json`)).body));
  const atom = (await send(`${service.url}/feed.atom`)).body;
  const entries = readXml(atom).children.filter(({ name }) => name === 'entry');
  for (const [index, entry] of entries.entries()) {
    markup.set(`entry ${index} of /feed.atom`, childOf(entry, 'content').text);
    text.set(`entry ${index} of /feed.atom`, readMarkup(childOf(entry, 'title').text).text);
  }
  for (const [index, item] of feed.items.entries()) {
    markup.set(`item ${index} of /feed.json`, item.content_html);
    text.set(`item ${index} of /feed.json`, item.title);
  }
  return { outside, markup, text, atom };
}

t.test('case 21: names are shown letter for letter and add no element to any page, mail or feed', async (t) => {
  const [hostile, plain] = await Promise.all([
    live(t, hostileNames, hostileMarkdown),
    live(t, plainNames, plainMarkdown),
  ]);
  const { relay } = hostile.outside;
  t.strictSame([...hostile.markup.keys()], [...plain.markup.keys()], 'both have lived the same');
  t.equal(relay.received.length, plain.outside.relay.received.length, `with ${relay.received.length} mails`);

  for (const [place, source] of hostile.markup) {
    const found = readMarkup(source);
    const template = readMarkup(plain.markup.get(place) ?? '');
    t.strictSame(shapeOf(found), shapeOf(template), `${place} has no element or attribute but its template's`);
    t.strictSame(found.unbalanced, [], 'and is balanced');
    for (const address of found.elements.flatMap(({ attributes }) => addressesOf(attributes))) {
      t.match(new URL(address, publicUrl).protocol, /^(https?|mailto):$/, `a link: ${address.slice(0, 80)}`);
    }
    // The text of the draft is YAML, which quotes what it must: read below.
    if (place === '/admin/draft/text') continue;
    t.equal(constant(found.text), constant(hostileOf(template.text)), 'it says the names letter for letter');
    for (const [index, { attributes }] of found.elements.entries()) {
      const expected = template.elements[index]?.attributes ?? {};
      for (const [name, value] of Object.entries(attributes)) {
        const wanted = constant(hostileOf(expected[name] ?? ''));
        if (constant(value) !== wanted) t.equal(constant(value), wanted, `${place}: the attribute ${name}`);
      }
    }
  }
  for (const [place, said] of hostile.text) {
    t.equal(constant(said), constant(hostileOf(plain.text.get(place) ?? '')), `${place} says them letter for letter`);
  }

  // That the comparison above saw them: these show every name.
  const every = [
    '/',
    '/versions/2',
    '/compare/1...2',
    '/compare/2...3',
    '/admin/draft',
    '/admin/review',
    '/admin/versions/2',
    'mail 0',
  ];
  for (const place of [...every, 'item 0 of /feed.json', 'entry 1 of /feed.atom']) {
    const { text } = readMarkup(hostile.markup.get(place) ?? '');
    t.strictSame(
      hostileNames.filter((name) => !text.includes(name)),
      [],
      `${place} names them all`,
    );
  }
  for (const place of ['the text of mail 0', 'the text of mail 1']) {
    const text = (hostile.text.get(place) ?? '').replace(/[\u2068\u2069]/g, '');
    t.strictSame(
      hostileNames.filter((name) => !text.includes(name)),
      [],
      `${place} names them all`,
    );
  }
  for (const mail of relay.received) {
    t.notMatch(headerOf(mail, 'List-Unsubscribe') ?? '', /[{}]/, 'nothing but a link is filled into a mail');
  }
  await inFiles(t, hostile.outside.service, hostile.markup.get('/admin/draft/text') ?? '');
  await introduced(t, hostile.markup.get('/') ?? '');

  await t.test('and a browser reads the same', { skip: browserMissing() }, async (t) => {
    const browser = await startBrowser(t);
    const page = await browser.newPage();
    for (const [place, source] of hostile.markup) {
      const expected = await shapeInBrowser(page, plain.markup.get(place) ?? '');
      t.strictSame(await shapeInBrowser(page, source), expected, place);
    }
    t.equal(await faultInXml(page, hostile.atom), null, '/feed.atom is well-formed');
  });
});

t.test('case 21: links that are not of the web are refused on entry, with their path', async (t) => {
  const { service } = await startOutside(t);
  const entry = { name: 'Vendor One' };
  const base = { title: 'Sub-processors', dataSubjects: [], subProcessors: [entry] };
  const asYaml = { 'content-type': 'application/yaml' };
  for (const website of [
    'javascript:alert(1)',
    'jaVasCript:x',
    ' java\tscript:x',
    'data:text/html,x',
    '//evil.example',
    'https:javascript:x',
    'vbscript:x',
    'http://',
    'https://ok.example/\nx',
  ]) {
    const places: [path: string, document: unknown][] = [
      ['subProcessors.0.website', { ...base, subProcessors: [{ ...entry, website }] }],
      ['subProcessors.0.dpaUrl', { ...base, subProcessors: [{ ...entry, dpaUrl: website }] }],
      [
        'subProcessors.0.links.0.url',
        { ...base, subProcessors: [{ ...entry, links: [{ label: 'x', url: website }] }] },
      ],
      ['dpaUrl', { ...base, dpaUrl: website }],
    ];
    for (const [path, document] of places) {
      // JSON is YAML as well.
      for (const headers of [{}, asYaml]) {
        const answer = await asAdmin(service, '/api/v1/draft', {
          method: 'PUT',
          headers,
          body: JSON.stringify(document),
        });
        t.equal(answer.status, 422, `${JSON.stringify(website)} as ${path} is refused`);
        t.match(JSON.parse(answer.body), { errors: [{ path }] }, 'and named');
      }
    }
  }
  t.equal((await asAdmin(service, '/api/v1/draft')).status, 404, 'nothing was kept');
});

t.test('case 21: what would be taken for our own marks is refused on entry', async (t) => {
  const { service } = await startOutside(t);
  for (const name of ['Vendor \ufdd00\ufdd1', 'Vendor \ufffe', 'Vendor \u{1fffe}']) {
    const document = { title: 'Sub-processors', dataSubjects: [], subProcessors: [{ name }] };
    const answer = await asAdmin(service, '/api/v1/draft', { method: 'PUT', body: JSON.stringify(document) });
    t.equal(answer.status, 422, JSON.stringify(name));
    t.match(JSON.parse(answer.body), { errors: [{ path: 'subProcessors.0.name' }] });
  }
});

const named = z.looseObject({ subProcessors: z.array(z.looseObject({ name: z.string() })) });
const namesIn = (value: unknown) => named.parse(value).subProcessors.map(({ name }) => name);

/** What programs read, and the text that an admin edits. */
async function inFiles(t: Test, service: Service, draftPage: string): Promise<void> {
  const json = z.object({ document: named }).parse(JSON.parse((await send(`${service.url}/list.json`)).body));
  t.strictSame(namesIn(json.document), hostileNames, '/list.json has them letter for letter');
  const csv = parseCsv((await send(`${service.url}/list.csv`)).body, { columns: true, bom: true });
  const rows = z.array(z.looseObject({ name: z.string() })).parse(csv);
  t.strictSame(
    rows.map(({ name }) => name),
    hostileNames,
    '/list.csv',
  );
  const diff = z
    .object({ changes: z.array(z.object({ name: z.string() })) })
    .parse(JSON.parse((await send(`${service.url}/compare/2...3.json`)).body));
  t.strictSame(new Set(diff.changes.map(({ name }) => name)), new Set(hostileNames), '/compare/2...3.json');
  const draft = rotated(hostileNames, 2);
  t.strictSame(namesIn(parseYaml(areaOf(draftPage, 'source'))), draft, 'the text of the draft in the console');
  const yaml = await asAdmin(service, '/api/v1/draft', { headers: { accept: 'application/yaml' } });
  t.strictSame(namesIn(parseYaml(yaml.body)), draft, 'and by the API');
}

/** The Markdown of the introduction: what it may hold, and nothing else. */
async function introduced(t: Test, page: string): Promise<void> {
  const introduction = /<div class="prose introduction">[\s\S]*?<\/div>/.exec(page)?.[0] ?? '';
  const { elements, text } = readMarkup(introduction);
  t.strictSame(
    elements.map(({ name }) => name),
    ['div', 'p', 'a', 'a'],
    'no picture, no script',
  );
  t.strictSame(
    elements.flatMap(({ attributes }) => attributes.href ?? []),
    ['https://safe.example/?a=1&b=2', 'mailto:privacy@example.org'],
    'two links, which lead to the web and to a mailbox',
  );
  t.match(text, hostileMarkdown, 'the rest is text');
}

function shapeOf({ elements }: ReturnType<typeof readMarkup>): string[] {
  return elements.map(({ name, attributes }) => [name, ...Object.keys(attributes)].join(' '));
}

function addressesOf(attributes: Readonly<Record<string, string>>): string[] {
  return ['href', 'src', 'action', 'formaction', 'background', 'cite', 'poster'].flatMap(
    (name) => attributes[name] ?? [],
  );
}

/** What a text with the harmless names would be with the hostile ones. */
function hostileOf(text: string): string {
  let said = text.replaceAll(plainMarkdown, () => hostileMarkdown);
  for (const [index, name] of plainNames.entries()) said = said.replaceAll(name, () => hostileNames[index] ?? '');
  return said;
}

/** Without what differs from one moment and one service to the next. */
function constant(text: string): string {
  return text
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'INSTANT')
    .replace(/\b\d\d:\d\d\b/g, 'TIME')
    .replace(/[0-9a-f]{64,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'HASH')
    .replace(/[\w.-]{20,}/g, (word) => (/^(?=.*\d)(?=.*[a-z])(?=.*[A-Z])/.test(word) ? 'TOKEN' : word));
}

/** Elements with the names of their attributes, as a browser finds them. */
function shapeInBrowser(page: Page, source: string): Promise<string[]> {
  return page.evaluate(
    (html) =>
      [...new DOMParser().parseFromString(html, 'text/html').querySelectorAll('*')].map((element) =>
        [element.localName, ...element.getAttributeNames()].join(' '),
      ),
    source,
  );
}

function faultInXml(page: Page, source: string): Promise<string | null> {
  return page.evaluate(
    (xml) => new DOMParser().parseFromString(xml, 'application/xml').querySelector('parsererror')?.textContent ?? null,
    source,
  );
}
