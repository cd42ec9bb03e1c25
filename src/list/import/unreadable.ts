import { Refusal } from '../../errors.js';

/*
 * PURE. Why a file cannot be read, and how much of one is read at all.
 */

/** Each has its words for people at `import.note.unreadable-<reason>`. */
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

/** More than any list, less than what would hold up the process. */
export const most = {
  /** A saved page with its pictures inside can be some megabytes. */
  bytes: 8 * 1024 * 1024,
  /** What a workbook unpacks to; and the texts of all cells, as merged cells repeat theirs. */
  unpacked: 32 * 1024 * 1024,
  tables: 500,
  rows: 20_000,
  /** What stands further to the right is told, and is no column. */
  columns: 200,
  /** Elements within each other; a page of today has some dozens. */
  levels: 400,
  elements: 500_000,
} as const;

const sentences: Readonly<Record<UnreadableReason, string>> = {
  empty: 'The file is empty: choose one that holds the list.',
  'too-large': 'The file is too large: at most 8 MiB, unpacked at most 32 MiB, 500 tables and 20,000 rows.',
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

/** The refusal for a file: the path of its first fault is the reason, further faults follow. */
export function unreadable(reason: UnreadableReason, faults: Refusal['errors'] = []): Refusal {
  const message = sentences[reason];
  return new Refusal('import.unreadable', message, [{ path: reason, message }, ...faults]);
}
