import { TextDecoder } from 'node:util';

/*
 * PURE. Bytes as text, in the encodings that spreadsheets, browsers and editors save.
 */

export interface DecodedText {
  /** Without a byte order mark. */
  text: string;
  /** Such as `utf-8`, `utf-16le`, `windows-1252`. */
  encoding: string;
}

/**
 * The text of a file: UTF-8 and UTF-16 with or without a byte order mark, else what it or its sender declares,
 * else Windows-1252, in which every byte is a letter.
 * @param declared by whoever sent the bytes (the `charset` of a Content-Type)
 */
export function decodeText(bytes: Uint8Array, declared: string | null): DecodedText {
  const marked = markOf(bytes);
  if (marked !== null) return { text: new TextDecoder(marked).decode(bytes), encoding: marked };
  const wide = wideOf(bytes);
  if (wide !== null) return { text: new TextDecoder(wide).decode(bytes), encoding: wide };
  const utf8 = attempt(bytes, 'utf-8');
  // Bytes above ASCII that are UTF-8 by chance are rarer than wrong declarations.
  if (utf8 !== null) return { text: utf8, encoding: 'utf-8' };
  for (const label of [declared, declaredWithin(bytes)]) {
    const text = label === null ? null : attempt(bytes, label);
    const encoding = label === null || text === null ? null : new TextDecoder(label).encoding;
    if (text !== null && encoding !== null && encoding !== 'windows-1252') return { text, encoding };
  }
  return { text: windows1252(bytes), encoding: 'windows-1252' };
}

/** The letters of the bytes 0x80 to 0x9f. */
const upper = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

/** By hand, since some releases of Node.js decode it as ISO 8859-1, where dashes and quotes are control characters. */
function windows1252(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('latin1')
    .replace(/[\u0080-\u009f]/g, (letter) => upper[letter.charCodeAt(0) - 0x80] ?? letter);
}

function markOf(bytes: Uint8Array): string | null {
  const [first, second, third] = bytes;
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8';
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  return null;
}

/** UTF-16 without a mark: in a text of Latin letters every other byte is zero. */
function wideOf(bytes: Uint8Array): string | null {
  const start = bytes.subarray(0, 2_000);
  const pairs = Math.floor(start.length / 2);
  if (pairs < 2) return null;
  let [even, odd] = [0, 0];
  for (let at = 0; at < pairs * 2; at += 2) {
    if (start[at] === 0) even++;
    if (start[at + 1] === 0) odd++;
  }
  if (odd > pairs * 0.7 && even < pairs * 0.1) return 'utf-16le';
  if (even > pairs * 0.7 && odd < pairs * 0.1) return 'utf-16be';
  return null;
}

/** The text, or null when the bytes are none in this encoding, or nobody knows it. */
function attempt(bytes: Uint8Array, label: string): string | null {
  try {
    return new TextDecoder(label, { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** `<meta charset="…">`, `<?xml encoding="…"?>`, `@charset`: within the first kilobyte, as browsers look. */
function declaredWithin(bytes: Uint8Array): string | null {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 1_024));
  return /(?:charset|encoding)\s*=\s*["']?([\w-]{3,40})/i.exec(start)?.[1] ?? null;
}
