import { z } from 'zod';

/*
 * PURE. What a text of a list document may be, whatever it says: one line or several, an id, an address, the
 * tag of a language.
 */

// Control characters break XML feeds, mail headers and terminals; lone surrogates cannot be stored;
// noncharacters (U+FFFE and its like) are no text either, and mark places in our own sentences.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\p{Surrogate}\p{Noncharacter_Code_Point}]/u;
const lineBreak = /[\r\n\t\u2028\u2029]/;

const cleanText = z
  .string()
  .max(20_000, 'is longer than 20,000 characters')
  .refine((text) => !forbidden.test(text), 'contains a control character or a broken character; delete it');

/** Text that may run over several lines; line ends become LF. */
export const longText = cleanText.transform((text) => text.replace(/\r\n?/g, '\n'));

/** Text of one line, not empty. */
export const lineText = cleanText
  .refine((text) => !lineBreak.test(text), 'must be one line: it contains a line break or a tab')
  .refine((text) => /[^\s\p{Cf}]/u.test(text), 'is empty; state it, or leave the key out')
  .refine((text) => text.length <= 500, 'is longer than 500 characters');

export const id = z
  .string()
  .max(120, 'is longer than 120 characters')
  .regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, 'must be lower case letters, digits and single hyphens, such as "twilio-sms"');

/** http and https only: anything else (javascript:, data:) is no address a reader may be sent to. */
export const url = cleanText
  .refine((text) => isWebAddress(text), 'must be a web address that begins with https:// or http://')
  .refine((text) => text.length <= 2_000, 'is longer than 2,000 characters');

function isWebAddress(text: string): boolean {
  if (!/^https?:\/\/[^\s\\]+$/i.test(text)) return false;
  try {
    const { protocol, hostname } = new URL(text);
    return (protocol === 'https:' || protocol === 'http:') && hostname !== '';
  } catch {
    return false;
  }
}

export const lines = z.array(lineText).max(200, 'has more than 200 entries');
export const texts = z
  .array(longText.refine((text) => text.trim() !== '', 'is empty; delete it'))
  .max(200, 'has more than 200 entries');

/** A BCP 47 tag in its canonical form, such as `de` or `pt-BR`: two spellings would be two languages. */
export const languageTag = z.string().superRefine((tag, context) => {
  const canonical = canonicalTag(tag);
  if (canonical === tag) return;
  const message =
    canonical === null
      ? 'must be a language tag (BCP 47), such as "de" or "pt-BR"'
      : `is written "${canonical}" as a language tag (BCP 47)`;
  context.addIssue({ code: 'custom', message });
});

function canonicalTag(tag: string): string | null {
  if (!/^[A-Za-z]{2,3}(?:-[A-Za-z\d]{2,8}){0,3}$/.test(tag)) return null;
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? null;
  } catch {
    return null;
  }
}
