import type { AppDeps } from '../../app.js';
import { readWorkingList } from '../../versions/draft-edit.js';
import type { Console } from './console.js';

/** What a list is called of which nobody has said anything yet. */
export function titleOf({ texts }: Pick<Console, 'texts'>): string {
  return texts.t('editor.defaultTitle');
}

/** The draft as an admin works on it, or what it would begin with. */
export function workingList({ db }: Pick<AppDeps, 'db'>, console: Pick<Console, 'texts'>) {
  return readWorkingList(db, titleOf(console));
}
