/// <reference lib="dom" />
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import type { Test } from 'tap';
import { openPage } from '../support/browser.js';
import { liveOn, openCompany } from './company.js';
import { compose, largest } from './sheet.js';

/*
 * docs/pictures/public/*.jpg: a sheet for each page that everybody sees, on a phone, a tablet and at a desk, in
 * light and dark colours, and on paper.
 */

/** In this order. */
export const publicPictures: readonly { name: string; shows: string; path: string }[] = [
  { name: 'list', shows: 'The list in force, and above it what is announced', path: '/' },
  {
    name: 'list-filtered',
    shows: 'Which sub-processors in the United States get the e-mail address of members',
    path: '/?country=US&category=members.e-mail-address',
  },
  { name: 'list-nothing', shows: 'A search that finds nothing', path: '/?q=typewriter&country=FR' },
  { name: 'archive', shows: 'The archive', path: '/versions' },
  { name: 'archive-superseded', shows: 'A version that is not in force any more', path: '/versions/1' },
  { name: 'archive-announced', shows: 'A version that is announced, with what it changes', path: '/versions/3' },
  { name: 'compare', shows: 'Two versions compared', path: '/compare/1...3' },
  { name: 'on-a-day', shows: 'The list that was in force on a day', path: '/at/2027-03-04' },
  { name: 'on-a-day-to-come', shows: 'A day to come, as it is announced', path: '/at/2027-07-01' },
  { name: 'on-no-day', shows: 'A day before the first list', path: '/at/2026-01-01' },
  { name: 'history', shows: 'What became of one sub-processor', path: '/sub-processors/ringwood-telephony-inc' },
  { name: 'subscribe', shows: 'Getting notified', path: '/subscribe' },
  { name: 'api', shows: 'The API, to be read', path: '/api' },
];

const views = [
  { width: 360, colorScheme: 'light', media: 'screen', shown: 240, most: 2_000 },
  { width: 360, colorScheme: 'dark', media: 'screen', shown: 240, most: 2_000 },
  { width: 768, colorScheme: 'light', media: 'screen', shown: 440, most: 2_000 },
  { width: 1280, colorScheme: 'light', media: 'screen', shown: 640, most: 2_000 },
  { width: 1280, colorScheme: 'dark', media: 'screen', shown: 640, most: 2_000 },
  // A4 within its margins, at 96 dots an inch.
  { width: 673, colorScheme: 'light', media: 'print', shown: 440, most: 1_600 },
] as const;
const folder = new URL('../../docs/pictures/public/', import.meta.url);

/** Takes the sheets that are wanted, all when none is named, and the picture of the README. */
export async function takePublic(t: Test, browser: Browser, wanted: readonly string[]): Promise<void> {
  const chosen = publicPictures.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  if (chosen.length === 0) return;
  const company = await openCompany(t);
  await liveOn(company);
  const desks = [];
  for (const view of views) {
    const { page } = await openPage(browser, view, /status of 404/);
    await page.emulateMedia({ media: view.media });
    desks.push({ page, view });
  }
  mkdirSync(folder, { recursive: true });
  for (const { name, path } of chosen) {
    const shots = [];
    for (const { page, view } of desks) {
      await page.goto(company.base + path);
      const height = await page.evaluate(() => document.documentElement.scrollHeight);
      const clip = { x: 0, y: 0, width: view.width, height: Math.min(height, view.most) };
      shots.push({ shot: await page.screenshot({ fullPage: true, animations: 'disabled', clip }), width: view.shown });
    }
    const sheet = await compose(browser, shots);
    writeFileSync(new URL(`${name}.jpg`, folder), sheet);
    t.ok(sheet.length <= largest, `${name}: ${Math.round(sheet.length / 1024)} kB`);
  }
  if (wanted.length === 0 || wanted.includes('list')) {
    const { page } = await openPage(browser, { width: 1100, colorScheme: 'light' });
    await page.goto(company.base);
    const clip = { x: 0, y: 0, width: 1_100, height: 1_300 };
    writeFileSync(
      new URL('../page.jpg', folder),
      await page.screenshot({ type: 'jpeg', quality: 80, fullPage: true, clip }),
    );
  }
  const names = new Set(publicPictures.map(({ name }) => `${name}.jpg`));
  for (const file of readdirSync(folder)) if (!names.has(file)) rmSync(new URL(file, folder));
}
