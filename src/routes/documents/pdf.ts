import { setImmediate as breathe } from 'node:timers/promises';
import PDFDocument from 'pdfkit';
import { type FontName, fonts, lettersOf } from './fonts.js';
import { type Line, linesOf, type Measure, replacement } from './typeset.js';

/*
 * A document as PDF (ISO 32000): real text in an embedded font, tagged for screen readers, with an outline and page
 * numbers. The same blocks give the same bytes.
 */

export type Block =
  | { kind: 'heading'; level: 1 | 2 | 3 | 4; text: string; note?: string | null }
  | { kind: 'paragraph'; text: string; isQuiet?: boolean }
  | { kind: 'list'; items: string[] }
  /** Labels with their values, one below the other. */
  | { kind: 'facts'; rows: { label: string; values: string[] }[] }
  | { kind: 'link'; text: string; url: string };

export interface PdfHead {
  title: string;
  author: string;
  /** BCP 47. */
  language: string;
  /** Of what it tells, not of the moment in which it is made. */
  madeAt: Date;
  /** At the foot of each page. */
  footer: (page: number, pages: number) => string;
  /** Said at the end when letters are shown as this sign. */
  missing: (sign: string) => string;
}

const page = { width: 595.28, height: 841.89, side: 56, top: 56, bottom: 68 };
const inner = page.width - 2 * page.side;
const labelWidth = 132;
const gap = 12;
const lineHeight = 1.38;
const ink = '#1b2430';
const quiet = '#4a5563';
const link = '#1f5fa8';
const sizes = { 1: 20, 2: 14, 3: 11.5, 4: 10, text: 9.5, small: 8 } as const;

/** So many blocks are set before others get their turn. */
const blocksAtOnce = 20;

/** A file of thousands of entries takes seconds and hundreds of megabytes: one at a time. */
let last: Promise<unknown> = Promise.resolve();

/** Sets blocks and gives the bytes of the file, when it is its turn. */
export function writePdf(head: PdfHead, blocks: Iterable<Block>): Promise<Uint8Array> {
  const own = last.then(() => setPdf(head, blocks));
  last = own.catch(() => undefined);
  return own;
}

async function setPdf(head: PdfHead, blocks: Iterable<Block>): Promise<Uint8Array> {
  const doc = new PDFDocument({
    size: [page.width, page.height],
    margins: { top: page.top, bottom: page.bottom, left: page.side, right: page.side },
    bufferPages: true,
    tagged: true,
    pdfVersion: '1.7',
    lang: head.language,
    displayTitle: true,
    info: {
      Title: head.title,
      Author: head.author,
      Creator: 'subnotice',
      Producer: 'pdfkit',
      CreationDate: head.madeAt,
      ModDate: head.madeAt,
    },
  });
  const chunks: Uint8Array[] = [];
  const whole = new Promise<Uint8Array>((done, fail) => {
    doc.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    doc.on('end', () => done(Buffer.concat(chunks)));
    doc.on('error', fail);
  });
  for (const [name, path] of Object.entries(fonts)) doc.registerFont(name, path);
  // ISO 14289-1: the file says that it is meant to be read by everybody.
  doc.appendXML(
    '<rdf:Description rdf:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/"><pdfuaid:part>1</pdfuaid:part></rdf:Description>',
  );
  const setter = createSetter(doc);
  let count = 0;
  for (const block of blocks) {
    setter.set(block);
    count += 1;
    if (count % blocksAtOnce === 0) await breathe();
  }
  if (setter.isMissing()) setter.set({ kind: 'paragraph', text: head.missing(replacement), isQuiet: true });
  setter.end();
  addFooters(doc, head.footer);
  doc.end();
  return whole;
}

function addFooters(doc: PDFKit.PDFDocument, footer: PdfHead['footer']): void {
  const { count } = doc.bufferedPageRange();
  for (let at = 0; at < count; at++) {
    doc.switchToPage(at);
    // Below the margin a line would begin a page of its own.
    doc.page.margins.bottom = 0;
    doc.markContent('Artifact', { type: 'Pagination' });
    doc.font('text').fontSize(sizes.small).fillColor(quiet);
    doc.text(footer(at + 1, count), page.side, page.height - 44, { width: inner, align: 'center', lineBreak: false });
    doc.endMarkedContent();
  }
}

