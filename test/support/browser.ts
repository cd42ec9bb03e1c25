/// <reference lib="dom" />
import { existsSync } from 'node:fs';
import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { Test } from 'tap';

const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/google-chrome',
  '/opt/google/chrome/chrome',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/**
 * Why the browser tests of a file cannot run here, for `t.test(name, { skip: browserMissing() }, …)`;
 * false when they can. Where a browser has to be (CI_BROWSER_REQUIRED=1) its lack is a failure.
 */
export function browserMissing(): string | false {
  if (executable() !== undefined || process.env.CI_BROWSER_REQUIRED === '1') return false;
  return 'no Chromium here: install one, or name it in CHROMIUM_PATH';
}

/** A real Chromium without a window, closed at the end of `t`. */
export async function startBrowser(t: Test): Promise<Browser> {
  const executablePath = executable();
  if (executablePath === undefined) throw new Error('no Chromium found; name it in CHROMIUM_PATH');
  // As root, and in containers, Chromium cannot build its sandbox; it sees our own pages only.
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
  t.teardown(() => browser.close());
  return browser;
}

export interface View {
  /** Of the window, in CSS pixels. */
  width: number;
  colorScheme: 'light' | 'dark';
  javaScriptEnabled?: boolean;
}

/**
 * A page in a profile of its own, and whatever the browser complains about in it. The browser notes an answer
 * of 400 and more as an error too; where one is what the test asks for, `expected` finds its message.
 */
export async function openPage(
  browser: Browser,
  { width, colorScheme, javaScriptEnabled = true }: View,
  expected?: RegExp,
): Promise<{ page: Page; faults: string[] }> {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme,
    javaScriptEnabled,
    reducedMotion: 'reduce',
    locale: 'en',
  });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' && expected?.test(message.text()) !== true) faults.push(message.text());
  });
  page.on('pageerror', ({ message }) => faults.push(message));
  return { page, faults };
}

/** What axe finds against WCAG 2.2 AA and good practice: a line for each rule, with the elements. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  return faultsOf(builderFor(page).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']));
}

/** What axe finds against the contrast of colours alone: all that a page in other colours can have against it. */
export async function contrastFaults(page: Page): Promise<string[]> {
  return faultsOf(builderFor(page).withRules(['color-contrast', 'link-in-text-block']));
}

function builderFor(page: Page): AxeBuilder {
  // Frames that may run nothing cannot be asked; they hold mails, which are not our pages.
  return new AxeBuilder({ page }).setLegacyMode();
}

async function faultsOf(axe: AxeBuilder): Promise<string[]> {
  const { violations } = await axe.analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' · ')}`);
}

/**
 * The page as it is now is accessible and needs no scrolling sideways. With SHOTS a picture of it is kept there.
 * @param options.axe false where only the width is new
 */
export async function inspect(t: Test, page: Page, where: string, { axe = true } = {}): Promise<void> {
  if (axe) t.same(await accessibilityFaults(page), [], `${where}: axe`);
  const width = page.viewportSize()?.width ?? 0;
  const shown = await page.evaluate(() => document.documentElement.scrollWidth);
  t.ok(shown <= width, `${where}: no sideways scrolling at ${width} px (${shown})`);
  if (process.env.SHOTS !== undefined) {
    const name = where.replace(/\W+/g, '-').replace(/^-/, '');
    await page.screenshot({ path: `${process.env.SHOTS}/${width}-${name}.png`, fullPage: true });
  }
}

/**
 * Waits until the element with the focus is that one: after a form was sent the page is new, and its
 * `autofocus` comes when the browser gets to it. Fails when it never does.
 */
export async function awaitFocus(page: Page, selector: string): Promise<void> {
  await page.locator(`${selector}:focus`).waitFor({ state: 'attached', timeout: 20_000 });
}

function executable(): string | undefined {
  return [process.env.CHROMIUM_PATH ?? '', ...places].find((path) => path !== '' && existsSync(path));
}
