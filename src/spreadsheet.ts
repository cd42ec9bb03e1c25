/*
 * PURE. Texts as cells of a CSV file. Spreadsheets run a cell that begins with a sign of a formula, quoted or
 * not, and one that is set to another list separator (the semicolon, in half of Europe) does not see our quotes
 * either: it begins a cell at each semicolon and line break within a text.
 */

/** Where a cell can begin; behind it a sign of a formula, full-width ones included, or apostrophes and such a sign. */
const beginning = String.raw`(^\s*|[;\t\r\n]\s*)`;
const formula = '[=+\\-@＝＋－＠]';
const unguarded = new RegExp(`${beginning}(?='*${formula})`, 'g');
const guarded = new RegExp(`${beginning}'(?='*${formula})`, 'g');

/**
 * @returns the text with an apostrophe in front of whatever a spreadsheet would run. One that a text has there of
 * its own gets company, so that `fromSpreadsheet` takes away exactly what was added.
 */
export function toSpreadsheet(text: string): string {
  return text.replace(unguarded, "$1'");
}

/** The text that `toSpreadsheet` made a cell of. */
export function fromSpreadsheet(cell: string): string {
  return cell.replace(guarded, '$1');
}
