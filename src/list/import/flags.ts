import { plainText } from '../plain.js';
import { headingWords } from './headings.js';

/*
 * PURE. Words that are no text of their own: yes and no, "none", "not applicable", "to be confirmed".
 */

const yes: ReadonlySet<string> = new Set(
  'yes y true x ✓ ✔ ☑ ✅ 1 optional opt-in optin ja wahr wahlweise freiwillig fakultativ oui sí si'.split(' '),
);
const no: ReadonlySet<string> = new Set(
  'no n false ✗ ✘ ☐ ❌ 0 required mandatory core essential nein falsch erforderlich pflicht notwendig non'.split(' '),
);
const invertedHeadings: ReadonlySet<string> = new Set(
  'required mandatory erforderlich pflicht notwendig obligatorisch'.split(' '),
);
const answers: ReadonlySet<string> = new Set(
  'yes y true x ✓ ✔ ☑ ✅ 1 ja wahr no n false ✗ ✘ ☐ ❌ 0 nein falsch'.split(' '),
);

/**
 * Whether something is optional; null: the text does not say.
 * @param heading of the column: below "Required" a "yes" means that it is not optional
 */
export function optionalOf(text: string, heading: string): boolean | null {
  const flag = flagOf(text);
  if (flag === null || !invertedHeadings.has(headingWords(heading))) return flag;
  return answers.has(plainText(text)) ? !flag : flag;
}

/** Yes or no in the words and signs of tables; null: neither. */
export function flagOf(text: string): boolean | null {
  const plain = plainText(text);
  if (plain === '*' || yes.has(plain)) return true;
  return no.has(plain) ? false : null;
}

const affiliate =
  /\b(?:affiliat(?:e|ed|es)|subsidiar(?:y|ies)|intra-?group|group (?:company|companies|entity|entities|members?)|own (?:company|companies)|konzern\p{L}*|tochter\p{L}*|verbundene\p{L}*|schwester\p{L}*)(?!\p{L})/iu;
const thirdParty = /\b(?:third[ -]?part(?:y|ies)|external|extern\p{L}*|dritte\p{L}*|drittanbieter\p{L}*)(?!\p{L})/iu;

/** Affiliate or third party, where a text says which. */
export function relationshipOf(text: string): 'affiliate' | 'third-party' | null {
  const [own, other] = [affiliate.test(text), thirdParty.test(text)];
  if (own === other) return null;
  return own ? 'affiliate' : 'third-party';
}

const nothing =
  /^(?:n\/?a|n\.a|none|nil|null|undefined|unknown|not (?:applicable|available|specified|stated|known)|[-–—?*]+|\.{2,}|keine?|k\.a|keine angaben?|entfällt|nicht (?:zutreffend|bekannt|anwendbar)|unbekannt|ohne|aucune?|ninguna?|nessuna?|geen)$/;
const none = /^(?:none|nil|keine?|aucune?|ninguna?|nessuna?|geen)$/;
const placeholder =
  /^(?:\[[^\]]{0,200}\]|<[^>]{0,200}>|\{\{[^}]{0,200}\}\}|(?:tbc|tbd|tba|todo)(?!\p{L}).*|to be (?:confirmed|determined|defined|announced|added|decided)(?!\p{L}).*|(?:noch offen|wird (?:noch )?(?:ergänzt|nachgereicht))(?!\p{L}).*|x{3,}|lorem ipsum.*)$/su;

/** Why a text states nothing; null: it may state something. */
export function emptinessOf(text: string): 'says-nothing' | 'placeholder' | null {
  if (text.length > 500) return null;
  const plain = plainText(text);
  if (plain === '' || nothing.test(plain)) return 'says-nothing';
  return placeholder.test(plain) ? 'placeholder' : null;
}

/** "None": that there are none is a statement, other than "n/a". */
export function isNone(text: string): boolean {
  return none.test(plainText(text));
}
