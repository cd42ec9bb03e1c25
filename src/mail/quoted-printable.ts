/*
 * PURE. Lines of a quoted-printable body (RFC 2045, 6.7) broken anew: never inside a slot, and never
 * so that a line begins with something that mail systems change on the way.
 */

// 76 with the "=" of a soft break and the two characters that `guardStart` may add.
const lineLength = 73;
const softBreak = /=[ \t]*\r\n/g;
// So the body is what a signature's relaxed canonical form makes of it, and is hashed as it stands.
const doubledSpace = / (?= )/g;

/**
 * @param body of a multipart message, its parts in quoted-printable; boundaries and part headers
 *   are short lines without `=` at their end and pass through
 * @param marks slots that must not be broken
 */
export function wrapQuotedPrintable(body: string, marks: readonly string[]): string {
  // What stays in one piece: a slot, an encoded byte, a character.
  const atoms = new RegExp(`${marks.join('|')}|=[0-9A-F]{2}|[\\s\\S]`, 'g');
  return body
    .replace(softBreak, '')
    .split('\r\n')
    .map((line) => wrapLine(line.replace(doubledSpace, '=20'), atoms))
    .join('\r\n');
}

function wrapLine(line: string, atoms: RegExp): string {
  if (line.length <= lineLength) return guardStart(line);
  const lines: string[] = [];
  let current = '';
  for (const atom of line.match(atoms) ?? []) {
    if (current.length + atom.length > lineLength) {
      lines.push(guardStart(current));
      current = '';
    }
    current += atom;
  }
  lines.push(guardStart(current));
  return lines.join('=\r\n');
}

/** "." is doubled by SMTP and has been lost on the way; "From " gets a ">" in mailboxes of the old sort. */
function guardStart(line: string): string {
  if (line.startsWith('.')) return `=2E${line.slice(1)}`;
  if (line.startsWith('From ')) return `=46${line.slice(1)}`;
  return line;
}
