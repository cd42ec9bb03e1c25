import MarkdownIt from 'markdown-it';
import { type Html, trusted } from './html.js';

/*
 * Markdown of the operator, for the introduction of the list. Raw HTML stays text, links lead to the
 * web or to a mailbox, and pictures are not loaded: a page must ask nobody else for anything.
 */

const reader = new MarkdownIt({ html: false, linkify: false, typographer: false }).disable('image');
reader.validateLink = (address) => /^(?:https?:\/\/|mailto:)/i.test(address.trim());
reader.renderer.rules.link_open = (tokens, index, options, _env, self) => {
  tokens[index]?.attrSet('rel', 'noopener');
  return self.renderToken(tokens, index, options);
};

/** The highest heading of the text becomes h2, below the page's h1, the next h3: no level is left out. */
reader.core.ruler.push('headings', ({ tokens }) => {
  const levels = [...new Set(tokens.filter(({ type }) => type === 'heading_open').map(({ tag }) => tag))].sort();
  for (const token of tokens) {
    if (token.type === 'heading_open' || token.type === 'heading_close') {
      token.tag = `h${Math.min(levels.indexOf(token.tag) + 2, 6)}`;
    }
  }
});

/** Markdown → markup that holds no raw HTML, no picture and no link but http(s) and mailto. */
export function markdownHtml(text: string): Html {
  return trusted(reader.render(text));
}

/** Markdown → paragraphs of plain text, a link with its address behind it: for paper. */
export function markdownParagraphs(text: string): string[] {
  return reader
    .parse(text, {})
    .filter(({ type }) => type === 'inline')
    .map(({ children }) => {
      let address: string | null = null;
      let label = '';
      return (children ?? [])
        .map((token) => {
          const { type, content } = token;
          if (type === 'link_open') {
            address = String(token.attrGet('href') ?? '');
            label = '';
            return '';
          }
          if (type === 'link_close') return address === null || address === label ? '' : ` (${address})`;
          label += content;
          return type === 'softbreak' || type === 'hardbreak' ? '\n' : content;
        })
        .join('');
    });
}
