/// <reference lib="dom" />
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import t from 'tap';
import { fillSignIn } from './admin/browser.js';
import { setUp, signInAs } from './admin/support.js';
import { type Company, countFigures, holdMail, liveOn, newest, openCompany } from './pictures/company.js';
import { publicPictures, takePublic } from './pictures/public.js';
import { compose, largest } from './pictures/sheet.js';
import { openPage, startBrowser } from './support/browser.js';

/*
 * `npm run pictures [NAME …]`: takes docs/pictures/console/*.jpg anew, one sheet a page of the console with its
 * four views, and docs/pictures/public/*.jpg (pictures/public.ts). A new page is a line of the table below.
 */

interface Picture {
  /** Of the file, and what README.md says of it. */
  name: string;
  shows: string;
  /** Where it is; what needs a number is looked up once the company has had its year. */
  path: string | ((company: Company) => Promise<string>);
  /** What somebody does there before the picture is taken, once in each view. */
  prepare?: (page: Page) => Promise<void>;
  /** Taken by somebody who has not signed in. */
  isStranger?: boolean;
  /** What happens to the company before the first view; it stays so for the pictures below. */
  happens?: (company: Company) => Promise<void>;
}

/** Presses the button and waits for what comes of it. */
const press = (button: string, result: string) => async (page: Page) => {
  await page.locator(button).first().click();
  await page.locator(result).first().waitFor();
};
const fill = (field: string, text: string) => (page: Page) => page.fill(field, text);
/** One thing after the other. */
const steps =
  (...all: ((page: Page) => Promise<void>)[]) =>
  async (page: Page) => {
    for (const step of all) await step(page);
  };
/** The browser still has its cookie, and the service no longer knows it. */
const endSession = async (page: Page) => {
  const cookies = await page.context().cookies();
  const ended = cookies.map((cookie) => (/session/.test(cookie.name) ? { ...cookie, value: 'ended' } : cookie));
  await page.context().addCookies(ended);
};
const faults = '[role=alert]';
const entryButton = '.entry-actions button:not([data-undo])';
const ringwood = '/admin/draft/entry/sub-processor/ringwood-telephony-inc';
const subscriber = (name: string) => async (company: Company) =>
  `/admin/subscribers/${await newest(company, 'subscribers', `email like '${name}@%'`)}`;

