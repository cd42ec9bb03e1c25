import type { Browser, Page } from 'playwright-core';
import { openPage, type View } from '../support/browser.js';
import { password } from './support.js';

/** A page of the console, in a profile of its own, of the first admin or whoever has that address. */
export async function openConsole(
  browser: Browser,
  base: string,
  view: View,
  { email = 'officer@example.org', expected }: { email?: string; expected?: RegExp } = {},
): Promise<{ page: Page; faults: string[] }> {
  const opened = await openPage(browser, view, expected);
  await opened.page.goto(`${base}/admin/sign-in`);
  await fillSignIn(opened.page, email);
  await opened.page.waitForURL(/\/admin(\?|$)/);
  return opened;
}

/** Fills in the form of the sign-in page and sends it. */
export async function fillSignIn(page: Page, email: string): Promise<void> {
  await page.fill('#email', email);
  await page.fill('#password', password);
  await page.click('main button[type=submit]');
}
