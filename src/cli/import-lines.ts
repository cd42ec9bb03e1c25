import { summarise } from '../list/describe.js';
import type { ImportReport } from '../routes/api/import-json.js';
import type { Texts } from '../texts.js';

/*
 * PURE. What was understood of an import, as lines of a terminal: first what it was taken for, then everything
 * that is left, then what the draft would become.
 */

const longestText = 120;
const mostNames = 20;

/** @param path of the file, as it was typed; lines that concern one of its rows begin with it, as editors want it */
export function importLines(path: string, report: ImportReport, texts: Texts): string[] {
  const { format, encoding, tables, entries } = report;
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const read = isList(report) ? '' : `, ${tables.length} tables, ${rows} rows`;
  return [
    `${path}: ${format}, ${encoding}${read}: ${entries} sub-processors`,
    ...tables.flatMap((_, at) => tableLines(report, at)),
    ...headed(
      'Worth knowing:',
      report.notes.map(({ code, values }) => texts.t(`import.note.${code}`, values)),
    ),
    ...headed('Left over:', leftLines(path, report, texts)),
    ...headed(
      'These may be the same under another name; join them by --same OLD=NEW:',
      report.suggestions.map(({ removed, added, decision }) => {
        const named = (entries: typeof removed) => entries.map(({ id, name }) => `${name} (${id})`).join(', ');
        return `${named(removed)} → ${named(added)}${decision ? ` – ${decision.removed}=${decision.added}` : ''}`;
      }),
    ),
    ...resultLines(report, texts),
  ].map(printable);
}

/** A list document of our own form: it has no tables, and everything else has some. */
function isList({ tables }: ImportReport): boolean {
  return tables.length === 0;
}

function tableLines({ tables, mapping }: ImportReport, at: number): string[] {
  const table = tables[at];
  const own = mapping.tables[at];
  if (table === undefined) return [];
  const name = [`Table ${at + 1}`, ...table.headings].join(' › ');
  if (own === undefined || own.use === 'ignore') return [`  ${cut(name)}: not imported`];
  const columns = table.columns.map((heading, column) => {
    const target = own.columns[column] ?? 'ignore';
    return `${heading === '' ? `column ${column + 1}` : heading} → ${target === 'ignore' ? 'not imported' : target}`;
  });
  return [`  ${cut(name)}: ${own.use}`, ...columns.map((column) => `    ${cut(column)}`)];
}

function leftLines(path: string, { tables, rows, leftOver }: ImportReport, texts: Texts): string[] {
  return [
    ...rows.flatMap(({ table, line, left }) =>
      left.map(({ column, text, why }) => {
        const heading = column === null ? '' : tables[table]?.columns[column] || `column ${column + 1}`;
        const where = heading === '' ? '' : `${oneLine(heading)}: `;
        return `${path}:${line}: ${where}“${cut(text)}” (${texts.t(`import.note.left-${why}`)})`;
      }),
    ),
    ...leftOver.map(({ line, text }) => `${path}${line === null ? '' : `:${line}`}: “${cut(text)}”`),
  ];
}

function resultLines(report: ImportReport, texts: Texts): string[] {
  const { rows, diff, errors } = report;
  if (!isList(report) && rows.every(({ name }) => name === null)) return ['', texts.t('importing.faults.empty')];
  if (diff === null) {
    return headed(
      texts.t('importing.faults.document'),
      errors.map(({ path, message }) => `${path}: ${message}`),
    );
  }
  const { changes } = diff;
  if (changes.length === 0) return ['', texts.t('importing.result.same')];
  const removed = changes.flatMap((change) => (change.kind === 'sub-processor-removed' ? [change.name] : []));
  const more = removed.length - mostNames;
  return [
    '',
    `The draft: ${summarise(changes, texts)}`,
    ...headed(`${texts.t('importing.result.removed', { count: removed.length })}:`, [
      ...removed.slice(0, mostNames),
      ...(more > 0 ? [texts.t('importing.preview.more', { count: more })] : []),
    ]),
  ];
}

/** Nothing where there is nothing to be headed. */
function headed(heading: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', heading, ...lines.map((line) => `  ${line}`)];
}

function cut(text: string): string {
  const line = oneLine(text);
  return line.length <= longestText ? line : `${line.slice(0, longestText).trimEnd()}…`;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: a file's words must not steer the terminal
const steering = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

function printable(line: string): string {
  return line.replace(steering, '\ufffd');
}
