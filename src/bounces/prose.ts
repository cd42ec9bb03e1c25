import { classify } from './classify.js';
import { identityOf, tracesOf } from './dsn.js';
import { type Headers, headersOf, type MailSource, readHeaders, returnedHeaders } from './mail-source.js';
import { bouncers, copyBegins, type ProseForm, proseForms, stillTrying } from './prose-rules.js';
import { mostRecipients, onOneLine, type Report } from './report.js';

/*
 * PURE. Reads bounces that are written for people only, by the forms of prose-rules.ts. Both must be
 * known, a mail system as the sender and the words above: a person who quotes a bounce reports none.
 */

/** A bounce says what it says on its first page. */
const longestProse = 20_000;

/** Only at the beginning: behind it stands the subject of the mail that came back. */
const lateSubjects =
  /^\s*(?:warning\b|delayed?\b|(?:mail |message )?delivery (?:delayed|status notification \(delay\))|message (?:delayed|delay))/i;

/** One report for each recipient that a mail system tells of; none when its words are not known. */
export function readProse(mail: MailSource): Report[] {
  if (!isFromMailSystem(mail.headers)) return [];
  const text = mail.text
    .replace(/\r\n?/g, '\n')
    .replace(/[\u00a0\t]/g, ' ')
    .replace(/’/g, "'");
  const copy = copyBegins.exec(text);
  const prose = text.slice(0, Math.min(copy?.index ?? text.length, longestProse));
  const isLate = stillTrying.test(prose) || lateSubjects.test(mail.headers.get('subject')?.[0] ?? '');
  const form = proseForms.find(({ opening }) => opening.test(prose));
  const returned = returnedHeaders(mail) ?? (copy === null ? null : copiedHeaders(text.slice(copy.index)));
  const traces = tracesOf(mail, returned);
  const failed = form === undefined ? [] : failuresIn(prose, form);
  // Exim names them for programs at least.
  const named = failed.length > 0 ? [] : namedByHeader(mail.headers);
  return [...failed, ...named].slice(0, mostRecipients).map(({ address, words }) => {
    const said = words === '' ? onOneLine(prose) : words;
    const action = isLate ? 'delayed' : 'failed';
    return {
      source: 'dsn' as const,
      ...classify({ action, status: null, diagnostic: said, isPermanent: form?.isPermanent ?? false }),
      diagnostic: said,
      addresses: [address],
      traces,
      identity: identityOf(mail),
    };
  });
}

/** Whether a mail system sent it. Automatic answers have an empty return path as well (RFC 3834, 3.3). */
function isFromMailSystem(headers: Headers): boolean {
  return headers.get('return-path')?.[0] === '<>' || headers.has('x-failed-recipients') || isFromBouncer(headers);
}

/** Whether the sender is an address that belongs to no person and no program of one. */
export function isFromBouncer(headers: Headers): boolean {
  const from = headers.get('from')?.[0] ?? '';
  const local = /(?:^|[\s<"])([^\s<>"@]{1,64})@/.exec(from)?.[1] ?? from;
  return bouncers.test(local) || /^"?(?:mail delivery (?:sub)?system|mailer-daemon|postmaster)\b/i.test(from);
}

interface Failure {
  address: string;
  words: string;
}

/** Each address, with the words from there to the next one. */
function failuresIn(prose: string, { recipient, opening }: ProseForm): Failure[] {
  // Some name the recipients within the opening itself.
  const from = opening.exec(prose)?.index ?? 0;
  const found = [...prose.slice(from).matchAll(recipient)];
  const failures = found.map((match, place): Failure => {
    const end = found[place + 1]?.index ?? prose.length;
    return {
      address: match.slice(1).find((group) => group !== undefined) ?? '',
      words: onOneLine(
        prose
          .slice(from)
          .slice(match.index + match[0].length, end)
          .replace(/^[\s:>")\]]+/, ''),
      ),
    };
  });
  // Some list the recipients first and say why below, or repeat the address in the reason.
  const last = failures.at(-1)?.words ?? '';
  const seen = new Map<string, Failure>();
  for (const { address, words } of failures) {
    const key = address.toLowerCase();
    const before = seen.get(key);
    seen.set(key, { address, words: before === undefined ? words : onOneLine(`${before.words} ${words}`) });
  }
  return [...seen.values()].map(({ address, words }) => ({ address, words: words === '' ? last : words }));
}

function namedByHeader(headers: Headers): Failure[] {
  return (headers.get('x-failed-recipients') ?? [])
    .flatMap((list) => list.split(','))
    .map((address) => ({ address: address.trim(), words: '' }))
    .filter(({ address }) => address.includes('@'));
}

/** The headers of a copy that stands in the text itself, below its separator. */
function copiedHeaders(copy: string): Headers {
  const [first = '', ...rest] = copy.split('\n');
  const below = /^[ \t]*[\w-]{1,40}:/.test(first) ? copy : rest.join('\n');
  // The separator may have further lines of its own.
  return readHeaders(headersOf(below.slice(0, 50_000)));
}
