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
  hostileMarkdown,
  hostileNames,
  hostileOf,
  live,
  plainMarkdown,
  plainNames,
  publicUrl,
  rotated,
} from './named.js';
import { asAdmin, headerOf, send, startOutside, wordsOf } from './outside.js';

/* Names and links that try to become markup (case 21 of the collected faults). */

t.setTimeout(180_000);

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
        const wanted = constant(hostileOf(plainOf(expected[name] ?? '')));
        const said = constant(plainOf(value));
        if (said !== wanted) t.equal(said, wanted, `${place}: the attribute ${name}`);
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
    '/?q=product&category=people.name',
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

t.test('case 21: what is refused on entry', async (t) => {
  const { service } = await startOutside(t, { env: adminEnv });
  const console = await openConsole(service);
  const put = (document: unknown, headers: Readonly<Record<string, string>> = {}) =>
    asAdmin(service, '/api/v1/draft', { method: 'PUT', headers, body: JSON.stringify(document) });
  const entry = { name: 'Vendor One' };
  const base = { title: 'Sub-processors', dataSubjects: [], subProcessors: [entry] };
  const wrong = [
    'javascript:alert(1)',
    'jaVasCript:x',
    ' java\tscript:x',
    'data:text/html,x',
    '//evil.example',
    'https:javascript:x',
    'vbscript:x',
    'http://',
    'https://ok.example/\nx',
  ];
  /** A document with that address, at the place of that path. */
  const places: Readonly<Record<string, (url: string) => unknown>> = {
    'subProcessors.0.website': (website) => ({ ...base, subProcessors: [{ ...entry, website }] }),
    'subProcessors.0.dpaUrl': (dpaUrl) => ({ ...base, subProcessors: [{ ...entry, dpaUrl }] }),
    'subProcessors.0.links.0.url': (url) => ({
      ...base,
      subProcessors: [{ ...entry, links: [{ label: 'x', url }] }],
    }),
    dpaUrl: (dpaUrl) => ({ ...base, dpaUrl }),
  };

  await t.test('by the API and in the text of the draft: links that are not of the web, with their path', async (t) => {
    const text = await console.get('/admin/draft/text');
    for (const url of wrong) {
      for (const [path, documentOf] of Object.entries(places)) {
        // JSON is YAML as well.
        for (const headers of [{}, { 'content-type': 'application/yaml' }]) {
          const answer = await put(documentOf(url), headers);
          t.equal(answer.status, 422, `${JSON.stringify(url)} as ${path} is refused`);
          t.match(JSON.parse(answer.body), { errors: [{ path }] }, 'and named');
        }
      }
      const source = JSON.stringify(places['subProcessors.0.website']?.(url));
      const pasted = await console.submit(text, '/admin/draft/text', { source });
      t.equal(pasted.status, 422, `${JSON.stringify(url)} as text in the console`);
      t.match(wordsOf(pasted.body), /website of "Vendor One"/, 'and named');
      t.same(JSON.parse(areaOf(pasted.body, 'source')), JSON.parse(source), 'with everything that was typed');
    }
    t.equal((await asAdmin(service, '/api/v1/draft')).status, 404, 'nothing was kept');
  });

  await t.test('in the forms of the console: links that are not of the web, at their field', async (t) => {
    await put(base);
    const before = (await asAdmin(service, '/api/v1/draft')).body;
    for (const path of ['/admin/draft/entry/sub-processor/vendor-one', '/admin/draft/new/sub-processor']) {
      const page = await console.get(path);
      // The spaces around an address are not part of it; a line break cannot be typed into its field.
      for (const website of wrong.filter((url) => !url.includes('\n'))) {
        const answer = await console.submit(page, path, { name: 'Vendor One', website });
        t.equal(answer.status, 422, `${JSON.stringify(website)} at ${path}`);
        t.match(answer.body, /<a href="#website"/, 'the fault leads to its field');
      }
    }
    t.equal((await asAdmin(service, '/api/v1/draft')).body, before, 'nothing was kept');
  });

  await t.test('what would be taken for our own marks', async (t) => {
    for (const name of ['Vendor \ufdd00\ufdd1', 'Vendor \ufffe', 'Vendor \u{1fffe}']) {
      const answer = await put({ ...base, subProcessors: [{ name }] });
      t.equal(answer.status, 422, JSON.stringify(name));
      t.match(JSON.parse(answer.body), { errors: [{ path: 'subProcessors.0.name' }] });
    }
  });
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

/** A value that holds JSON, with its texts as they were before they were quoted. */
function plainOf(value: string): string {
  if (!value.startsWith('{"')) return value;
  const texts: string[] = [];
  JSON.parse(value, (key, text: unknown) => {
    texts.push(key, typeof text === 'string' ? text : '');
    return text;
  });
  return texts.join('\n');
}

/** Without what differs from one moment and one service to the next. */
function constant(text: string): string {
  return text
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'INSTANT')
    .replace(/\b\d\d:\d\d\b/g, 'TIME')
    .replace(/[0-9a-f]{32,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'HASH')
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
