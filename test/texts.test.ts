import t from 'tap';
import { reasonSchema, severitySchema } from '../src/list/change.js';
import { dataCategoryFields, dataSubjectFields, listFields, subProcessorFields } from '../src/list/fields.js';
import { html, listHtml, markupOf } from '../src/routes/html.js';
import { loadTexts } from '../src/texts.js';
import { locales, textsIn } from './support/catalogues.js';

const source = loadTexts({ timeZone: 'Europe/Brussels' });
const en = source.for('en');
const de = source.for('de');

t.test('a text has the plural forms that its language needs, and none is empty', async (t) => {
  for (const locale of locales) {
    const rules = new Intl.PluralRules(locale);
    const needed = new Set(Array.from({ length: 1_001 }, (_, count) => rules.select(count)));
    for (const [key, { text, plural }] of textsIn(locale)) {
      const blank = Object.values(text).filter((form) => form.trim() === '');
      if (blank.length > 0) t.fail(`${locale} ${key} is empty`);
      const missing = plural ? [...needed].filter((category) => text[category] === undefined) : [];
      t.strictSame(missing, [], `${locale} ${key}`);
    }
  }
});

t.test('a text with plural forms has them in every language', async (t) => {
  const english = textsIn('en');
  for (const locale of locales) {
    const others = [...textsIn(locale)].filter(([key, { plural }]) => plural !== english.get(key)?.plural);
    t.strictSame(
      others.map(([key]) => key),
      [],
      locale,
    );
  }
});

t.test('a locale without the console is not offered there', async (t) => {
  t.strictSame(
    source.consoleLocales.filter((locale) => ['de', 'en'].includes(locale)),
    ['de', 'en'],
  );
  t.ok(source.consoleLocales.every((locale) => source.locales.includes(locale)));
  t.equal(source.negotiate('fr, de;q=0.5', source.consoleLocales), 'de');
  t.equal(source.negotiate('fr', ['de', 'en']), 'en');
  t.equal(source.forConsole('pl').locale, 'en');
  t.equal(source.forConsole('de-AT').locale, 'de');
});

t.test('each language has its way with days, moments, lists, numbers and names', async (t) => {
  const day = new Date('2027-03-01T12:00:00Z');
  for (const locale of source.locales) {
    const texts = source.for(locale);
    t.match(texts.day(day), /^1(?:er)?\b.*2027$/, `${locale}: ${texts.day(day)}`);
    t.match(texts.moment(day), /2027.*13:00 \S*(?:CET|MEZ|UTC\+1|GMT\+1)$/, `${locale}: ${texts.moment(day)}`);
    t.equal(texts.lastDay(new Date('2027-03-01T23:00:00Z')), texts.day(day), locale);
    t.match(texts.list(['a', 'b', 'c']), /^a, b,? \S+ c$/, locale);
    t.match(texts.number(1234567), /^1\D234\D567$/, locale);
    t.not(texts.country('DE'), 'DE', locale);
    t.not(texts.language(locale), locale);
    t.equal(texts.language('no tag at all'), 'no tag at all');
    t.equal(texts.dir, 'ltr');
  }
});

t.test('a locale may be made for a test, in the other direction and with every text', async (t) => {
  const made = loadTexts({ timeZone: 'UTC', made: { 'ar-XB': (text) => `\u202b${text}\u202c` } });
  const arabic = made.for('ar-XB');
  t.equal(arabic.dir, 'rtl');
  t.equal(arabic.t('pages.nav.list'), `\u202b${en.t('pages.nav.list')}\u202c`);
  t.match(arabic.t('list.summary.subProcessorsAdded', { count: 2 }), /^\u202b.+ added\u202c$/);
  t.notOk(source.locales.includes('ar-XB'), 'and is not shipped');
});

