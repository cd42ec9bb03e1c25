import type { Conflict } from '../../list/edit.js';
import type { EntryRef } from '../../list/entry-ref.js';
import type { Texts } from '../../texts.js';
import { formFields } from './entry-form.js';

/* PURE. What others have done to the same field meanwhile, as text beside one's own. */

export interface ConflictLine {
  /** Null: the entry itself was removed. */
  field: string | null;
  label: string;
  theirs: string;
}

/** A line for each conflict; what others emptied says so. */
export function conflictLines(conflicts: readonly Conflict[], kind: EntryRef['kind'], texts: Texts): ConflictLine[] {
  return conflicts.map(({ field, theirs }) => {
    const rule = formFields(kind).find(({ name }) => name === field);
    if (field === null || rule === undefined) {
      return { field: null, label: texts.t('editor.entry'), theirs: texts.t('editor.removedMeanwhile') };
    }
    return { field, label: texts.t(rule.label), theirs: shown(theirs, texts) };
  });
}

/** A value as one text; not stated and none have their own words. */
export function shown(value: Conflict['theirs'], texts: Texts): string {
  if (value === null) return texts.t('editor.unstated');
  if (typeof value === 'boolean') return texts.t(value ? 'editor.yes' : 'editor.no');
  if (Array.isArray(value)) {
    if (value.length === 0) return texts.t('editor.none');
    return value.map((one) => (typeof one === 'string' ? one : Object.values(Object(one)).join(' '))).join(' · ');
  }
  if (typeof value === 'object') {
    const kinds = Object.entries(value).map(([name, ids]) => `${name}: ${Array.isArray(ids) ? ids.join(', ') : ''}`);
    return kinds.length === 0 ? texts.t('editor.none') : kinds.join(' · ');
  }
  return String(value);
}
