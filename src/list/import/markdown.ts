import MarkdownIt from 'markdown-it';
import type { Page } from './flow.js';
import { lineAttribute, readMadeHtml } from './html.js';
import { cellsOfRow, hasPipe, ruleWidth } from './pipes.js';
import { most, unreadable } from './unreadable.js';

/*
 * PURE. Markdown, also with HTML in it. Its blocks are told by the library; rows of tables are taken apart
 * here, since by the specification what stands beyond the last column is dropped.
 */

const reader = new MarkdownIt({ html: true, linkify: false, typographer: false });
// An address is data here, whatever it leads to; it is checked when it becomes a field.
reader.validateLink = () => true;
reader.normalizeLink = (address) => address;
reader.normalizeLinkText = (text) => text;

/** Beyond this a paragraph is no text that people wrote: it is taken as it stands, since marks in it take squared time. */
const longestMarked = 10_000;
/** The library takes its time for each. */
const mostLines = 2 * most.rows;
reader.core.ruler.at('inline', ({ tokens, md, env, Token }) => {
  for (const [at, token] of tokens.entries()) {
    // Cells of tables are read apart from here.
    if (token.type !== 'inline' || token.children === null || /^t[hd]_open$/.test(tokens[at - 1]?.type ?? '')) continue;
    if (token.content.length <= longestMarked) {
      md.inline.parse(token.content, md, env, token.children);
      continue;
    }
    const text = new Token('text', '', 0);
    text.content = token.content;
    token.children.push(text);
  }
});

/**
 * Reads Markdown without its front matter.
 * @param firstLine of the text within the file
 * @param title of the front matter
 */
export function readMarkdown(text: string, firstLine: number, title: string | null): Page {
  const lines = text.split('\n');
  if (lines.length > mostLines) throw unreadable('too-large');
  const tokens = reader.parse(text, {});
  const parts: string[] = [];
  let run: typeof tokens = [];
  const flush = () => {
    if (run.length > 0) parts.push(reader.renderer.render(run, reader.options, {}));
    run = [];
  };
  let inTable = false;
  for (const token of tokens) {
    const [from, to] = token.map ?? [0, 0];
    if (token.type === 'table_open') {
      inTable = true;
      flush();
      parts.push(tableHtml(lines.slice(from, to), firstLine + from));
    } else if (token.type === 'table_close') {
      inTable = false;
    } else if (!inTable) {
      if (token.map !== null && token.nesting >= 0 && token.type.endsWith('_open')) {
        token.attrSet(lineAttribute, String(firstLine + from));
      }
      if (token.type === 'html_block') flush();
      run.push(token);
    }
  }
  flush();
  return readMadeHtml(parts.join('\n'), title);
}

function tableHtml(lines: readonly string[], firstLine: number): string {
  const rows = lines.map((line, at) => ({ line: line.replace(/^[\s>]+/, ''), at: firstLine + at }));
  if (rows.length > most.rows + 2) throw unreadable('too-large');
  const rule = rows.findIndex(({ line }) => ruleWidth(line) !== null);
  const width = ruleWidth(rows[rule]?.line ?? '') ?? 1;
  const html: string[] = [];
  const after: string[] = [];
  for (const [index, { line, at }] of rows.entries()) {
    if (index === rule || line.trim() === '') continue;
    // A line right below a table belongs to it by the specification; written so, it is mostly meant to follow.
    if (index > rule && width > 1 && !hasPipe(line)) {
      after.push(`<p ${lineAttribute}="${at}">${reader.renderInline(line)}</p>`);
      continue;
    }
    const tag = index < rule ? 'th' : 'td';
    const parts = cellsOfRow(line, width);
    // What is beyond the last column is one more cell, which the grid tells as left over.
    const beyond = parts.splice(most.columns).filter((part) => part !== '');
    if (beyond.length > 0) parts.push(beyond.join(' | '));
    const cells = parts.map((cell) => `<${tag}>${reader.renderInline(cell)}</${tag}>`);
    html.push(`<tr ${lineAttribute}="${at}">${cells.join('')}</tr>`);
  }
  return `<table ${lineAttribute}="${firstLine}">${html.join('')}</table>${after.join('')}`;
}