t.test('every field, kind, reason and severity of the diff has its words', async (t) => {
  const fields = { ...subProcessorFields, ...dataCategoryFields, ...dataSubjectFields, ...listFields };
  for (const { label } of Object.values(fields)) t.ok(en.has(label), label);
  for (const reason of reasonSchema.options) t.ok(en.has(`list.reason.${reason}`), reason);
  for (const severity of severitySchema.options) t.ok(en.has(`list.severity.${severity}`), severity);
});

t.test('texts are filled, and faults of ours are loud', async (t) => {
  t.equal(en.t('list.linkTo', { label: '$& $1', url: '{label}' }), '$& $1: {label}', 'values are taken as they are');
  t.equal(en.t('list.summary.subProcessorsAdded', { count: 1 }), '1 sub-processor added');
  t.equal(de.t('list.summary.subProcessorsRemoved', { count: 1234 }), '1.234 Unterauftragsverarbeiter entfallen');
  t.throws(() => en.t('list.nothing-of-the-sort'), /no text/);
  t.throws(() => en.t('list.linkTo', { label: 'x' }), /\{url\}/);
  t.throws(() => en.t('list.summary.also.entriesRemoved', {}), /count/);
});

t.test('a day is the same day whatever the zone of the process, and a deadline is the day that it ends', async (t) => {
  // 31 October 2027 has 25 hours in Brussels.
  const cases = [
    { zone: 'Europe/Brussels', end: '2027-10-31T23:00:00Z', last: '31 October 2027', name: 'CET' },
    { zone: 'Europe/Brussels', end: '2027-03-28T22:00:00Z', last: '28 March 2027', name: 'CEST' },
    { zone: 'Pacific/Auckland', end: '2027-04-04T12:00:00Z', last: '4 April 2027', name: 'GMT+12' },
    { zone: 'UTC', end: '2028-03-01T00:00:00Z', last: '29 February 2028', name: 'UTC' },
  ];
  for (const { zone, end, last, name } of cases) {
    const texts = loadTexts({ timeZone: zone }).for('en');
    t.equal(texts.lastDay(new Date(end)), last);
    t.equal(texts.zone(new Date(end)), name);
  }
  t.equal(en.day(new Date('2027-02-28T23:00:00Z')), '1 March 2027');
  t.equal(de.day(new Date('2027-02-28T23:00:00Z')), '1. März 2027');
  t.equal(en.moment(new Date('2027-07-01T12:05:00Z')), '1 July 2027 at 14:05 CEST');
});

t.test('names, lists and countries read as a person of the language would write them', async (t) => {
  t.equal(en.list(['a', 'b', 'c']), 'a, b and c');
  t.equal(de.list(['a', 'b', 'c']), 'a, b und c');
  const es = source.for('es');
  t.equal(markupOf(listHtml([html`<a>datos</a>`, html`<a>IP</a>`], es)), '<a>datos</a> e <a>IP</a>');
  t.equal(markupOf(listHtml([html`a`, html`b`, html`hielo`], es)), 'a, b y hielo');
  t.equal(source.for('fr').lastDay(new Date('2027-03-01T23:00:00Z')), '1er mars 2027');
  t.equal(source.for('fr').lastDay(new Date('2027-03-11T23:00:00Z')), '11 mars 2027');
  t.equal(de.country('US'), 'Vereinigte Staaten');
  t.equal(en.country('not a code'), 'not a code');
  t.equal(en.dir, 'ltr');
});

t.test('the language is the best that the reader asks for', async (t) => {
  const cases: [string | undefined, string][] = [
    ['de-AT,de;q=0.9,en;q=0.8', 'de'],
    ['sw;q=0.9, en;q=0.2, de;q=0.5', 'de'],
    ['de;q=0, sw', 'en'],
    ['EN-us', 'en'],
    ['*', 'en'],
    [';;;,,q=1', 'en'],
    [undefined, 'en'],
    ['x'.repeat(100_000), 'en'],
  ];
  for (const [header, locale] of cases) t.equal(source.negotiate(header), locale, String(header).slice(0, 40));
  t.equal(source.for('de-CH').locale, 'de');
  t.equal(source.for('tlh').locale, 'en');
});
