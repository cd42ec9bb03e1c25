/*
 * PURE. A mail as a client shows it that is set to light or to dark, whatever the browser is set to that shows
 * it here: the rules for dark stand in one media query (templates/mail/layout.mjml), which is made to hold
 * always or never, and what is said to the client of its own colours likewise.
 */

export const appearances = ['light', 'dark'] as const;
export type Appearance = (typeof appearances)[number];

/** @param html of a mail as it goes out */
export function shownIn(html: string, appearance: Appearance): string {
  return html
    .replace(/@media\s*\(prefers-color-scheme:\s*dark\)/g, appearance === 'dark' ? '@media all' : '@media not all')
    .replace(/(color-scheme(?:s)?(?:: |" content="))light dark/g, `$1${appearance}`);
}
