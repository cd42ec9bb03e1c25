import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { reasonSchema, severitySchema } from '../src/list/change.js';
import { dataCategoryFields, dataSubjectFields, listFields, subProcessorFields } from '../src/list/fields.js';
import { loadTexts } from '../src/texts.js';

const root = new URL('../templates/locales/', import.meta.url);
const source = loadTexts({ timeZone: 'Europe/Brussels' });
const en = source.for('en');
const de = source.for('de');

const pluralForms = new Set(['zero', 'one', 'two', 'few', 'many', 'other']);

/** Every text of a locale by its key; plural forms are one text. */
function readAll(locale: string): Map<string, string[]> {
  const all = new Map<string, string[]>();
  const walk = (key: string, node: unknown): void => {
    if (typeof node === 'string') all.set(key, [node]);
    else if (Object.keys(node ?? {}).every((name) => pluralForms.has(name))) all.set(key, Object.values(node ?? {}));
    else for (const [name, inner] of Object.entries(node ?? {})) walk(`${key}.${name}`, inner);
  };
  for (const file of readdirSync(new URL(`${locale}/`, root))) {
    walk(file.replace(/\.json$/, ''), JSON.parse(readFileSync(new URL(`${locale}/${file}`, root), 'utf8')));
  }
  return all;
}

t.test('every locale has every text, with the same placeholders and the plural forms of its language', async (t) => {
  const english = readAll('en');
  const placeholders = (texts: readonly string[]) =>
    [...new Set(texts.flatMap((text) => text.match(/\{\w+\}/g) ?? []))].sort().join(' ');
  for (const locale of source.locales) {
    const own = readAll(locale);
    t.same([...own.keys()].sort(), [...english.keys()].sort(), `${locale} has the keys of en`);
    for (const [key, texts] of own) {
      t.equal(placeholders(texts), placeholders(english.get(key) ?? []), `${locale} ${key}`);
      t.notOk(
        texts.some((text) => text.trim() === ''),
        `${locale} ${key} is not empty`,
      );
    }
  }
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
  t.throws(() => en.t('list.summary.added', {}), /count/);
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
  t.equal(de.country('US'), 'Vereinigte Staaten');
  t.equal(en.country('not a code'), 'not a code');
  t.equal(en.dir, 'ltr');
});

t.test('the language is the best that the reader asks for', async (t) => {
  const cases: [string | undefined, string][] = [
    ['de-AT,de;q=0.9,en;q=0.8', 'de'],
    ['fr;q=0.9, en;q=0.2, de;q=0.5', 'de'],
    ['de;q=0, fr', 'en'],
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
