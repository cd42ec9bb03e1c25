import { deadlineText } from '../../mail/notice.js';
import type { Texts } from '../../texts.js';
import type { PublishedVersion } from '../../versions/version.js';

/*
 * PURE. What a file says of the version that it holds. Nothing in it moves by time alone, so that a version has the
 * same bytes for ever: its state is on its page, and only a withdrawal is told here.
 */

export interface HeadRow {
  label: string;
  text: string;
}

/** @param url of the version's page */
export function versionHead(version: PublishedVersion, url: string, texts: Texts): HeadRow[] {
  const { t } = texts;
  const row = (key: string, text: string): HeadRow => ({ label: t(`pages.version.${key}`), text });
  return [
    row('version', String(version.number)),
    row('published', texts.moment(version.publishedAt)),
    row('effective', startText(version.effectiveAt, texts)),
    ...(version.objectionDeadline === null ? [] : [row('deadline', deadlineText(version.objectionDeadline, texts))]),
    ...(version.withdrawnAt === null ? [] : [row('withdrawn', texts.moment(version.withdrawnAt))]),
    ...(version.corrects === null
      ? []
      : [{ label: t('corrections.corrects'), text: t('pages.version.number', { version: String(version.corrects) }) }]),
    row('hash', version.hash),
    ...(version.previousHash === null ? [] : [row('previousHash', version.previousHash)]),
    { label: t('documents.page'), text: url },
  ];
}

/** The day alone if something begins with it, else day, time and zone. */
function startText(at: Date, texts: Texts): string {
  return texts.day(at) === texts.lastDay(at) ? texts.moment(at) : texts.day(at);
}
