import { simpleParser } from 'mailparser';
import t, { type Test } from 'tap';
import { readMarkup } from '../mail/markup.js';
import type { ReceivedMail } from '../support/smtp.js';
import {
  type Answer,
  audited,
  confirmedCsv,
  dump,
  importCsv,
  linkTo,
  listOf,
  mailedLink,
  type Outside,
  oneClick,
  oneClickUrl,
  publish,
  quiet,
  send,
  sendForm,
  sendJson,
  startOutside,
  statusOf,
  subscribers,
} from './outside.js';

/* Machines that read mail and fetch every link in it before a person does (case 2 of the collected faults). */

t.setTimeout(180_000);
t.jobs = 2;

const machines = [
  'Mozilla/5.0 (compatible; Example-Mail-Gateway/7.2; url-defense)',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) PhishingSimulator/1.4 (training)',
];
const methods = ['GET', 'HEAD', 'OPTIONS'] as const;

t.test('case 2: no machine that fetches the links of a notice changes anything', { buffered: true }, async (t) => {
  const outside = await startOutside(t);
  const { service, relay } = outside;
  await publish(service, listOf('Vendor One'), { notify: false });
  await importCsv(service, confirmedCsv('ann@example.org', 'bob@example.org'));
  await publish(service, {
    ...listOf('Vendor One', 'Vendor Two'),
    introduction: 'What we use, and [how to ask](mailto:privacy@example.org).',
  });
  await quiet(outside);

  const [notice] = relay.mailTo('ann@example.org');
  if (notice === undefined) throw new Error('ann got no notice');
  const links = await linksIn(notice, service.url);
  for (const path of ['/unsubscribe/', '/preferences/', '/objections/', '/compare/1...2', '/versions/2']) {
    t.ok(
      links.some((link) => link.includes(path)),
      `the notice has a link to ${path}`,
    );
  }
  await fetchAll(t, outside, links);

  t.equal(await statusOf(service, 'ann@example.org'), 'confirmed', 'nobody has left');
  const left = await oneClick(oneClickUrl(notice));
  t.ok(left.status >= 200 && left.status < 300, `one click answers ${left.status}`);
  t.equal(await statusOf(service, 'ann@example.org'), 'unsubscribed', 'and still unsubscribes');
  t.equal(await statusOf(service, 'bob@example.org'), 'confirmed', 'nobody else');
  const id = (await subscribers(service)).find(({ email }) => email === 'ann@example.org')?.id ?? 0;
  t.equal(await audited(service, 'subscriber.unsubscribed', id), 1, 'once');
});

t.test(
  'case 2: nor does one that fetches those of every letter, and each works afterwards',
  {
    buffered: true,
  },
  async (t) => {
    const outside = await startOutside(t);
    const { service, relay } = outside;
    const [ann, asks, moves] = ['ann@example.org', 'asks@example.org', 'moved@example.org'];
    await publish(service, listOf('Vendor One'), { notify: false });
    // Confirmation, welcome, notice, receipt of an objection, "already subscribed", and three links that are good once.
    await sendForm(`${service.url}/subscribe`, { email: ann });
    t.equal((await sendForm(await mailedLink(relay, ann, 'confirm'), {})).status, 200);
    await publish(service, listOf('Vendor One', 'Vendor Two'));
    const objection = await mailedLink(relay, ann, 'objections');
    t.equal((await sendForm(objection, { grounds: 'We do not want it.' })).status, 200);
    await sendJson(`${service.url}/api/v1/subscriptions`, { email: ann });
    const preferences = await mailedLink(relay, ann, 'preferences');
    t.ok((await sendForm(`${preferences}/manage-link`, {})).status < 400, 'a link to their data is asked for');
    const manage = await mailedLink(relay, ann, 'manage');
    t.ok((await sendForm(`${manage}/address`, { email: moves })).status < 400, 'another address is asked for');
    await sendForm(`${service.url}/subscribe`, { email: asks });
    await quiet(outside);

    const links = new Set<string>();
    for (const mail of relay.received) for (const link of await linksIn(mail, service.url)) links.add(link);
    t.comment(`${relay.received.length} mails with ${links.size} links`);
    await fetchAll(t, outside, [...links]);

    t.equal((await sendForm(await linkTo(relay, asks, 'confirm'), {})).status, 200);
    t.equal(await statusOf(service, asks), 'confirmed', 'the link that confirms was not used up');
    t.equal((await send(manage)).status, 200, 'nor the one to their data');
    t.equal((await sendForm(await linkTo(relay, moves, 'confirm'), {})).status, 200);
    t.equal(await statusOf(service, moves), 'confirmed', 'nor the one that proves another address');
  },
);

