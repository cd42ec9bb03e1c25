/// <reference lib="dom" />
import type { Browser } from 'playwright-core';

/** Bytes of a sheet at most. */
export const largest = 200 * 1024;

/**
 * Views of a page side by side, in the best quality that keeps the file small.
 * @param shots PNG pictures, each with the width that it has on the sheet, in pixels
 * @returns a JPEG
 */
export async function compose(browser: Browser, shots: readonly { shot: Buffer; width: number }[]): Promise<Buffer> {
  const width = shots.reduce((sum, shot) => sum + shot.width + 20, 20);
  const context = await browser.newContext({ viewport: { width, height: 800 } });
  const page = await context.newPage();
  const figures = shots.map(
    ({ shot, width: shown }) => `<img width="${shown}" src="data:image/png;base64,${shot.toString('base64')}">`,
  );
  await page.setContent(
    `<style>body { margin: 0; padding: 20px; display: flex; gap: 20px; align-items: flex-start; background: #888 }</style>${figures.join('')}`,
  );
  await page.waitForFunction(() => [...document.images].every(({ complete }) => complete));
  let sheet: Buffer = Buffer.alloc(0);
  for (const quality of [80, 70, 60, 50, 40, 30, 20]) {
    sheet = await page.screenshot({ type: 'jpeg', quality, fullPage: true });
    if (sheet.length <= largest) break;
  }
  await context.close();
  return sheet;
}