/** In this order; a line that has something happen changes all that come after it. */
const pictures: readonly Picture[] = [
  {
    name: 'set-up',
    shows: 'The first admin comes in by the link that the service prints',
    path: async ({ setupLink }) => new URL(setupLink).pathname,
    isStranger: true,
  },
  {
    name: 'sign-in',
    shows: 'Sign-in',
    path: '/admin/sign-in',
    isStranger: true,
    happens: async (company) => {
      await setUp(company.app);
      await signInAs(company.app, 'viewer');
      await liveOn(company);
    },
  },
  {
    name: 'sign-in-refused',
    shows: 'Sign-in with a wrong password',
    path: '/admin/sign-in',
    isStranger: true,
    prepare: steps(
      fill('#email', 'somebody@brightwave.example'),
      fill('#password', 'not the right one'),
      press('main button', faults),
    ),
  },
  { name: 'forgotten', shows: 'A link to a new password', path: '/admin/forgotten', isStranger: true },
  { name: 'overview', shows: 'Overview: what is in force, what is announced, what to do next', path: '/admin' },
  {
    name: 'figures',
    shows: 'Subscribers and mails over time',
    path: '/admin/figures?range=90-days',
    happens: countFigures,
  },
  { name: 'draft', shows: 'The draft', path: '/admin/draft' },
  { name: 'entry', shows: 'A sub-processor of the draft', path: ringwood },
  {
    name: 'entry-refused',
    shows: 'A sub-processor with faults at their fields',
    path: ringwood,
    prepare: steps(fill('#website', 'javascript:alert(1)'), fill('#name', ''), press(entryButton, faults)),
  },
  { name: 'entry-new', shows: 'A new sub-processor', path: '/admin/draft/new/sub-processor' },
  {
    name: 'entry-removal',
    shows: 'Before an entry is removed',
    path: '/admin/draft/removal/sub-processor/ringwood-telephony-inc',
  },
  {
    name: 'list-head',
    shows: 'Title, introduction and what else stands around the table',
    path: '/admin/draft/entry/list',
  },
  {
    name: 'data-subject',
    shows: 'A data subject kind with its catalogue',
    path: '/admin/draft/entry/data-subject/members',
  },
  { name: 'data-category', shows: 'A data category', path: '/admin/draft/entry/data-category/members/ip-address' },
  { name: 'draft-text', shows: 'The draft as YAML', path: '/admin/draft/text' },
  {
    name: 'draft-text-refused',
    shows: 'The draft as YAML with a fault',
    path: '/admin/draft/text',
    prepare: steps(
      async (page) => {
        const source = await page.locator('#source').inputValue();
        await page.fill('#source', source.replace('country: SE', 'country: Sweden'));
      },
      press('main form button', faults),
    ),
  },
  { name: 'import', shows: 'A list is brought as a file or a copied page', path: '/admin/draft/import' },
  {
    name: 'import-preview',
    shows: 'What the file says, row by row, and what the draft would become',
    path: '/admin/draft/import',
    prepare: steps(
      fill(
        '#text',
        [
          'Company;Purpose;Location;Hosting tier',
          'Nordlicht Rechenzentren GmbH;Hosting of the application and its database;Frankfurt, Germany;A',
          'Ringwood Telephony LLC;Text messages and calls;Ireland;B',
          'Copperbeech Search Ltd;Search in documents;United Kingdom;B',
        ].join('\n'),
      ),
      press('.import-start button', '#result'),
    ),
  },
  { name: 'draft-history', shows: 'Who changed what in the draft', path: '/admin/draft/history' },
  { name: 'review', shows: 'Review: the changes and the mail as subscribers will see them', path: '/admin/review' },
  {
    name: 'review-severity',
    shows: 'The severity of a change, set by hand with a reason',
    path: '/admin/review',
    prepare: press('a[href*="/admin/review/severity"]', '#reason'),
  },
  { name: 'review-checklist', shows: 'What a controller would miss, entry by entry', path: '/admin/review/checklist' },
  { name: 'publish', shows: 'Publish: message and dates', path: '/admin/publish' },
  {
    name: 'publish-refused',
    shows: 'Publish with a date that is too early',
    path: '/admin/publish',
    prepare: steps(
      fill('#effectiveAt', '2027-04-20'),
      press('form[action*="/publish/check"] button[type=submit]', faults),
    ),
  },
  {
    name: 'publish-check',
    shows: 'What will happen, before the last click',
    path: '/admin/publish',
    prepare: steps(
      fill('#message', 'Support answers faster with drafts, which our staff check.'),
      press('form[action*="/publish/check"] button[type=submit]', '#dry-run'),
    ),
  },
  { name: 'versions', shows: 'Every version', path: '/admin/versions' },
  {
    name: 'version-announced',
    shows: 'A version that is announced, and how its notice goes',
    path: '/admin/versions/3',
  },
  { name: 'version-in-force', shows: 'The version in force', path: '/admin/versions/2' },
  { name: 'deliveries', shows: 'Deliveries of a version', path: '/admin/deliveries' },
  {
    name: 'delivery',
    shows: 'One delivery that did not arrive',
    path: async (company) => `/admin/deliveries/${await newest(company, 'deliveries', `state = 'bounced'`)}`,
  },
  { name: 'deliverability', shows: 'Whether mail can arrive and be answered', path: '/admin/deliverability' },
  { name: 'subscribers', shows: 'Who is told', path: '/admin/subscribers' },
  { name: 'subscriber', shows: 'One person and their history', path: subscriber('ana.ruiz') },
  {
    name: 'subscriber-erasure',
    shows: 'Before a person is erased',
    path: async (company) => `${await subscriber('ana.ruiz')(company)}/erasure`,
  },
  { name: 'contact', shows: 'A contractual contact is entered', path: '/admin/subscribers/contact' },
  {
    name: 'contact-refused',
    shows: 'A contractual contact with faults at their fields',
    path: '/admin/subscribers/contact',
    prepare: steps(fill('#email', 'no address'), press('main form button', faults)),
  },
  { name: 'subscriber-import', shows: 'People are brought by a file', path: '/admin/subscribers/import' },
  {
    name: 'subscriber-import-preview',
    shows: 'What the file would do, line by line',
    path: '/admin/subscribers/import',
    prepare: steps(
      fill(
        '#csv',
        [
          'email,company,status,consent',
          'privacy@northgate.example,Northgate Logistics Ltd,confirmed,"Order form of 1 March 2027, tick box"',
          'office@lindqvist.example,Lindqvist AB,,',
          'ana.ruiz@example,Ruiz y Asociados,confirmed,Fair of May 2026',
        ].join('\n'),
      ),
      press('main form button', '#effect'),
    ),
  },
  { name: 'groups', shows: 'Notice groups and their periods', path: '/admin/subscribers/groups' },
  { name: 'objections', shows: 'Objections', path: '/admin/objections' },
  { name: 'tasks', shows: 'What only a person can see to', path: '/admin/tasks' },
  { name: 'account', shows: 'One’s own account: sessions, password, second factor', path: '/admin/account' },
  {
    name: 'second-factor-enrolment',
    shows: 'A second factor is set up',
    path: '/admin/account/second-factor',
  },
  { name: 'admins', shows: 'Who may do what, and invitations', path: '/admin/admins' },
  { name: 'admin', shows: 'One admin', path: '/admin/admins/2' },
  { name: 'api-tokens', shows: 'API tokens', path: '/admin/api-tokens' },
  {
    name: 'api-token-made',
    shows: 'A new API token, shown once',
    path: '/admin/api-tokens',
    prepare: steps(
      fill('#name', 'Build server'),
      press('form:has(#name) button[type=submit]', '.notice-success code, .notice-success pre'),
    ),
  },
  { name: 'audit', shows: 'The audit log', path: '/admin/audit' },
  { name: 'not-found', shows: 'A page that is not there', path: '/admin/versions/99' },
  {
    name: 'session-ended',
    shows: 'A session that has ended, with everything that was typed',
    path: '/admin/subscribers/contact',
    prepare: steps(
      fill('#email', 'legal@northgate.example'),
      fill('#company', 'Northgate Logistics Ltd'),
      endSession,
      press('main form button', '#kept-email'),
    ),
  },
  {
    name: 'overview-held',
    shows: 'Overview after a long stop: mail waits for somebody’s word',
    path: '/admin',
    happens: holdMail,
  },
];

