/*
 * PURE. What a relay says, and what became of a mail by it.
 */

/** What became of one mail, with the relay's own words. */
export interface Reply {
  /**
   * - `accepted`: the relay took it (no more: a 250 proves the hand-over, not the mailbox).
   * - `rejected`: the relay refused this mail; `stage` says at which command.
   * - `unreachable`: there was no session (`connect`, `tls`, `auth`: a fault of the relay or of our
   *   settings, it says nothing of the recipient), or it broke off in the middle (`mail`, `rcpt`,
   *   `data`; at `data` the relay may have taken the mail all the same), a 421 included.
   */
  outcome: 'accepted' | 'rejected' | 'unreachable';
  stage: 'connect' | 'tls' | 'auth' | 'mail' | 'rcpt' | 'data' | 'smtputf8';
  /** The SMTP code, null where the relay said none. */
  code: number | null;
  /** The enhanced code (RFC 3463), such as `5.1.1`. */
  enhanced: string | null;
  /** One line, at most 1,000 characters. May hold the address: never for a log. */
  response: string;
}

/** The words of a relay (one line or several), or of a fault, as what became of a mail. */
export function toReply(outcome: Reply['outcome'], stage: Reply['stage'], words: string): Reply {
  const lines = words.trim().split(/\r?\n/);
  const first = /^(?<code>[2-5]\d\d)(?:[ -](?<enhanced>[245]\.\d{1,3}\.\d{1,3})\b)?/.exec(lines[0] ?? '')?.groups;
  return {
    outcome,
    stage,
    code: first?.code ? Number(first.code) : null,
    enhanced: first?.enhanced ?? null,
    // Each line repeats the codes ("550-5.1.1 …", RFC 5321, 4.2.1): once is enough.
    response: lines
      .map((line, index) => (index === 0 ? line.replace(/^(\d{3})-/, '$1 ') : line.replace(repeatedCodes, '')))
      .join(' ')
      .replace(controls, ' ')
      .slice(0, 1_000),
  };
}

const repeatedCodes = /^\d{3}[ -](?:[245]\.\d{1,3}\.\d{1,3} )?/;
// PostgreSQL has no place for a NUL, and nobody for the others.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
const controls = /[\u0000-\u001f\u007f]/g;

export interface ReplyReader {
  /** Takes bytes as they come, and calls back for each reply that is whole. */
  push(chunk: Buffer): void;
  /** The beginning of a reply whose end has not come. */
  rest(): string;
}

const mostBytes = 16_384;
const [lineFeed, carriageReturn, space, hyphen, zero] = [0x0a, 0x0d, 0x20, 0x2d, 0x30];

/**
 * Reads replies (RFC 5321, 4.2) from a connection: of one line or several, in pieces or many at a time.
 * @param on.nonsense called for what is no reply, with its beginning; nothing after it can be trusted
 */
export function createReplyReader(on: {
  reply: (code: number, words: string) => void;
  nonsense: (words: string) => void;
}): ReplyReader {
  let rest: Buffer | null = null;
  return {
    push: (chunk) => {
      const bytes = rest === null ? chunk : Buffer.concat([rest, chunk]);
      rest = null;
      let start = 0;
      let line = 0;
      for (let end = bytes.indexOf(lineFeed); end >= 0; end = bytes.indexOf(lineFeed, line)) {
        const code = codeAt(bytes, line);
        const mark = bytes[line + 3];
        const isWhole = mark === space || mark === carriageReturn || mark === lineFeed;
        if (code === null || code !== codeAt(bytes, start) || !(isWhole || mark === hyphen)) {
          on.nonsense(text(bytes, start, end));
          return;
        }
        line = end + 1;
        if (!isWhole) continue;
        const words = text(bytes, start, end);
        start = line;
        on.reply(code, words);
      }
      if (start === bytes.length) return;
      if (bytes.length - start > mostBytes) {
        on.nonsense(text(bytes, start, start + 1_000));
        return;
      }
      // A copy: the piece belongs to a much larger block of memory.
      rest = Buffer.from(bytes.subarray(start));
    },
    rest: () => (rest === null ? '' : text(rest, 0, rest.length)),
  };
}

function codeAt(bytes: Buffer, at: number): number | null {
  const [a, b, c] = [digitAt(bytes, at), digitAt(bytes, at + 1), digitAt(bytes, at + 2)];
  return a >= 2 && a <= 5 && b >= 0 && c >= 0 ? a * 100 + b * 10 + c : null;
}

function digitAt(bytes: Buffer, at: number): number {
  const digit = (bytes[at] ?? 0) - zero;
  return digit >= 0 && digit <= 9 ? digit : -1;
}

/** Replies have no character set: most are ASCII or UTF-8, old ones Latin-1. */
function text(bytes: Buffer, start: number, end: number): string {
  const utf8 = bytes.toString('utf8', start, end);
  return utf8.includes('\ufffd') ? bytes.toString('latin1', start, end) : utf8;
}
