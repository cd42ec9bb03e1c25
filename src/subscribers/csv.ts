import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { TextDecoder } from 'node:util';
import { CsvError, parse } from 'csv-parse';
import { z } from 'zod';
import { Refusal } from '../errors.js';
import { parseAddress } from '../mail/address.js';
import { fromSpreadsheet } from '../spreadsheet.js';

/*
 * A file of subscribers as spreadsheets and other programs save it: UTF-8 with or without a byte order
 * mark, UTF-16 with one, comma, semicolon or tab, any line ends, headings in any order.
 */

export const columns = [
  'email',
  'company',
  'locale',
  'services',
  'status',
  'confirmedAt',
  'consent',
  'toldOf',
  'kind',
  'group',
  'entitlement',
] as const;
export type Column = (typeof columns)[number];

/** How headings are spelled elsewhere, in lower case without anything but letters and digits. */
const spellings: Readonly<Record<Column, readonly string[]>> = {
  email: ['email', 'emailaddress', 'mail', 'mailaddress', 'emailadresse', 'mailadresse', 'adressemail', 'correo'],
  company: ['company', 'companyname', 'organisation', 'organization', 'customer', 'firma', 'unternehmen', 'société'],
  locale: ['locale', 'language', 'lang', 'sprache', 'langue'],
  services: ['services', 'service', 'dienste', 'dienst'],
  status: ['status', 'state'],
  confirmedAt: ['confirmedat', 'confirmed', 'confirmationdate', 'confirmationtime', 'bestätigtam'],
  consent: ['consent', 'consenttext', 'consentsource', 'einwilligung', 'consentement'],
  toldOf: ['toldof'],
  kind: ['kind'],
  group: ['group', 'noticegroup', 'gruppe'],
  entitlement: ['entitlement', 'entitledby', 'contract', 'vertrag'],
};

export interface CsvRow {
  /** As a spreadsheet numbers it: a cell with line breaks is one line, blank lines count. */
  line: number;
  /** Trimmed; a column that the file does not have is absent. */
  cells: Partial<Record<Column, string>>;
}

const longestRecord = 64 * 1024;

export const csvFaultCodes = [
  'broken',
  'quote-open',
  'quote-followed',
  'quote-inside',
  'line-long',
  'empty',
  'no-rows',
  'no-headings',
  'unknown-heading',
  'no-email',
  'heading-twice',
  'encoding',
] as const;

/** Why a whole file cannot be read, for whoever words it themselves. */
export interface CsvFault {
  code: (typeof csvFaultCodes)[number];
  values: Readonly<Record<string, string>>;
}

/** In our words, since the library's own quote what stands in the cell. */
const faults: Readonly<Record<string, readonly [CsvFault['code'], string]>> = {
  CSV_QUOTE_NOT_CLOSED: ['quote-open', 'the file is no CSV: a quote is opened and never closed'],
  CSV_INVALID_CLOSING_QUOTE: [
    'quote-followed',
    'the file is no CSV: text follows a closing quote; double the quotes within a cell',
  ],
  INVALID_OPENING_QUOTE: [
    'quote-inside',
    'the file is no CSV: a quote within a cell; quote the whole cell and double the quotes in it',
  ],
  CSV_MAX_RECORD_SIZE: ['line-long', 'the file is no CSV: one line is longer than 64 KiB; a quote may never be closed'],
};

/**
 * Reads rows one by one, in memory that does not grow with the file. Blank lines are passed over.
 * @throws Refusal `csv.invalid`: no headings, unknown ones, no rows, another encoding, broken quotes
 */
export async function* readRows(source: Readable | string): AsyncGenerator<CsvRow> {
  const { text, delimiter } = await openText(source);
  const parser = parse({
    delimiter,
    // All three, since files that were pasted together mix them. Tried in this order.
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    max_record_size: longestRecord,
  });
  const feeding = pipeline(Readable.from(text), parser);
  // A fault on the way in also ends the loop below, which reports it.
  feeding.catch(() => undefined);
  try {
    yield* rowsOf(parser);
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = typeof error.lines === 'number' ? error.lines : undefined;
    const [code, message] = faults[error.code] ?? ['broken', 'the file is no CSV'];
    throw refuse(code, message, { line });
  } finally {
    parser.destroy();
  }
}

