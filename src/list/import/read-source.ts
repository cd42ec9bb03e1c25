import { Refusal } from '../../errors.js';
import { parseText } from '../read.js';
import { readCsv, separatorOf } from './csv.js';
import { pageOfData, readData } from './data.js';
import { decodeText } from './decode.js';
import type { Page } from './flow.js';
import { readHtml } from './html.js';
import { readMarkdown } from './markdown.js';
import { hasPipe, ruleWidth } from './pipes.js';
import type { ImportSource, LeftOver, SourceFormat } from './tables.js';
import { isCapture, readText } from './text.js';
import { readXlsx } from './xlsx.js';
import { ZipError } from './zip.js';

/*
 * PURE. The way in: the bytes of a file or of a pasted text, and what they are.
 */

/** Why a file cannot be read; each has its words for people at `import.note.unreadable-<reason>`. */
export const unreadableReasons = [
  'empty',
  'too-large',
  'no-rows',
  'too-deep',
  'broken-data',
  'broken-sheet',
  'pdf',
  'old-excel',
  'other-office',
  'web-archive',
  'binary',
] as const;
export type UnreadableReason = (typeof unreadableReasons)[number];

/** Largest file that is read; a saved page with its pictures inside can be some megabytes. */
export const mostBytes = 8 * 1024 * 1024;
const mostTables = 500;
const mostRows = 20_000;

export interface SourceHint {
  fileName?: string | undefined;
  /** Media type, with its `charset` where it has one. */
  contentType?: string | undefined;
}

const sentences: Readonly<Record<UnreadableReason, string>> = {
  empty: 'The file is empty: choose one that holds the list.',
  'too-large': 'The file is too large: at most 8 MiB, unpacked at most 32 MiB, and 20,000 rows.',
  'no-rows': 'No table and no list was found in it: save the page as HTML, or copy the table itself.',
  'too-deep': 'The page is nested more deeply than any list: copy the table itself.',
  'broken-data': 'The file cannot be read as JSON or YAML: mend it where its faults are named.',
  'broken-sheet': 'The workbook is damaged or protected by a password: save it anew as .xlsx without a password.',
  pdf: 'This is a PDF: copy the table from it and import it as text, or ask for the file it was made from.',
  'old-excel':
    'This is an Excel workbook of the old form, or one with a password: save it as .xlsx without a password.',
  'other-office': 'This is an office document, but no Excel workbook: save it as HTML, .xlsx or CSV.',
  'web-archive': 'This is a web archive: save the page as "HTML only" instead.',
  binary: 'This is no text and no workbook: choose a file in one of the formats that can be imported.',
};

/**
 * Reads a file, a saved page or a pasted text as tables. What it is is told by its content; name and media
 * type decide only where the content leaves it open.
 * Refuses `import.unreadable` with a sentence that says what to do. The path of its first fault is one of
 * `unreadableReasons`; faults of a data file follow, with their lines. A list document of our own form that
 * has faults is refused as `document.invalid`, as `readList` does.
 */
export async function readSource(bytes: Uint8Array, hint: SourceHint): Promise<ImportSource> {
  try {
    const source = read(bytes, hint);
    if (source.list === null && source.tables.length === 0) throw unreadable('no-rows');
    const rows = source.tables.reduce((sum, table) => sum + table.rows.length, 0);
    if (source.tables.length > mostTables || rows > mostRows) throw unreadable('too-large');
    return source;
  } catch (error) {
    if (error instanceof ZipError) throw unreadable(error.isTooLarge ? 'too-large' : 'broken-sheet');
    // Nested so deeply that the stack does not suffice.
    if (error instanceof RangeError) throw unreadable('too-deep');
    throw error;
  }
}

function unreadable(reason: UnreadableReason, faults: Refusal['errors'] = []): Refusal {
  const message = sentences[reason];
  return new Refusal('import.unreadable', message, [{ path: reason, message }, ...faults]);
}

