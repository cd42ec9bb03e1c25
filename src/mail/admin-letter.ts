import type { Look } from '../look.js';
import type { Texts } from '../texts.js';
import { type Footer, letterMail } from './letter-blocks.js';
import type { RenderedMail } from './message.js';

interface Common {
  company: string;
  /** Without a slash at its end. */
  publicUrl: string;
  /** A mailbox that people can write to. */
  contact: string;
  /** Of links and buttons; absent or null: ours. */
  accent?: Look['accent'];
}

/** A letter with a one-time link to an admin's account: to make it, or to give it a new password. */
export interface AdminLinkLetterInput extends Common {
  kind: 'admin-invitation' | 'admin-reset';
  url: string;
  /** What the account may do; of an invitation. */
  role: string | null;
  validMinutes: number;
}

/** What for, the button, how long it is good, what if it was not you. It holds no text that anybody typed. */
export function adminLinkLetter(input: AdminLinkLetterInput, texts: Texts): Promise<RenderedMail> {
  const { kind, company, url, role, validMinutes } = input;
  const part = kind === 'admin-invitation' ? 'invitation' : 'reset';
  const t = (key: string, values: Record<string, string | number> = {}) =>
    texts.t(`accounts.letter.${part}.${key}`, { company, ...values });
  const named = role === null ? {} : { role: texts.t(`console.roles.${role}`) };
  const hours = validMinutes >= 120;
  const valid = texts.t(`accounts.letter.${hours ? 'validHours' : 'validMinutes'}`, {
    count: hours ? Math.round(validMinutes / 60) : validMinutes,
  });
  return letterMail(
    {
      subject: t('subject'),
      masthead: texts.t('mail.letter.masthead', { company }),
      title: t('title'),
      blocks: [
        { kind: 'paragraph', text: t('body', named) },
        { kind: 'button', text: t('button'), url },
        { kind: 'paragraph', text: valid },
        { kind: 'paragraph', text: t('notYou') },
      ],
      footer: footerOf(input, texts),
    },
    texts,
    input.accent,
  );
}

/** A letter that tells an admin what was done to their account, by them or by somebody else. */
export interface AdminChangedLetterInput extends Common {
  kind: 'admin-changed';
  /** A name under `accounts.letter.changed`. */
  deed: string;
  at: Date;
}

/** What was done and when, and what to do if it was somebody else. */
export function adminChangedLetter(input: AdminChangedLetterInput, texts: Texts): Promise<RenderedMail> {
  const { company, publicUrl, deed, at } = input;
  const t = (key: string, values: Record<string, string> = {}) =>
    texts.t(`accounts.letter.changed.${key}`, { company, ...values });
  return letterMail(
    {
      subject: t(`${deed}.subject`),
      masthead: texts.t('mail.letter.masthead', { company }),
      title: t(`${deed}.title`),
      blocks: [
        { kind: 'paragraph', text: t(`${deed}.body`, { moment: texts.moment(at) }) },
        { kind: 'paragraph', text: t('notYou') },
        { kind: 'button', text: t('button'), url: `${publicUrl}/admin/account` },
      ],
      footer: footerOf(input, texts),
    },
    texts,
    input.accent,
  );
}

function footerOf({ company, publicUrl, contact }: Common, texts: Texts): Footer {
  const lines = [texts.t('mail.letter.contact', { company, address: contact })];
  return { links: [], lines, company, url: publicUrl };
}