async function* rowsOf(records: AsyncIterable<unknown>): AsyncGenerator<CsvRow> {
  let line = 0;
  let headings: (Column | null)[] | null = null;
  let rows = 0;
  for await (const raw of records) {
    line += 1;
    const record = z
      .array(z.string())
      .parse(raw)
      .map((cell) => cell.trim());
    if (record.every((cell) => cell === '')) continue;
    if (headings === null) {
      headings = readHeadings(record, line);
      continue;
    }
    rows += 1;
    yield { line, cells: cellsOf(headings, record) };
  }
  if (headings === null) {
    throw refuse('empty', `the file is empty; its first line must name the columns: ${columns.join(', ')}`);
  }
  if (rows === 0) {
    throw refuse('no-rows', 'the file has headings and no rows; add one line for each subscriber');
  }
}

function cellsOf(headings: readonly (Column | null)[], record: readonly string[]): CsvRow['cells'] {
  const cells: CsvRow['cells'] = {};
  headings.forEach((column, place) => {
    if (column !== null) cells[column] = fromSpreadsheet(record[place] ?? '');
  });
  return cells;
}

/** Which column stands where; null for one without a heading, which spreadsheets leave at the right. */
function readHeadings(record: readonly string[], line: number): (Column | null)[] {
  const headings = record.map(columnOf);
  const found = record.filter((cell) => cell !== '').map((cell) => `"${cell.slice(0, 40)}"`);
  if (!headings.includes('email') && record.some((cell) => parseAddress(cell) !== null)) {
    const message = `the file has no heading row: its first line must name the columns: ${columns.join(', ')}`;
    throw refuse('no-headings', message, { line });
  }
  const unknown = record.filter((cell, place) => cell !== '' && headings[place] === null);
  if (unknown.length > 0) {
    const names = unknown.map((cell) => `"${cell.slice(0, 40)}"`).join(', ');
    const message = `unknown heading ${names}; found ${found.join(', ')}; use ${columns.join(', ')}`;
    throw refuse('unknown-heading', message, { line, values: { names } });
  }
  if (!headings.includes('email')) {
    const message = `no column has the heading "email"; found ${found.join(', ')}`;
    throw refuse('no-email', message, { line, values: { found: found.join(', ') } });
  }
  const twice = headings.find((column, place) => column !== null && headings.indexOf(column) !== place);
  if (twice !== undefined) {
    const message = `two columns are "${twice}"; found ${found.join(', ')}`;
    throw refuse('heading-twice', message, { line, values: { name: String(twice) } });
  }
  return headings;
}

function columnOf(heading: string): Column | null {
  const bare = heading
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
  return columns.find((column) => spellings[column].includes(bare)) ?? null;
}

/** The text in pieces, and what separates its cells. */
async function openText(source: Readable | string): Promise<{ text: AsyncGenerator<string>; delimiter: string }> {
  const pieces = typeof source === 'string' ? piecesOf(source) : decode(source);
  let head = '';
  let firstLine: string | null = null;
  while (firstLine === null) {
    const next = await pieces.next();
    if (next.done === true) firstLine = head;
    else {
      head += next.value;
      firstLine = lineOf(head) ?? (head.length > longestRecord ? head : null);
    }
  }
  // Excel's own hint, which it does not show as a line.
  const hint = /^sep=(.)\r?\n?$/i.exec(firstLine);
  const start = hint === null ? head : head.slice(firstLine.length);
  const rest = async function* () {
    yield start;
    yield* pieces;
  };
  return { text: rest(), delimiter: hint?.[1] ?? delimiterOf(firstLine) };
}