const views = [
  { width: 360, colorScheme: 'light' },
  { width: 360, colorScheme: 'dark' },
  { width: 1280, colorScheme: 'light' },
  { width: 1280, colorScheme: 'dark' },
] as const;
/** A browser of somebody who stays signed in from one picture to the next. */
interface Desk {
  page: Page;
  view: (typeof views)[number];
}
/** How wide a view is on the sheet, and how much of a long page is shown, in pixels of the page. */
const shown = { 360: { width: 270, most: 2_000 }, 1280: { width: 760, most: 2_400 } } as const;
const folder = new URL('../docs/pictures/console/', import.meta.url);

t.setTimeout(900_000);

t.test('pictures', async (t) => {
  const wanted = process.argv.slice(2);
  const known = [...pictures, ...publicPictures].map(({ name }) => name);
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`no picture is called ${unknown.join(', ')}`);
  const ofConsole = wanted.length === 0 || wanted.some((name) => pictures.some((picture) => picture.name === name));
  const browser = await startBrowser(t);
  await takePublic(t, browser, wanted);
  writeFileSync(new URL('../README.md', folder), index());
  if (!ofConsole) return;
  const company = await openCompany(t);
  const desks: Desk[] = [];
  for (const view of views) {
    const { page } = await openPage(browser, view, /status of 4\d\d/);
    // A page with unsaved words asks before it is left.
    page.on('dialog', (dialog) => void dialog.accept());
    desks.push({ page, view });
  }
  mkdirSync(folder, { recursive: true });
  for (const picture of pictures) {
    await picture.happens?.(company);
    if (wanted.length > 0 && !wanted.includes(picture.name)) continue;
    const path = typeof picture.path === 'string' ? picture.path : await picture.path(company);
    const shots: Buffer[] = [];
    for (const desk of desks) shots.push(await take(desk, company, { ...picture, path }));
    const sheet = await compose(
      browser,
      shots.map((shot, view) => ({ shot, width: shown[views[view]?.width ?? 360].width })),
    );
    writeFileSync(new URL(`${picture.name}.jpg`, folder), sheet);
    t.ok(sheet.length <= largest, `${picture.name}: ${Math.round(sheet.length / 1024)} kB`);
  }
  const names = new Set(pictures.map(({ name }) => `${name}.jpg`));
  for (const file of readdirSync(folder)) if (!names.has(file)) rmSync(new URL(file, folder));
});

/** One view of a page, cut off where it gets long. */
async function take(
  { page, view }: Desk,
  { base }: Company,
  { path, prepare, isStranger = false }: Picture & { path: string },
): Promise<Buffer> {
  if (isStranger) await page.context().clearCookies();
  await page.goto(base + path);
  if (!isStranger && new URL(page.url()).pathname.endsWith('/sign-in')) {
    await fillSignIn(page, 'officer@example.org');
    await page.waitForURL(base + path);
  }
  await prepare?.(page);
  await page.waitForLoadState('networkidle');
  const height = await page.evaluate(() => {
    for (const element of document.querySelectorAll<HTMLElement>('body *')) {
      // What stays at an edge of the window has its place in a picture that is taller than any window.
      if (getComputedStyle(element).position === 'sticky') element.style.position = 'static';
    }
    return document.documentElement.scrollHeight;
  });
  // A mail within the page is drawn once it has been in view.
  for (const frame of await page.locator('iframe').all()) await frame.scrollIntoViewIfNeeded();
  await page.waitForLoadState('networkidle');
  return page.screenshot({
    fullPage: true,
    animations: 'disabled',
    caret: 'hide',
    clip: { x: 0, y: 0, width: view.width, height: Math.min(height, shown[view.width].most) },
  });
}

/** The tables of contents, which are written with the pictures. */
function index(): string {
  const path = new URL('../README.md', folder);
  const tableOf = (rows: readonly { name: string; shows: string }[], place: string) =>
    [
      '| sheet | shows |',
      '| --- | --- |',
      ...rows.map(({ name, shows }) => `| [${name}](${place}/${name}.jpg) | ${shows} |`),
    ]
      .map((line) => `${line}\n`)
      .join('');
  const tables = [tableOf(publicPictures, 'public'), tableOf(pictures, 'console')];
  return readFileSync(path, 'utf8').replace(/(?:^\|.*\n)+/gm, () => tables.shift() ?? '');
}
