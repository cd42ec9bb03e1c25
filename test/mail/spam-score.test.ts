import { execFile } from 'node:child_process';
import t from 'tap';
import { renderLetter } from '../../src/mail/letters.js';
import { fillMessage, prepareMessage } from '../../src/mail/message.js';
import { renderNotice } from '../../src/mail/notice.js';
import { loadTexts } from '../../src/texts.js';
import { hasTool } from '../support/tools.js';
import { aNotice } from './sample.js';
import { common, letters, taskLetter } from './sample-letters.js';

const texts = loadTexts({ timeZone: 'Europe/Brussels' });
const token = 'A'.repeat(30);
/** Half of what SpamAssassin calls spam is 2.5; a mail that people must get stays far below. */
const most = 1;

t.test('a filter of spam finds nothing in any mail, in any language', async (t) => {
  if (!(await hasTool(t, 'spamassassin', ['--version'], 'spamassassin'))) return;
  const mails: { name: string; raw: Buffer }[] = [];
  for (const locale of texts.locales) {
    const words = texts.for(locale);
    const notices = [aNotice(), { ...aNotice(), why: 'contractual' as const }];
    for (const notice of notices) {
      mails.push({
        name: `notice (${notice.why}), ${locale}`,
        raw: await composed(await renderNotice(notice, words), true),
      });
    }
    for (const letter of [...letters, taskLetter]) {
      const step = 'step' in letter ? ` (${letter.step})` : '';
      const rendered = await renderLetter(letter, words);
      mails.push({
        name: `${letter.kind}${step}, ${locale}`,
        raw: await composed(rendered, letter.kind === 'welcome'),
      });
    }
  }
  const reports = await score(mails.map(({ raw }) => raw));
  t.equal(reports.length, mails.length, 'each mail has its report');
  for (const [index, { name }] of mails.entries()) {
    const { points, rules } = reports[index] ?? { points: Number.NaN, rules: '' };
    t.ok(points < most, `${name}: ${points} (${rules})`);
    t.comment(`${points.toFixed(1).padStart(5)}  ${name}: ${rules}`);
  }
});

async function composed(rendered: { subject: string; html: string; text: string }, isList: boolean): Promise<Buffer> {
  const message = await prepareMessage(rendered, {
    from: { name: 'Example Company', address: 'notices@example.org' },
    ...(isList ? { list: { publicUrl: common.publicUrl } } : {}),
  });
  return fillMessage(message, {
    to: 'anna@example.net',
    messageId: '<1.0123456789abcdef0123456789abcdef@example.org>',
    date: new Date(),
    slots: { unsubscribe: token, preferences: token, objection: token },
  });
}

/** What SpamAssassin says of each, without asking the network. */
async function score(mails: readonly Buffer[]): Promise<{ points: number; rules: string }[]> {
  const box = mails.map((raw) => Buffer.concat([Buffer.from('From MAILER Thu Jan  1 00:00:00 2027\n'), asLines(raw)]));
  const output = await new Promise<string>((resolve, reject) => {
    const child = execFile('spamassassin', ['--local', '--mbox'], { maxBuffer: 100 * 1024 * 1024 }, (error, stdout) =>
      error === null ? resolve(stdout) : reject(error),
    );
    child.stdin?.end(Buffer.concat(box));
  });
  const status =
    /^X-Spam-Status: (?:Yes|No), score=(?<points>-?[\d.]+) required=[\d.]+ tests=(?<rules>[\s\S]*?)\s+autolearn=/gm;
  return [...output.matchAll(status)].map(({ groups }) => ({
    points: Number(groups?.points),
    rules: (groups?.rules ?? '').replace(/\s+/g, ' '),
  }));
}

function asLines(raw: Buffer): Buffer {
  return Buffer.from(
    `${raw
      .toString('latin1')
      .replace(/\r\n/g, '\n')
      .replace(/^From /gm, '>From ')}\n\n`,
    'latin1',
  );
}