/**
 * Fetches addresses, and those on the pages that they lead to, as machines do: each method five times by
 * each of them, twice at the same moment, without cookies. The database must be as before.
 */
async function fetchAll(t: Test, { service, database }: Outside, links: readonly string[]): Promise<void> {
  const before = await dump(database.pool);
  const reached = new Set<string>();
  await inParallel(links, async (link) => {
    const [page] = await knock(t, link);
    t.equal(page.status, 200, `${shortly(link)} leads somewhere`);
    for (const next of linksOn(page, service.url)) reached.add(next);
  });
  const deeper = [...reached].filter((link) => !links.includes(link));
  t.ok(deeper.length > 0, `the pages have ${deeper.length} links of their own`);
  await inParallel(deeper, async (link) => void (await knock(t, link)));
  t.strictSame(await dump(database.pool), before, 'nothing changes');
}

/** Five requests by each machine and method; the answers to GET. */
async function knock(t: Test, url: string): Promise<[Answer, ...Answer[]]> {
  const pages: Answer[] = [];
  const statuses = new Set<number>();
  for (const machine of machines) {
    for (const method of methods) {
      const once = () => send(url, { method, headers: { 'user-agent': machine, accept: '*/*' } });
      const answers = [await once(), await once(), ...(await Promise.all([once(), once()])), await once()];
      for (const { status } of answers) statuses.add(status);
      if (method === 'GET') pages.push(...answers);
    }
  }
  t.notOk(
    [...statuses].some((status) => status >= 500),
    `${shortly(url)} answers ${[...statuses].sort().join(', ')}`,
  );
  const [first, ...others] = pages;
  if (first === undefined) throw new Error('no request was sent');
  t.ok(
    others.every(({ status }) => status === first.status),
    'the same each time',
  );
  return [first, ...others];
}

/** Every address of ours in a mail: in its headers, its parts and what is attached. */
async function linksIn({ raw }: ReceivedMail, base: string): Promise<string[]> {
  const mail = await simpleParser(raw, { skipHtmlToText: true, skipTextToHtml: true });
  const head = mail.headerLines.map(({ line }) => line.replace(/\r?\n[ \t]+/g, ' ')).join('\n');
  const attached = mail.attachments.map(({ content }) => content.toString('utf8')).join('\n');
  const plain = `${head}\n${mail.text ?? ''}\n${attached}`.match(/https?:\/\/[^\s<>"']+/g) ?? [];
  return ours([...plain, ...addressesOf(String(mail.html))], base);
}

/** What a machine finds on a page and can fetch. */
function linksOn({ body, headers }: Answer, base: string): string[] {
  const isPage = String(headers['content-type']).startsWith('text/html');
  return isPage ? ours(addressesOf(body), base) : [];
}

function addressesOf(html: string): string[] {
  return readMarkup(html).elements.flatMap(({ attributes }) =>
    ['href', 'src', 'background'].flatMap((name) => attributes[name] ?? []),
  );
}

function ours(links: readonly string[], base: string): string[] {
  const whole = links.flatMap((link) => (URL.canParse(link, base) ? [new URL(link, base)] : []));
  return [
    ...new Set(
      whole
        .filter(({ origin }) => origin === new URL(base).origin)
        .map((url) => {
          url.hash = '';
          return url.href;
        }),
    ),
  ];
}

async function inParallel(links: readonly string[], work: (link: string) => Promise<void>): Promise<void> {
  const left = [...links];
  const worker = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await work(next);
  };
  await Promise.all([worker(), worker(), worker()]);
}

/** An address without its host and most of its token. */
function shortly(link: string): string {
  const { pathname, search } = new URL(link);
  return pathname.replace(/([\w-]{4})[\w-]{16,}/, '$1…') + search;
}
