import { type Look, tonesOf } from '../look.js';

/*
 * PURE. The colours of links and buttons in mail: those of the settings, checked at the start against the grounds
 * that templates/mail/layout.mjml has as well, or our own. A logo is not in mail: a picture from elsewhere tells who
 * opened it when, and most programs do not show it; the company's name stands there as text.
 */

export interface MailColours {
  accent: string;
  onAccent: string;
  /** Beside somebody's own words. */
  line: string;
  darkAccent: string;
  darkOnAccent: string;
}

const ours: MailColours = {
  accent: '#14576b',
  onAccent: '#ffffff',
  line: '#87a9b3',
  darkAccent: '#8accdf',
  darkOnAccent: '#0c2630',
};

export function mailColours(accent: Look['accent'] | undefined): MailColours {
  if (accent === null || accent === undefined) return ours;
  const { light, dark } = accent;
  return {
    accent: light,
    onAccent: tonesOf(light, 'light').onAccent,
    line: light,
    darkAccent: dark,
    darkOnAccent: tonesOf(dark, 'dark').onAccent,
  };
}
