import t from 'tap';
import { renderLetter } from '../../src/mail/letters.js';
import { loadTexts } from '../../src/texts.js';
import { readMarkup } from './markup.js';
import { adminLetters, letters, taskLetter } from './sample-letters.js';

const texts = loadTexts({ timeZone: 'Europe/Brussels' });
const en = texts.for('en');
const de = texts.for('de');
t.test('every letter says the same in both parts, in every language, with links on lines of their own', async (t) => {
  for (const input of [...letters, ...adminLetters, taskLetter]) {
    for (const words of [en, de]) {
      const { subject, html, text } = await renderLetter(input, words);
      const name = `${input.kind} in ${words.locale}`;
      const markup = readMarkup(html);
      t.same(markup.unbalanced, [], name);
      t.ok(html.includes(`<html lang="${words.locale}"`), name);
      t.ok(subject.includes('Example Company') && subject.length < 140 && !/[\r\n]/.test(subject), subject);
      t.notMatch(text, /&amp;|&#39;|<\/?(?:p|td|br)\b/);
      const lines = text.split('\n');
      for (const { name: element, attributes } of markup.elements) {
        if (attributes.href && !lines.includes(attributes.href)) t.fail(`${name}: ${attributes.href}`);
        if (element === 'img' || attributes.src) t.fail(`${name} loads something`);
      }
      const squeeze = (part: string) => part.replace(/[\u2068\u2069]/g, '').replace(/\s+/g, ' ');
      const shown = squeeze(markup.text);
      for (const line of lines) {
        const said = squeeze(line.replace(/^[->] /, '')).trim();
        // Headings are in capitals, lines are rules, and what introduces a link ends with a colon here only.
        const isOwn = said === '' || /^[-=]+$/.test(said) || said.endsWith(':') || said.startsWith('http');
        const [label = '', value = label] = said.split(': ');
        if (isOwn || said === said.toUpperCase() || shown.includes(said)) continue;
        if (!shown.includes(label) || !shown.includes(value)) t.fail(`${name}: HTML lacks "${said}"`);
      }
    }
  }
});

t.test('a confirmation asks one thing, and holds nothing that a visitor typed', async (t) => {
  const [input] = letters;
  if (input?.kind !== 'confirmation') throw new Error('the first letter is the confirmation');
  const { subject, text, html } = await renderLetter(input, en);
  t.equal(subject, 'Please confirm: notices about sub-processors of Example Company');
  t.match(text, /was entered on 29 January 2027 at 11:00 CET/);
  t.match(text, /Confirm subscription:\nhttps:\/\/trust\.example\.org\/confirm\/abc\n/);
  t.match(text, /The link is good for 48 hours\./);
  t.match(text, /If it was not you, do nothing\./);
  t.match(text, /Write to privacy@example\.org/);
  t.equal(html.match(/\/confirm\/abc/g)?.length, 1, 'one link to click');
  t.match(text, /This was not me[^\n]*:\nhttps:\/\/trust\.example\.org\/unsubscribe\/def\n/, 'and one against it');
});

t.test('a welcome tells the list in force and every open window, with its date and deadline', async (t) => {
  const input = letters[2];
  if (input?.kind !== 'welcome') throw new Error('the third letter is the welcome');
  const { subject, text, html } = await renderLetter(input, en);
  t.match(subject, /^You are subscribed; announced: 2 sub-processors added, 1 removed and more/);
  for (const part of [text, readMarkup(html).text]) {
    t.match(part, /1 March 2027/);
    t.match(part, /14 February 2027, 24:00 CET/);
    t.match(part, /Callwell Ltd\./);
    t.match(part, /Version 3 names 2 sub-processors:/, 'a vendor with two entries is one vendor');
    t.ok(part.includes('شركة <b>أمثلة</b>'));
  }

  const none = await renderLetter({ ...input, list: null, windows: [] }, de);
  t.match(none.text, /Noch ist keine Liste in Kraft\./);
  t.notMatch(none.text, /ANGEKÜNDIGT/);
  const many = Array.from({ length: 5_000 }, (_, index) => `Vendor ${index}`);
  const long = await renderLetter({ ...input, list: { version: 9, vendors: many }, windows: [] }, en);
  t.match(long.text, /- Vendor 59\n- and 4,940 more\n/);
  t.ok(Buffer.byteLength(long.html) < 100_000);
});

t.test('a receipt quotes the grounds letter for letter, and says when they came late', async (t) => {
  const input = letters.at(-1);
  if (input?.kind !== 'objection-receipt') throw new Error('the last letter is the receipt');
  const { text, html } = await renderLetter({ ...input, late: true }, en);
  t.match(text, /> We <b>cannot<\/b> accept & allow\n> remote access from elsewhere\./);
  t.ok(readMarkup(html).text.includes('We <b>cannot</b> accept & allow\nremote access'));
  t.match(text, /It came after the deadline/);
  t.match(text, /Received: 29 January 2027 at 11:00 CET/);
  t.match((await renderLetter({ ...input, grounds: '  ' }, de)).text, /Gründe haben Sie nicht angegeben/);
});

t.test('the letter to admins names what waits and how often, and the way to it', async (t) => {
  const { subject, text, html } = await renderLetter(taskLetter, en);
  t.equal(subject, '1,235 tasks wait for you in the console (Example Company)');
  t.match(text, /Contacts whom mail does not reach: 1,234\nObjections: 1\n/);
  t.match(text, /Open the tasks:\nhttps:\/\/trust\.example\.org\/admin\/tasks\n/);
  t.match(
    text,
    /\nMuster & Söhne \(b•••@e•••\.org\) objects to version 3\. Answer\.\n\nand 1,233 more, in the console\n/,
  );
  t.match(html, /&lt;b&gt;أمثلة&lt;\/b&gt;/);
  t.notMatch(text, /unsubscribe/i, 'whoever has the role gets it');
  const one = { ...taskLetter, counts: [{ label: 'Objections', count: 1 }], tasks: [], more: 0 };
  t.equal((await renderLetter(one, de)).subject, 'Eine Aufgabe wartet in der Konsole auf Sie (Example Company)');
});

t.test('a contact is welcomed as one, not as somebody who subscribed', async (t) => {
  const input = letters[2];
  if (input?.kind !== 'welcome') throw new Error('the third letter is the welcome');
  for (const windows of [input.windows, []]) {
    const { subject, text, html } = await renderLetter({ ...input, windows, why: 'contractual' }, en);
    for (const part of [subject, text, readMarkup(html).text]) t.notMatch(part, /subscribed/i);
    t.match(text, /since your contract entitles you/);
    t.match(text, /Unsubscribe:\n/, 'they leave by one click as well');
  }
});
