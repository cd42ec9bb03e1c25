import { readFileSync } from 'node:fs';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Locator, Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { awaitFocus, browserMissing, startBrowser } from '../support/browser.js';
import { openDatabase } from '../support/database.js';
import { type Service, startService, until } from '../support/process.js';
import { type SmtpRelay, startSmtp } from '../support/smtp.js';

t.setTimeout(180_000);

const customer = 'privacy@customer.example';
const officer = 'officer@brightwave.example';
const password = 'four quiet words here';

/** The text as a person sees it. */
// biome-ignore lint/performance/useDomNodeTextContent: what is hidden, or apart by layout only, matters here
const seen = (locator: Locator) => locator.innerText();

/** No violation that axe can find, and nothing to scroll sideways on the narrowest phone. */
async function inspect(t: Test, page: Page, name: string): Promise<void> {
  const wide = page.viewportSize();
  const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).analyze();
  t.same(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`),
    [],
    `${name}: axe`,
  );
  await page.setViewportSize({ width: 320, height: 640 });
  const beyond = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
  t.equal(beyond, 0, `${name}: nothing beyond 320 px`);
  if (wide !== null) await page.setViewportSize(wide);
}

/** A mail as the customer sees it. */
interface Mail {
  subject: string;
  text: string;
  /** What the HTML part shows. */
  html: string;
  raw: string;
}

/** The customer's newest mail with that subject, read in the built-in mailbox. */
async function readInMailbox(t: Test, page: Page, url: string, subject: RegExp): Promise<Mail> {
  await until(`a mail ${subject}`, async () => {
    await page.goto(`${url}/dev/mailbox`);
    const row = page.locator('tbody tr').filter({ hasText: customer }).filter({ hasText: subject }).first();
    if ((await row.count()) === 0) return false;
    await row.getByRole('link').click();
    return true;
  });
  await inspect(t, page, 'mailbox');
  return {
    subject: await seen(page.locator('h1')),
    text: await seen(page.locator('pre.mail-text')),
    html: await seen(page.frameLocator('iframe').locator('body')),
    raw: (await page.locator('details pre').textContent()) ?? '',
  };
}

/** The same at a relay of somebody else's. */
async function readAtRelay(page: Page, relay: SmtpRelay, wanted: RegExp): Promise<Mail> {
  return until(`a mail ${wanted}`, async () => {
    for (const mail of relay.mailTo(customer).reverse()) {
      const { subject = '', text = '', html } = await mail.parse();
      if (!wanted.test(subject)) continue;
      await page.setContent(String(html));
      return { subject, text, html: await seen(page.locator('body')), raw: mail.raw.toString() };
    }
    return null;
  });
}

/** Goes on by the Tab key until the element with the focus is that one; what was passed on the way. */
async function tabTo(page: Page, selector: string): Promise<string[]> {
  const passed: string[] = [];
  for (let steps = 0; steps < 60; steps++) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(
      `(() => { const e = document.activeElement; return [e.matches(${JSON.stringify(selector)}), e.id || e.textContent.trim()]; })()`,
    );
    const [found, name] = at as [boolean, string];
    if (found) return passed;
    passed.push(name);
  }
  throw new Error(`the Tab key does not reach ${selector}: ${passed.join(' · ')}`);
}

/** What differs between a machine with nothing else and one with a database and a relay. */
interface Setting {
  service: Service;
  /** Pasted by the officer; null: the service brings one. */
  draft: string | null;
  read(page: Page, subject: RegExp): Promise<Mail>;
}

/** The whole way: first admin, first version, a subscriber, a change, its notice, and out again. */
async function playStory(t: Test, browser: Browser, setting: Setting): Promise<void> {
  const { service, read } = setting;
  const { url } = service;
  const desk = await (await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Brussels' })).newPage();
  const post = await (await browser.newContext({ locale: 'en-GB' })).newPage();

  // The officer comes in by the link that the service printed.
  const setup = /http\S+\/admin\/setup\/\S+/.exec(service.output())?.[0] ?? '';
  await desk.goto(setup);
  await inspect(t, desk, 'set-up');
  await desk.getByLabel('Your e-mail address').fill(officer);
  await desk.getByLabel('Choose a password').fill(password);
  await desk.getByLabel('The same password again').fill(password);
  await desk.getByRole('button', { name: 'Set up and sign in' }).click();
  await desk.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  await inspect(t, desk, 'overview');

  // The draft made from the sample is ready; on a database of one's own it begins with a pasted text.
  if (setting.draft !== null) {
    await desk.goto(`${url}/admin/draft/text`);
    await desk.locator('#source').fill(setting.draft);
    await desk.getByRole('button', { name: 'Save draft' }).click();
    await desk.goto(`${url}/admin`);
  }
  await desk.getByRole('link', { name: 'Go to publish' }).click();
  await desk.getByRole('button', { name: 'Continue' }).click();
  await desk.getByRole('button', { name: 'Publish version 1 now' }).click();
  t.match(await seen(desk.getByRole('status').first()), /Version 1 is published/);

  // A customer finds the list and subscribes, by keyboard alone.
  await post.goto(url);
  await inspect(t, post, 'list');
  t.match(await seen(post.locator('main')), /Twilio/);
  await tabTo(post, '.site-nav a[href="/subscribe"]');
  await post.keyboard.press('Enter');
  await post.waitForURL(`${url}/subscribe`);
  await inspect(t, post, 'form');
  await post.reload();
  await tabTo(post, '#email');
  await post.keyboard.type('no address');
  await post.keyboard.press('Enter');
  const summary = post.getByRole('alert');
  t.match(await seen(summary), /One thing needs to be put right/);
  await awaitFocus(post, '[role=alert]');
  await inspect(t, post, 'form with a fault');
  await post.keyboard.press('Tab');
  await post.keyboard.press('Enter');
  await awaitFocus(post, '#email');
  await post.locator('#email').selectText();
  await post.keyboard.type(customer);
  t.same(await tabTo(post, '#locale'), ['company'], 'fields come in their order');
  t.same(await tabTo(post, 'form button'), []);
  await post.keyboard.press('Enter');
  await post.getByRole('heading', { level: 1, name: 'Look into your mailbox' }).waitFor();
  await inspect(t, post, 'form sent');

  // Another browser would see a button; the one that sent the form is done with the link.
  const asked = await read(post, /Confirm/i);
  const confirm = new RegExp(`${url}/confirm/\\S+`).exec(asked.text)?.[0];
  const elsewhere = await (await browser.newContext()).newPage();
  await elsewhere.goto(confirm ?? '');
  t.equal(await elsewhere.getByRole('button', { name: 'Confirm subscription' }).count(), 1);
  await inspect(t, elsewhere, 'confirm');
  await post.goto(confirm ?? '');
  await post.getByRole('heading', { level: 1, name: 'You are subscribed' }).waitFor();
  await inspect(t, post, 'confirmed');

  // The officer changes two vendors and a retention period.
  await desk.goto(`${url}/admin/draft/text`);
  await inspect(t, desk, 'draft');
  const source = await desk.locator('#source').inputValue();
  const edited = source
    .replace('retention: 1 year', 'retention: 3 years')
    .replace('dataLocations: [Global]', 'dataLocations: [Germany (Frankfurt)]')
    .replace('name: Twilio Inc.', 'name: Twilio Inc.\n    purposes: [Text messages]')
    .concat('  - name: Letterbird & Söhne <mail>\n    country: US\n    purposes: [Sending of e-mail]\n');
  await desk.locator('#source').fill(edited.replace('country: SE', 'country: Sweden'));
  await desk.getByRole('button', { name: 'Save draft' }).click();
  t.match(await seen(desk.getByRole('alert')), /Line \d+/);
  t.match(await seen(desk.locator('.at-fault')), /country: Sweden/);
  await inspect(t, desk, 'draft with a fault');
  await desk.locator('#source').fill(edited);
  await desk.getByRole('button', { name: 'Save draft' }).click();
  t.match(await seen(desk.getByRole('status')), /differs from the latest version in 4 points/);

  await desk.getByRole('link', { name: 'Review the changes' }).first().click();
  const account = await seen(desk.locator('main'));
  t.match(account, /Letterbird & Söhne <mail>/);
  t.match(account, /1 year\s+3 years/);
  const preview = desk.frameLocator('.mail-frame-desktop');
  t.match(await seen(preview.locator('body')), /Letterbird & Söhne <mail>/);
  await inspect(t, desk, 'review');

  await desk.getByRole('link', { name: 'Go to publish' }).first().click();
  await inspect(t, desk, 'publish');
  const proposed = await desk.getByLabel('Takes effect on').inputValue();
  await desk.getByLabel('Takes effect on').fill('2026-11-30');
  await desk.getByLabel('Message to your subscribers').fill('Mail moves to a new house.');
  await desk.getByRole('button', { name: 'Continue' }).click();
  t.match(await seen(desk.getByRole('alert')), /earliest lawful day/);
  t.equal(await desk.getByLabel('Message to your subscribers').inputValue(), 'Mail moves to a new house.');
  await desk.getByLabel('Takes effect on').fill(proposed);
  await desk.getByRole('button', { name: 'Continue' }).click();
  t.match(await seen(desk.locator('main')), /Told by mail\s+One subscriber/);
  await inspect(t, desk, 'what will happen');
  const subject = await seen(desk.locator('dd').filter({ hasText: 'sub-processor' }).first());
  await desk.getByRole('button', { name: 'Publish version 2 now' }).dblclick();
  await desk.waitForURL(/\/admin\/versions\/2/);
  await until('the delivery', async () => {
    await desk.goto(`${url}/admin/versions/2?state=sent`);
    return (await desk.getByText(customer).count()) > 0;
  });
  await inspect(t, desk, 'deliveries');
  await desk.goto(`${url}/admin/versions`);
  t.equal(await desk.locator('tbody tr').count(), 2, 'a double click publishes once');
  await inspect(t, desk, 'versions');
  for (const part of ['subscribers', 'objections', 'audit', 'api-tokens']) {
    await desk.goto(`${url}/admin/${part}`);
    await inspect(t, desk, part);
  }

  // What the customer holds in hands.
  const mail = await read(post, /1 sub-processor added/);
  t.equal(mail.subject, subject, 'the subject that the officer saw');
  const text = mail.text.replace(/\s+/g, ' ');
  for (const fact of [
    'Letterbird & Söhne <mail>',
    'Mail moves to a new house.',
    'CloudFlare, Inc.',
    'Germany (Frankfurt)',
    'Twilio Inc.',
    'Text messages',
    '1 year',
    '3 years',
    `${url}/compare/1...2`,
  ]) {
    t.ok(text.includes(fact), `the text part says ${fact}`);
  }
  for (const fact of ['Letterbird & Söhne <mail>', 'Germany (Frankfurt)', '3 years']) {
    t.ok(mail.html.includes(fact), `the HTML part says ${fact}`);
  }
  for (const part of ['objections', 'preferences', 'unsubscribe']) {
    const link = new RegExp(`${url}/${part}/\\S+`).exec(text)?.[0] ?? '';
    await elsewhere.goto(link);
    await inspect(t, elsewhere, part);
  }

  // One click of the mail program ends it.
  const header = /^List-Unsubscribe: ?(?:\r?\n )?<(\S+?)>/m.exec(mail.raw.replace(/\r?\n[ \t]+/g, ' '))?.[1] ?? '';
  t.match(mail.raw, /^List-Unsubscribe-Post: List-Unsubscribe=One-Click$/m);
  const click = await fetch(header, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'List-Unsubscribe=One-Click',
    redirect: 'manual',
  });
  t.equal(click.status, 200);
  await elsewhere.goto(header);
  await elsewhere.getByRole('heading', { level: 1, name: 'You are unsubscribed' }).waitFor();
  await desk.goto(`${url}/admin/subscribers?status=unsubscribed`);
  t.equal(await desk.locator('tbody th').filter({ hasText: customer }).count(), 1);
}

t.test(
  'from an empty folder to a precise notice in a mailbox, and out again by one click',
  {
    skip: browserMissing(),
  },
  async (t) => {
    const service = await startService(t, { COMPANY_NAME: 'Brightwave', TIME_ZONE: 'Europe/Brussels' });
    await playStory(t, await startBrowser(t), {
      service,
      draft: null,
      read: (page, subject) => readInMailbox(t, page, service.url, subject),
    });
  },
);

t.test('the same with a database and a relay of one’s own', { skip: browserMissing() }, async (t) => {
  const database = await openDatabase(t);
  const relay = await startSmtp(t, { login: { user: 'notices', password: 'p@ss:word' } });
  const service = await startService(t, {
    COMPANY_NAME: 'Brightwave',
    DATABASE_URL: database.url,
    SMTP_URL: relay.url,
    SECRET_KEY: 'a-secret-key-that-only-the-tests-use',
  });
  const sample = readFileSync(new URL('../../samples/sub-processors.yaml', import.meta.url), 'utf8');
  await playStory(t, await startBrowser(t), {
    service,
    draft: sample,
    read: (page, subject) => readAtRelay(page, relay, subject),
  });
  t.equal((await fetch(`${service.url}/dev/mailbox`)).status, 404, 'there is no built-in mailbox');
});