function read(bytes: Uint8Array, hint: SourceHint): ImportSource {
  if (bytes.length > mostBytes) throw unreadable('too-large');
  const signature = Buffer.from(bytes.subarray(0, 8)).toString('latin1');
  if (signature.startsWith('%PDF-')) throw unreadable('pdf');
  if (signature.startsWith('\u00d0\u00cf\u0011\u00e0')) throw unreadable('old-excel');
  if (signature.startsWith('PK\u0003\u0004')) return readArchive(bytes);
  const { text, encoding } = decodeText(bytes, /charset\s*=\s*"?([\w-]+)/i.exec(hint.contentType ?? '')?.[1] ?? null);
  if (text.trim() === '') throw unreadable('empty');
  if (isBinary(text)) throw unreadable('binary');
  if (
    /^(?:From|MIME-Version|Content-Type|Snapshot-Content-Location):/im.test(text.slice(0, 1_000)) &&
    /multipart\/related/i.test(text.slice(0, 4_000))
  ) {
    throw unreadable('web-archive');
  }
  if (text.startsWith('bplist')) throw unreadable('web-archive');
  // Line ends are one character from here on, so that lines are counted alike everywhere.
  return { ...readAs(formatOf(text, hint), text.replace(/\r\n?/g, '\n')), encoding };
}

function readArchive(bytes: Uint8Array): ImportSource {
  const names = Buffer.from(bytes).toString('latin1');
  if (!names.includes('xl/') && /word\/|ppt\/|META-INF\/|mimetype/.test(names)) throw unreadable('other-office');
  return { format: 'xlsx', encoding: 'utf-8', list: null, ...readXlsx(bytes) };
}

/** A text has hardly any control characters. */
function isBinary(text: string): boolean {
  const start = text.slice(0, 4_000);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const odd = start.match(/[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/g)?.length ?? 0;
  return odd > start.length / 20;
}

type Named = Exclude<SourceFormat, 'xlsx' | 'text'>;
const endings: readonly (readonly [RegExp, Named])[] = [
  [/\.json$/i, 'json'],
  [/\.ya?ml$/i, 'yaml'],
  [/\.(?:csv|tsv|tab)$/i, 'csv'],
  [/\.(?:md|mdx|markdown|mkd)$/i, 'markdown'],
  [/\.x?html?$/i, 'html'],
];
const mediaTypes: readonly (readonly [RegExp, Named])[] = [
  [/json/i, 'json'],
  [/yaml/i, 'yaml'],
  [/csv|tab-separated/i, 'csv'],
  [/markdown/i, 'markdown'],
  [/html/i, 'html'],
];

/** The format of a text. Content that cannot be mistaken goes before the name: browsers save HTML as .xls and .txt. */
function formatOf(text: string, { fileName = '', contentType = '' }: SourceHint): Exclude<SourceFormat, 'xlsx'> {
  const start = text.trimStart();
  const named =
    endings.find(([ending]) => ending.test(fileName))?.[1] ?? mediaTypes.find(([type]) => type.test(contentType))?.[1];
  if (/^(?:<!doctype\s+html|<html|<\?xml[^>]*>\s*<(?:!doctype\s+)?html)/i.test(start)) return 'html';
  if (/^[[{]/.test(start) && isJson(start)) return 'json';
  if (named !== undefined) return named;
  if (/^\s*<(?:!--|[a-z])/i.test(text) && /<\/?(?:table|tr|ul|ol|li|div|p|h[1-6])\b/i.test(text)) return 'html';
  const lines = text.split(/\r?\n|\r/);
  const hasRule = lines.some((line, at) => (ruleWidth(line) ?? 0) > 1 && hasPipe(lines[at - 1] ?? ''));
  if (hasRule) return isCapture(lines.join('\n')) || /\.txt$/i.test(fileName) ? 'text' : 'markdown';
  if (/<table\b/i.test(text)) return 'html';
  if (/^---\s*\n/.test(start) || /^\s{0,3}(?:#{1,6}\s|[*-]\s+\[[^\]]+\]\()/m.test(text)) {
    return isEntries(text) ? 'yaml' : 'markdown';
  }
  if (isEntries(text)) return 'yaml';
  return separatorOf(text) === null ? 'markdown' : 'csv';
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether a text is YAML that holds entries: `- name: …`, or keys with values. */
function isEntries(text: string): boolean {
  if (!/^\s*(?:-\s+)?["']?[\w .-]+["']?:(?:\s|$)/m.test(text)) return false;
  try {
    return pageOfData(parseText(text, 'yaml')).tables.some(({ columns }) => columns.length > 1);
  } catch {
    return false;
  }
}

function readAs(format: Exclude<SourceFormat, 'xlsx'>, text: string): Omit<ImportSource, 'encoding'> {
  switch (format) {
    case 'json':
    case 'yaml':
      return readEntries(format, text);
    case 'csv':
      return { format, list: null, ...readCsv(text) };
    case 'html':
      return { format, list: null, ...readHtml(text) };
    case 'text':
      return { format, list: null, ...readText(text) };
    case 'markdown':
      return { format, list: null, ...readPageWithHead(text) };
  }
}

function readEntries(format: 'json' | 'yaml', text: string): Omit<ImportSource, 'encoding'> {
  try {
    const source = readData(text, format);
    return {
      format,
      ...source,
      leftOver: [...source.leftOver, ...(format === 'yaml' && source.list === null ? commentsOf(text) : [])],
    };
  } catch (error) {
    // Parsing and our own rules refuse alike; only the former means that the file is none of these.
    if (!(error instanceof Refusal) || /"(?:subProcessors|dataSubjects)"|^(?:subProcessors|dataSubjects):/m.test(text))
      throw error;
    throw unreadable('broken-data', error.errors);
  }
}

/** Remarks of whoever keeps the file; they belong to no entry. */
function commentsOf(text: string): LeftOver[] {
  return text.split('\n').flatMap((line, at) => {
    const comment = /^\s*#+\s*(.*\S)/.exec(line)?.[1];
    return comment === undefined ? [] : [{ line: at + 1, text: comment }];
  });
}

/** Markdown with the YAML of a site generator above it, which may hold the title or the list itself. */
function readPageWithHead(text: string): Page {
  const head = /^\s*---[^\S\n]*\n([\s\S]*?)\n---[^\S\n]*(?:\n|$)/.exec(text);
  if (head === null) return readMarkdown(text, 1, null);
  const data = headOf(head[1] ?? '');
  if (data === null) return readMarkdown(text, 1, null);
  const firstLine = head[0].split('\n').length;
  const page = readMarkdown(text.slice(head[0].length), firstLine, data.title);
  return {
    tables: [...data.tables, ...page.tables],
    title: page.title,
    introduction: page.introduction ?? data.introduction,
    leftOver: [
      ...data.leftOver.map(({ line, text: words }) => ({ line: (line ?? 1) + 1, text: words })),
      ...page.leftOver,
    ],
  };
}

function headOf(text: string): Page | null {
  try {
    return pageOfData(parseText(text, 'yaml'));
  } catch {
    return null;
  }
}
