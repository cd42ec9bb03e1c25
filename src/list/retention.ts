import { plainText } from './plain.js';

/*
 * PURE. Periods as people write them: "2 years", "120 days", "up to 6 months after the contract
 * ends". Enough to say whether one is longer than another; what cannot be read is not guessed.
 */

const daysOf: readonly (readonly [RegExp, number])[] = [
  [/^(?:seconds?|sekunden?|secs?)$/, 1 / 86_400],
  [/^(?:minutes?|minuten?|mins?)$/, 1 / 1_440],
  [/^(?:hours?|stunden?|hrs?|h)$/, 1 / 24],
  [/^(?:days?|tage?n?|d)$/, 1],
  [/^(?:weeks?|wochen?|wks?|w)$/, 7],
  [/^(?:months?|monate?n?|mos?)$/, 365.25 / 12],
  [/^(?:quarters?|quartale?)$/, 365.25 / 4],
  [/^(?:years?|jahre?n?|yrs?|y)$/, 365.25],
];
const numberWords: Readonly<Record<string, number>> = Object.fromEntries(
  [
    'zero one two three four five six seven eight nine ten eleven twelve',
    'null ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf',
    ' eine',
    ' einem',
    ' a',
  ].flatMap((row) => row.split(' ').map((word, number) => [word, number])),
);

/** `days`, and `rest`: the words around the figure. Two periods compare only when these are the same. */
interface Period {
  days: number;
  rest: string;
}

/** Reads a period; null when it holds no figure with a unit, or several. */
function readPeriod(text: string): Period | null {
  let found: Period | null = null;
  const words = plainText(text)
    .replace(/(\d)(?=\p{L})/gu, '$1 ')
    .replaceAll('-', ' ')
    .split(' ');
  for (const [at, word] of words.entries()) {
    const unit = daysOf.find(([pattern]) => pattern.test(words[at + 1]?.replace(/[,;)]+$/, '') ?? ''));
    const figure = figureOf(word);
    if (unit === undefined || figure === null) continue;
    if (found !== null) return null;
    found = { days: figure * unit[1], rest: [...words.slice(0, at), '*', ...words.slice(at + 2)].join(' ') };
  }
  return found !== null && /\d/.test(found.rest) ? null : found;
}

function figureOf(word: string): number | null {
  if (/^\d{1,6}(?:[.,]\d{1,2})?$/.test(word)) return Number(word.replace(',', '.'));
  return Object.hasOwn(numberWords, word) ? (numberWords[word] ?? null) : null;
}

/**
 * How a period changed: `equal` for another way to write the same length, `unknown` where the words
 * around the figures differ or a side holds no single figure.
 */
export function comparePeriods(before: string, after: string): 'longer' | 'shorter' | 'equal' | 'unknown' {
  const [was, is] = [readPeriod(before), readPeriod(after)];
  if (was === null || is === null || was.rest !== is.rest) return 'unknown';
  if (was.days === is.days) return 'equal';
  return is.days > was.days ? 'longer' : 'shorter';
}
