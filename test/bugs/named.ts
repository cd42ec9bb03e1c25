import type { Test } from 'tap';
import { z } from 'zod';
import { readMarkup } from '../mail/markup.js';
import { adminEnv, openConsole } from './console.js';
import {
  asAdmin,
  confirmedCsv,
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

/* A year of a service whose vendors have names that try to become markup, and of one with harmless names. */

export const publicUrl = 'http://notices.example.org';

export const hostileNames = [
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
export const plainNames = hostileNames.map((name) => {
  if (/\p{Script=Arabic}/u.test(name)) return 'ش'.repeat(name.length);
  if (/\p{Script=Han}/u.test(name)) return '漢'.repeat(name.length);
  const before = hostileNames.filter((other) => other.toLowerCase() < name.toLowerCase()).length;
  return 'KLMNPQRSTUV'.charAt(before).repeat(name.length);
});

export const hostileMarkdown =
  'Raw <img src="x" onerror="alert(1)">, [a link](javascript:alert(1)), [another](jaVasCript:x)';
export const plainMarkdown = 'W'.repeat(hostileMarkdown.length);
const links = '[safe](https://safe.example/?a=1&b=2), [mail](mailto:privacy@example.org)';

/** A list whose every entry says its name in several fields. */
function list(names: readonly string[], markdown: string, ids = 'vendor') {
  const mark = names.find((name) => name === hostileNames[8] || name === plainNames[8]) ?? '';
  return {
    title: 'Sub-processors',
    introduction: `${markdown}, ${links}`,
    dataSubjects: [{ id: 'people', name: mark, dataCategories: [{ id: 'name', name: mark, description: mark }] }],
    services: [{ id: 'mail', name: mark }],
    statements: [{ id: 'promise', text: mark }],
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

export const rotated = (names: readonly string[], by: number) => [...names.slice(by), ...names.slice(0, by)];

const consolePages = [
  '',
  '/draft',
  '/draft/text',
  '/draft/history',
  '/draft/entry/list',
  '/draft/entry/sub-processor/other-1',
  '/draft/entry/data-subject/people',
  '/draft/entry/data-category/people/name',
  '/draft/entry/service/mail',
  '/draft/entry/statement/promise',
  '/draft/removal/sub-processor/other-0',
  '/draft/removal/data-category/people/name',
  '/draft/new/sub-processor',
  '/review',
  '/draft/preview.html',
  '/publish',
  '/versions',
  '/versions/2',
  '/versions/3',
  '/deliveries',
  '/deliveries?version=all',
  '/deliveries/1',
  '/deliverability',
  '/objections',
  '/subscribers',
  '/subscribers/1',
  '/subscribers/2',
  '/subscribers/2/erasure',
  '/subscribers/groups',
  '/subscribers/groups?edit=named',
  '/subscribers/contact',
  '/tasks',
  '/audit',
];

/** Everything that shows names, by where it is: markup, and plain text where there is some. */
export interface World {
  outside: Outside;
  markup: Map<string, string>;
  text: Map<string, string>;
  atom: string;
}

/** The same year of a service, with those names. */
export async function live(t: Test, names: readonly string[], markdown: string): Promise<World> {
  const outside = await startOutside(t, { env: { ...adminEnv, PUBLIC_URL: publicUrl } });
  const { service, relay } = outside;
  const here = (link: string) => service.url + new URL(link).pathname;
  await publish(service, list(names, markdown), { notify: false });
  await importCsv(service, confirmedCsv('ann@example.org'));
  const group = JSON.stringify({ name: names[8], noticeDays: 60 });
  await asAdmin(service, '/api/v1/notice-groups/named', { method: 'PUT', body: group });
  const quoted = (text = '') => `"${text.replaceAll('"', '""')}"`;
  const people = names.map(
    (name, index) => `c${index}@example.org,${quoted(name)},contractual,named,${quoted(name)}\n`,
  );
  await importCsv(service, `email,company,kind,group,entitlement\n${people.join('')}`);
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
  const parts = ['/?q=product&category=people.name', '/?q=product&lang=de'];
  const histories = [
    '/sub-processors/vendor-0',
    '/sub-processors/other-1',
    `/at/${new Date().toISOString().slice(0, 10)}`,
  ];
  const others = ['/compare/3...1', '/subscribe', '/?lang=de', '/compare/1...2?lang=de'];
  for (const path of [...pages, ...parts, ...histories, ...others]) {
    markup.set(path, (await send(service.url + path)).body);
  }
  const console = await openConsole(service);
  for (const path of consolePages) {
    const { status, body } = await console.get(`/admin${path}`);
    if (status !== 200) throw new Error(`/admin${path}: ${status}`);
    markup.set(`/admin${path}`, body);
  }
  // A form that is refused, and one that came after the session's end: both show again what was typed.
  const typed = {
    name: names[8] ?? '',
    website: 'javascript:alert(1)',
    notes: names.join('\n'),
    purposes: names[0] ?? '',
  };
  for (const path of ['/admin/draft/new/sub-processor', '/admin/draft/entry/sub-processor/other-1']) {
    const refused = await console.submit(await console.get(path), path, typed);
    if (refused.status !== 422) throw new Error(`${path}: ${refused.status}`);
    markup.set(`${path}, refused`, refused.body);
    const ended = await sendForm(service.url + path, typed);
    if (ended.status !== 403) throw new Error(`${path}: ${ended.status}`);
    markup.set(`${path}, after the session's end`, ended.body);
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

/** What a text with the harmless names would be with the hostile ones. */
export function hostileOf(text: string): string {
  let said = text.replaceAll(plainMarkdown, () => hostileMarkdown);
  for (const [index, name] of plainNames.entries()) said = said.replaceAll(name, () => hostileNames[index] ?? '');
  return said;
}