/** Puts blocks below each other, from page to page. */
function createSetter(doc: PDFKit.PDFDocument) {
  const isMissing = { found: false };
  const measure = measureOf(doc, isMissing);
  const root = doc.struct('Document');
  doc.addStructure(root);
  const outlines = new Map<number, PDFKit.PDFOutline>([[0, doc.outline]]);
  let y = page.top;
  const end = page.height - page.bottom;

  function room(height: number): void {
    if (y + height <= end) return;
    // What is being set goes on as the same element of the structure.
    const markings = doc.endPageMarkings(doc.page);
    doc.addPage();
    doc.initPageMarkings(markings);
    y = page.top;
  }

  function draw(lines: readonly Line[], at: { x: number; width: number; size: number; colour: string }): void {
    for (const { pieces, width, isRtl } of lines) {
      room(at.size * lineHeight);
      let x = isRtl ? at.x + at.width - width * at.size : at.x;
      for (const piece of pieces) {
        doc.font(piece.font).fontSize(at.size).fillColor(at.colour);
        doc.text(piece.text, x, y, { lineBreak: false });
        x += piece.width * at.size;
      }
      y += at.size * lineHeight;
    }
  }

  /** Draws something as an element of the structure. */
  function element(parent: PDFKit.PDFStructureElement, tag: string, work: () => void): void {
    const content = doc.markStructureContent(tag);
    work();
    doc.endMarkedContent();
    const made = doc.struct(tag, {}, [content]);
    parent.add(made);
    made.end();
  }

  function text(parent: PDFKit.PDFStructureElement, tag: string, words: string, style: Partial<Style> = {}): void {
    const { x = page.side, width = inner, size = sizes.text, colour = ink, font = 'text' } = style;
    element(parent, tag, () => draw(linesOf(words, font, width / size, measure), { x, width, size, colour }));
  }

  function heading({ level, text: words, note }: Extract<Block, { kind: 'heading' }>): void {
    y += level === 1 ? 0 : sizes[level];
    // With what follows it: no heading ends a page.
    room(sizes[level] * lineHeight + 3 * sizes.text * lineHeight);
    const parent = outlines.get(level - 1) ?? [...outlines.values()].at(-1) ?? doc.outline;
    if (level < 4) {
      for (const deeper of [...outlines.keys()].filter((other) => other >= level)) outlines.delete(deeper);
      outlines.set(level, parent.addItem(words));
    }
    text(root, `H${level}`, words, { size: sizes[level], font: 'bold' });
    if (note) text(root, 'P', note, { colour: quiet });
    y += level < 3 ? 5 : 2;
  }

  function facts(rows: readonly { label: string; values: string[] }[]): void {
    const list = doc.struct('L');
    root.add(list);
    for (const { label, values } of rows) {
      const item = doc.struct('LI');
      list.add(item);
      room(2 * sizes.text * lineHeight);
      const [from, pages] = [y, doc.bufferedPageRange().count];
      text(item, 'Lbl', label, { width: labelWidth - gap, colour: quiet });
      const below = y;
      // The label may have gone to the next page, and the values begin beside its beginning.
      if (doc.bufferedPageRange().count === pages) y = from;
      text(item, 'LBody', values.join('\n'), { x: page.side + labelWidth, width: inner - labelWidth });
      if (doc.bufferedPageRange().count === pages) y = Math.max(y, below);
      y += 2;
      item.end();
    }
    list.end();
    y += 4;
  }

  function items(texts: readonly string[]): void {
    const list = doc.struct('L');
    root.add(list);
    for (const words of texts) {
      const item = doc.struct('LI');
      list.add(item);
      room(sizes.text * lineHeight);
      const from = y;
      text(item, 'Lbl', '•', { width: gap, colour: quiet });
      y = from;
      text(item, 'LBody', words, { x: page.side + gap, width: inner - gap });
      item.end();
    }
    list.end();
    y += 4;
  }

  return {
    /** A letter was met that no font has. */
    isMissing: () => isMissing.found,
    set(block: Block): void {
      switch (block.kind) {
        case 'heading':
          heading(block);
          break;
        case 'paragraph':
          text(root, 'P', block.text, { colour: block.isQuiet === true ? quiet : ink });
          y += 6;
          break;
        case 'facts':
          facts(block.rows);
          break;
        case 'list':
          items(block.items);
          break;
        case 'link': {
          room(sizes.text * lineHeight);
          const from = y;
          text(root, 'P', block.text, { colour: link });
          doc.link(page.side, from, inner, y - from, block.url);
          y += 6;
          break;
        }
        default:
          block satisfies never;
      }
    },
    end(): void {
      root.end();
    },
  };
}

interface Style {
  x: number;
  width: number;
  size: number;
  colour: string;
  font: FontName;
}

/** Widths for a size of one point, each word measured once. */
function measureOf(doc: PDFKit.PDFDocument, isMissing: { found: boolean }): Measure {
  const known = new Map<string, number>();
  return {
    width(text, font) {
      const key = `${font} ${text}`;
      const found = known.get(key);
      if (found !== undefined) return found;
      const width = doc.font(font).fontSize(100).widthOfString(text) / 100;
      known.set(key, width);
      return width;
    },
    fontFor(codePoint, wished) {
      if (lettersOf(wished).has(codePoint)) return wished;
      if (lettersOf('text').has(codePoint)) return 'text';
      isMissing.found = true;
      return null;
    },
  };
}
