/// <reference lib="dom" />
import type { Page } from 'playwright-core';
import t from 'tap';
import { startApp } from '../support/app.js';
import {
  accessibilityFaults,
  browserMissing,
  contrastFaults,
  inspect,
  openPage,
  startBrowser,
} from '../support/browser.js';
import { freePort } from '../support/process.js';
import { openRegister, states } from './register.js';

/* Two files ask for it, one for each colour scheme: it is the longest walk through the pages. */

/** Every public page in every state is accessible at 360 and 1280 pixels, and fits from 320 on. */
export function walkAccessibly(colorScheme: 'light' | 'dark'): void {
  // A browser on a busy machine.
  t.setTimeout(170_000);
  const title = `every public page is accessible at 360 and 1280 pixels, and fits from 320 on: ${colorScheme}`;
  t.test(title, { skip: browserMissing() }, async (t) => {
    const browser = await startBrowser(t);
    const [port, emptyPort] = [await freePort(), await freePort()];
    const base = `http://127.0.0.1:${port}`;
    const app = await openRegister(t, { env: { PUBLIC_URL: base } });
    await app.http.listen({ port, host: '127.0.0.1' });
    const empty = await startApp(t, { env: { PUBLIC_URL: `http://127.0.0.1:${emptyPort}` } });
    await empty.http.listen({ port: emptyPort, host: '127.0.0.1' });
    const { page, faults } = await openPage(browser, { width: 360, colorScheme }, /status of 404/);
    page.on('request', (request) => {
      const { hostname } = new URL(request.url());
      if (hostname !== '127.0.0.1') faults.push(`asks ${request.url()}`);
    });
    for (const url of [...states.map((path) => base + path), `http://127.0.0.1:${emptyPort}/`]) {
      await page.goto(url);
      for (const width of [320, 360, 1280]) {
        await page.setViewportSize({ width, height: 900 });
        const where = `${url.replace(base, '')} at ${width}`;
        await inspect(t, page, where, { axe: false });
        if (width === 320) t.same(await smallTargets(page), [], `${where}: targets that stand alone are large enough`);
        else if (colorScheme === 'light') t.same(await accessibilityFaults(page), [], where);
        // All that other colours can bring about.
        else t.same(await contrastFaults(page), [], where);
      }
    }
    t.same(faults, [], 'nothing refused, nothing asked of others');
    await page.context().close();
  });
}

function smallTargets(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll('a, button, select, summary, input')]
      .filter((element) => element.closest('p, dd, li, td') === null)
      .filter((element) => {
        const { width, height } = element.getBoundingClientRect();
        return width > 1 && (width < 24 || height < 24);
      })
      .map(({ outerHTML }) => outerHTML),
  );
}
