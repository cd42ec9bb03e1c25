import type { Fault } from '../../errors.js';
import type { ListDocument } from '../../list/document.js';
import type { EntryRef } from '../../list/entry-ref.js';
import type { Texts } from '../../texts.js';
import { faultsOfEntry, formFields } from './entry-form.js';

/*
 * PURE. What is wrong with an entry, as sentences in the reader's language at the fields of its form. The
 * faults of a document are English and speak of keys and quotes, for those who write it as text.
 */

export interface FormFault {
  /** Null: of no field of this form. */
  field: string | null;
  label: string | null;
  message: string;
  /** The language of the message where it is not the page's. */
  lang: string | null;
}

/** Which sentence stands for which fault; what is in none of them is shown as it is. */
const sentences: readonly (readonly [RegExp, string])[] = [
  [/is longer than ([\d,]+) characters/, 'tooLong'],
  [/has more than (\d+)/, 'tooMany'],
  [/is missing|is empty/, 'empty'],
  [/must be one line/, 'oneLine'],
  [/control character/, 'characters'],
  [/must be a web address/, 'url'],
  [/country code|in ISO 3166-1/, 'country'],
  [/language tag|in which language it is written|is written in/, 'language'],
  [/must be lower case letters/, 'id'],
  [/The list has no entry/, 'parentGone'],
  [/leads back to itself/, 'parentCircle'],
  [/defines no service|defines no data subject kind|has no data category/, 'gone'],
  [/MiB/, 'tooLarge'],
];

/** The faults of a refused document as the form of one entry shows them; of one field and kind only one. */
export function formFaults(ref: EntryRef, document: ListDocument, faults: readonly Fault[], texts: Texts): FormFault[] {
  const shown = faultsOfEntry(ref, document, faults).map(({ field, message }): FormFault => {
    const rule = formFields(ref.kind).find(({ name }) => name === field);
    return { field, label: rule === undefined ? null : texts.t(rule.label), ...sentenceFor(message, texts) };
  });
  const seen = new Set<string>();
  return shown.filter(({ field, message }) => {
    const key = `${field} ${message}`;
    return seen.has(key) ? false : seen.add(key);
  });
}

function sentenceFor(fault: string, texts: Texts): Pick<FormFault, 'message' | 'lang'> {
  for (const [pattern, name] of sentences) {
    const found = pattern.exec(fault);
    if (found === null) continue;
    const count = Number(found[1]?.replaceAll(',', '') ?? 0);
    return { message: texts.t(`editor.faults.${name}`, { count }), lang: null };
  }
  return { message: fault, lang: texts.locale.startsWith('en') ? null : 'en' };
}
