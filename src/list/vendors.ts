import { likenessOf } from './likeness.js';
import { plainText } from './plain.js';

/*
 * PURE. When two names are one vendor. `vendorKey` decides (legal form, punctuation and case put
 * aside); everything looser is for suggestions and for judging a rename, and decides nothing.
 */

// Written as after the folding in `wordsOf`: lower case, no dots. Only at the end of a name, so that
// "AG Insurance" and "SA Power" keep theirs.
const legalForms: ReadonlySet<string> = new Set(
  `inc incorporated corp corporation co ltd limited llc llp lp lllp pllc pc plc ulc pbc
   gmbh mbh ag kg kgaa ohg ug eg ev se sa sas sasu sarl sàrl srl spa snc scs sca scrl sprl bvba bv nv vof
   ab hb oy oyj as asa aps ivs ehf hf ou oü uab sia sro doo dd ad eood ood kft zrt nyrt sl slu sau lda ltda
   spzoo spk kk gk pty pte pvt smc sdn bhd jsc pjsc ooo oao zao fzco fze dmcc wll saoc`.split(/\s+/),
);
// Words that are part of a legal form only beside another one: "Unlimited Company", but "Clear Company".
const besideAnother: ReadonlySet<string> = new Set(['company', 'unlimited', 'private', 'public', 'liability']);
const asianForms = /株式会社|有限会社|合同会社|(?:股份)?有限(?:责任)?公司|주식회사|㈜|\(주\)/g;

/** The words of a name: lower case, without punctuation; "S.A." and "a/s" are one word each. */
export function wordsOf(name: string): string[] {
  return plainText(name)
    .replace(asianForms, ' ')
    .replace(/\ba\/s\b/g, 'as')
    .replace(/\bsp\.? ?z ?o\.? ?o\b\.?/g, 'spzoo')
    .replace(/(?<![\p{L}\p{N}])(?:\p{L}\.){1,}\p{L}(?![\p{L}\p{N}])\.?/gu, (letters) => letters.replaceAll('.', ''))
    .replaceAll("'", '')
    .split(/[^\p{L}\p{N}\p{M}]+/u)
    .filter((word) => word !== '');
}

/** The words without the legal form at their end; at least one word stays. */
function withoutLegalForm(words: readonly string[]): string[] {
  const kept = [...words];
  for (;;) {
    const last = kept.at(-1);
    if (last === undefined || kept.length === 1) return kept;
    const isForm =
      legalForms.has(last) ||
      (besideAnother.has(last) && (besideAnother.has(kept.at(-2) ?? '') || legalForms.has(kept.at(-2) ?? '')));
    // "Private Limited": the first half is only known for a form once the second has gone.
    const isRest = besideAnother.has(last) && kept.length < words.length && last !== 'company';
    if (!isForm && !isRest) return kept;
    kept.pop();
  }
}

/**
 * What makes two names the same vendor: the words, without legal form, punctuation and case.
 * "OpenAI, Inc." and "OpenAI LLC" have one key; "Redis Labs" and "RedisLabs" have two.
 */
export function vendorKey(name: string): string {
  const key = withoutLegalForm(wordsOf(name)).join(' ');
  return key === '' ? plainText(name) : key;
}

/** Other names that the name itself gives: in brackets, or behind dba, aka and their like. */
export function otherNames(name: string): { main: string; others: string[] } {
  const others: string[] = [];
  const withoutBrackets = name
    .replace(/\s+/g, ' ')
    .replace(/[([{（［]([^()[\]{}（）［］]*)[)\]}）］]/g, (_, inner: string) => {
      others.push(
        inner.replace(
          /^\s*(?:aka|a\.k\.a\.|dba|d\/b\/a|f\/k\/a|fka|formerly|previously|now|part of|an?)\b\.?:?\s*/i,
          '',
        ),
      );
      return ' ';
    });
  const [main = '', ...behind] = withoutBrackets.split(
    /\s*[,;]?\s+(?:a\.?k\.?a\.?|d\.?b\.?a\.?|d\/b\/a|f\/k\/a|fka|formerly(?: known as)?|doing business as|trading as|t\/a)\s+/i,
  );
  return { main, others: [...others, ...behind].map((other) => other.replace(/\s+company$/i, '').trim()) };
}

/** A word without the plural's s. */
function stemOf(word: string): string {
  return word.length > 3 && word.endsWith('s') && !word.endsWith('ss') ? word.slice(0, -1) : word;
}

/** The stems of a name's words without its legal form, in any order. */
export function stemsOf(name: string): Set<string> {
  // Legal forms inside, as in "Twilio Inc. (SendGrid)", are put aside as well: this is not for deciding.
  const words = withoutLegalForm(wordsOf(name)).filter((word) => !legalForms.has(word) || word.length < 3);
  return new Set((words.length > 0 ? words : wordsOf(name)).map(stemOf));
}

/**
 * Whether a rename is a matter of spelling: same words in any order or number, a blank more or
 * less, or a slip of one letter in a long name. Digits count: "Zone 1" is not "Zone 2".
 */
export function isRespelling(before: string, after: string): boolean {
  const [a, b] = [vendorKey(before), vendorKey(after)];
  if (a.replaceAll(' ', '') === b.replaceAll(' ', '')) return true;
  const [stems, others] = [stemsOf(before), stemsOf(after)];
  if (stems.size === others.size && [...stems].every((stem) => others.has(stem))) return true;
  return a.replace(/\D/g, '') === b.replace(/\D/g, '') && likenessOf(stemmed(a), stemmed(b)) >= 0.9;
}

function stemmed(key: string): string {
  return key.split(' ').map(stemOf).join('');
}