/** Up to and with the first line break outside quotes; null while there is none. */
function lineOf(text: string): string | null {
  let quoted = false;
  for (let place = 0; place < text.length; place += 1) {
    const sign = text[place];
    if (sign === '"') quoted = !quoted;
    else if (!quoted && sign === '\n') return text.slice(0, place + 1);
    // A carriage return at the end of a piece may be half of a line break.
    else if (!quoted && sign === '\r' && place + 1 < text.length) {
      return text.slice(0, text[place + 1] === '\n' ? place + 2 : place + 1);
    }
  }
  return null;
}

/** The one of the three that separates most cells of the headings. */
function delimiterOf(firstLine: string): string {
  const outside = firstLine.replace(/"[^"]*"/g, '');
  const count = (sign: string) => outside.split(sign).length;
  return [',', ';', '\t'].reduce((best, sign) => (count(sign) > count(best) ? sign : best));
}

async function* piecesOf(text: string): AsyncGenerator<string> {
  yield text.startsWith('\uFEFF') ? text.slice(1) : text;
}

async function* decode(source: Readable): AsyncGenerator<string> {
  let decoder: TextDecoder | null = null;
  let held = Buffer.alloc(0);
  for await (const piece of source) {
    const bytes = Buffer.isBuffer(piece) ? piece : Buffer.from(String(piece));
    held = Buffer.concat([held, bytes]);
    if (decoder === null && held.length < 4) continue;
    decoder ??= decoderOf(held);
    yield decodeWith(decoder, held, true);
    held = Buffer.alloc(0);
  }
  decoder ??= decoderOf(held);
  yield decodeWith(decoder, held, false);
}

/** The decoder takes the byte order mark away. */
function decoderOf(start: Buffer): TextDecoder {
  const [first, second] = start;
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le', { fatal: true });
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be', { fatal: true });
  if (start.subarray(0, 4).includes(0)) {
    const message = 'the file is UTF-16 without a byte order mark; save it as "CSV UTF-8" and send it again';
    throw refuse('encoding', message);
  }
  return new TextDecoder('utf-8', { fatal: true });
}

function decodeWith(decoder: TextDecoder, bytes: Buffer, more: boolean): string {
  try {
    return decoder.decode(bytes, { stream: more });
  } catch {
    const encoding = decoder.encoding.toUpperCase();
    throw refuse(
      'encoding',
      `the file is not ${encoding} throughout (it may be Windows-1252); save it as "CSV UTF-8" and send it again`,
    );
  }
}

/** Encodings in which a file may come as a whole. */
export type Encoding = 'UTF-8' | 'UTF-16' | 'Windows-1252';

/**
 * The text of a file that is there as a whole. What is no UTF-8 is read as Windows-1252, in which older
 * spreadsheets save: every file can be read so, rightly or not, so only where somebody looks at the outcome.
 * @throws Refusal `csv.invalid`
 */
export function decodeFile(bytes: Buffer): { text: string; encoding: Encoding } {
  const decoder = decoderOf(bytes);
  if (decoder.encoding !== 'utf-8') return { text: decodeWith(decoder, bytes, false), encoding: 'UTF-16' };
  try {
    return { text: decoder.decode(bytes), encoding: 'UTF-8' };
  } catch {
    return { text: new TextDecoder('windows-1252').decode(bytes), encoding: 'Windows-1252' };
  }
}

const csvFaults = new WeakMap<Refusal, CsvFault>();

/** What a `csv.invalid` is about; it goes with the refusal, and into no answer of the API. */
export function csvFaultOf(refusal: Refusal): CsvFault {
  return csvFaults.get(refusal) ?? { code: 'broken', values: {} };
}

function refuse(
  code: CsvFault['code'],
  message: string,
  { line, values = {} }: { line?: number | undefined; values?: CsvFault['values'] } = {},
): Refusal {
  const refusal = new Refusal('csv.invalid', message, [{ path: '', message, line }]);
  csvFaults.set(refusal, { code, values });
  return refusal;
}
