import type { Look } from '../look.js';
import type { Texts } from '../texts.js';
import { labelled } from './account-text.js';
import { mailColours } from './colours.js';
import type { RenderedMail } from './message.js';
import { isolated, renderMjml, textMarkup } from './mjml.js';

/*
 * A letter as blocks, from which both parts are made: what one says, the other says.
 */

export type Block =
  | { kind: 'paragraph'; text: string }
  | { kind: 'heading'; text: string }
  /** The one thing to do, and a link that is only offered. */
  | { kind: 'button' | 'link'; text: string; url: string }
  | { kind: 'items'; items: readonly string[] }
  | { kind: 'facts'; facts: readonly { label: string; value: string }[] }
  /** Somebody's own words, line breaks kept. */
  | { kind: 'quote'; text: string };

export interface Footer {
  links: readonly { text: string; url: string }[];
  lines: readonly string[];
  company: string;
  url: string;
}

export interface LetterParts {
  subject: string;
  /** The small line above the title: who writes, about what. */
  masthead: string;
  title: string;
  blocks: readonly Block[];
  footer: Footer;
}

/** Both parts of a letter. */
export async function letterMail(letter: LetterParts, texts: Texts, accent?: Look['accent']): Promise<RenderedMail> {
  const first = letter.blocks.find((block) => block.kind === 'paragraph');
  const html = await renderMjml('letter', texts, {
    ...letter,
    colours: mailColours(accent),
    preview: first?.text ?? letter.title,
    start: texts.dir === 'rtl' ? 'right' : 'left',
    markup: (text: string) => textMarkup(text, texts),
  });
  return { subject: letter.subject, html, text: textOf(letter, texts) };
}

function textOf({ masthead, title, blocks, footer }: LetterParts, texts: Texts): string {
  return `${[
    masthead,
    title,
    ...blocks.map((block) => blockText(block, texts)),
    '='.repeat(68),
    ...footer.links.map((link) => linkText(link, texts)),
    ...footer.lines,
    `${footer.company}\n${footer.url}`,
  ].join('\n\n')}\n`;
}

function blockText(block: Block, texts: Texts): string {
  switch (block.kind) {
    case 'paragraph':
      return block.text;
    case 'heading':
      return `${'-'.repeat(68)}\n${block.text.toLocaleUpperCase(texts.locale)}`;
    case 'button':
    case 'link':
      return linkText(block, texts);
    case 'items':
      return block.items.map((item) => `${texts.t('mail.bullet')}${isolated(item, texts)}`).join('\n');
    case 'facts':
      return block.facts.map(({ label, value }) => labelled(label, value, texts)).join('\n');
    case 'quote':
      return block.text.replace(/^/gm, '> ');
    default:
      return block satisfies never;
  }
}

/** The address on a line of its own, whole: mail programs make a link of it. */
function linkText({ text, url }: { text: string; url: string }, texts: Texts): string {
  return `${texts.t('mail.link.sentence', { text })}\n${url}`;
}
