import { existsSync } from 'node:fs';
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
