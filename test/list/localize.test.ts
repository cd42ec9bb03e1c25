import t from 'tap';
import { type Fault, Refusal } from '../../src/errors.js';
import { describe, namesOf } from '../../src/list/describe.js';
import { diffLists } from '../../src/list/diff.js';
import type { ListDocument } from '../../src/list/document.js';
import { localize } from '../../src/list/localize.js';
import { readList, readListValue } from '../../src/list/read.js';
import { toldChanges } from '../../src/list/translation-diff.js';
import { writeYaml } from '../../src/list/write.js';
import { loadTexts } from '../../src/texts.js';

const texts = loadTexts({ timeZone: 'UTC' });

const yaml = `
title: Unterauftragsverarbeiter
introduction: Wer uns hilft.
language: de
translations:
  en:
    title: Sub-processors
    introduction: Who helps us.
services:
  - id: community
    name: Gemeinschaft
    translations: { en: { name: Community } }
statements:
  - id: residency
    text: Alle Daten bleiben in der EU.
    translations: { en: { text: All data stays in the EU. } }
dataSubjects:
  - id: advocates
    name: Fürsprecher
    translations: { en: { name: Advocates } }
    dataCategories:
      - id: phone
        name: Rufnummer
        purpose: Anruf
        translations: { en: { name: telephone number } }
subProcessors:
  - id: twilio
    name: Twilio Inc.
    address: 375 Beale Street
    purposes: [Kurznachrichten, Anrufe]
    notes: Nur auf Wunsch.
    dataLocations: [US, Deutschland]
    links: [{ label: Sicherheit, url: 'https://vendor.example/s' }]
    dataCategories: { advocates: [phone] }
    services: [community]
    translations:
      en: { purposes: [Text messages, Calls], links: [Security] }
      fr: { notes: Sur demande. }
`;
const list = readList(yaml, 'yaml');

function faultsOf(value: unknown): readonly Fault[] {
  try {
    readListValue(value);
    return [];
  } catch (error) {
    if (error instanceof Refusal) return error.errors;
    throw error;
  }
}

/** The list with another thing said in one place. */
function changed(change: (copy: ListDocument) => void): ListDocument {
  const copy = structuredClone(list);
  change(copy);
  return readListValue(copy);
}

t.test('a reader of a translation gets each field that has one, and is told which have none', async (t) => {
  const { document, fellBack, original } = localize(list, 'en');
  const [twilio] = document.subProcessors;
  t.equal(document.title, 'Sub-processors');
  t.equal(document.introduction, 'Who helps us.');
  t.equal(document.services?.[0]?.name, 'Community');
  t.equal(document.statements?.[0]?.text, 'All data stays in the EU.');
  t.equal(document.dataSubjects[0]?.name, 'Advocates');
  t.equal(document.dataSubjects[0]?.dataCategories?.[0]?.name, 'telephone number');
  t.same(twilio?.purposes, ['Text messages', 'Calls']);
  t.same(twilio?.links, [{ label: 'Security', url: 'https://vendor.example/s' }]);
  t.equal(twilio?.name, 'Twilio Inc.');
  t.same(fellBack, [
    { ref: 'data-category/advocates/phone', field: 'purpose' },
    { ref: 'sub-processor/twilio', field: 'notes' },
    { ref: 'sub-processor/twilio', field: 'dataLocations' },
  ]);
  t.equal(original?.language, 'de');
  t.same([...(original?.texts ?? [])].sort(), ['Anruf', 'Deutschland', 'Nur auf Wunsch.', 'US']);
  t.equal(localize(list, 'en'), localize(list, 'en'), 'it is made once');
});

t.test(
  'the original is what its own language and its varieties get; another language gets what there is',
  async (t) => {
    t.equal(localize(list, 'de').document, list);
    t.equal(localize(list, 'de-AT').original, null);
    t.equal(localize(list, 'en-GB').document.title, 'Sub-processors');
    const french = localize(list, 'fr');
    t.equal(french.document.subProcessors[0]?.notes, 'Sur demande.');
    t.equal(french.document.title, 'Unterauftragsverarbeiter');
    const polish = localize(list, 'pl');
    t.same(polish.document, list);
    t.ok(polish.original?.texts.has('Wer uns hilft.'));
    t.notOk(polish.original?.texts.has('375 Beale Street'), 'an address is one in every language');
  },
);

t.test('nothing is known of a list that does not say its language', async (t) => {
  const { language: _, ...silent } = readListValue({
    title: 'List',
    dataSubjects: [],
    subProcessors: [{ name: 'A', notes: 'x y' }],
  });
  const { document, fellBack, original } = localize(silent, 'de');
  t.equal(document, silent);
  t.same(fellBack, []);
  t.equal(original, null);
});

t.test('words of other members of a set are not shown for these', async (t) => {
  const more = changed(({ subProcessors: [twilio] }) => twilio?.purposes?.push('Bilder'));
  const { document, original } = localize(more, 'en');
  t.same(document.subProcessors[0]?.purposes, ['Kurznachrichten', 'Anrufe', 'Bilder']);
  t.ok(original?.texts.has('Anrufe'));
});

t.test('translations come in and go out whole, and are refused by their path', async (t) => {
  t.same(readList(writeYaml(list), 'yaml'), list);
  t.same(readListValue(JSON.parse(JSON.stringify(list))), list);
  const entry = (translations: unknown, language: unknown = 'en') => ({
    title: 'List',
    language,
    dataSubjects: [],
    subProcessors: [{ name: 'Acme', notes: 'x', purposes: ['a'], translations }],
  });
  const pathsOf = (value: unknown) => faultsOf(value).map(({ path }) => path);
  t.same(pathsOf(entry({ de: { notes: 'y', purposes: ['b'] } })), []);
  t.same(pathsOf(entry({ de: { name: 'Acme' } })), ['subProcessors.0.translations.de.name'], 'no name of a vendor');
  t.same(pathsOf(entry({ DE: { notes: 'y' } })), ['subProcessors.0.translations.DE']);
  t.match(faultsOf(entry({ DE: {} }))[0]?.message, /is written "de"/);
  t.same(pathsOf(entry({ 'not a tag': {} })), ['subProcessors.0.translations.not a tag']);
  t.same(pathsOf(entry({ de: { notes: 'a\u0007b' } })), ['subProcessors.0.translations.de.notes']);
  t.same(pathsOf(entry({ de: { purposes: 'b' } })), ['subProcessors.0.translations.de.purposes']);
  t.same(pathsOf(entry({ en: { notes: 'y' } })), ['subProcessors.0.translations.en'], 'the original is the original');
  const { language: _, ...silent } = entry({ de: { notes: 'y' } });
  t.same(pathsOf(silent), ['language']);
  t.same(pathsOf(entry({}, 'eng lish')), ['language']);
  t.same(pathsOf(entry({ constructor: {} })), ['subProcessors.0.translations.constructor']);
  // qaa to qtz are nobody's.
  const letters = 'abcdefghijklmnopqrst';
  const many = Object.fromEntries(
    [...letters].flatMap((letter) => ['a', 'b', 'c'].map((end) => [`q${letter}${end}`, {}])),
  );
  t.same(pathsOf(entry(many)), ['subProcessors.0.translations']);
  const [fault] = faultsOf({ ...entry({ de: { note: 'y' } }) });
  t.match(fault?.message, /Did you mean "notes"/);
});

t.test('other words for the same are an editorial difference of which nobody is told', async (t) => {
  const after = changed((copy) => {
    copy.translations = { ...copy.translations, fr: { title: 'Sous-traitants' } };
    const [twilio] = copy.subProcessors;
    if (twilio?.translations?.en) twilio.translations.en.purposes = ['SMS', 'Calls'];
    const [service] = copy.services ?? [];
    if (service) delete service.translations;
  });
  const { changes } = diffLists(list, after);
  t.match(changes, [
    {
      kind: 'sub-processor-changed',
      id: 'twilio',
      severity: 'editorial',
      reasons: ['translation'],
      notifiable: false,
      fields: [{ field: 'translations.en.purposes', how: 'changed', added: ['SMS'], removed: ['Text messages'] }],
    },
    {
      kind: 'list-changed',
      notifiable: false,
      fields: [
        { field: 'translations.fr.title', how: 'stated', after: 'Sous-traitants' },
        { field: 'services.community.translations.en.name', how: 'unstated', before: 'Community' },
      ],
    },
  ]);
  t.same(toldChanges(changes), []);
  const account = describe(changes, namesOf(list, after), texts.for('en'));
  const labels = account.groups.flatMap(({ items }) =>
    items.flatMap(({ differences }) => differences.map(({ label }) => label)),
  );
  t.same(labels, ['Purpose (in English)', 'Title (in French)', 'Name (in English)']);
  t.same(diffLists(list, structuredClone(list)).changes, []);
});

t.test('a change beside a translation is told without it', async (t) => {
  const after = changed(({ subProcessors: [twilio] }) => {
    if (twilio === undefined) return;
    twilio.notes = 'Immer.';
    twilio.translations = { ...twilio.translations, fr: { notes: 'Toujours.' } };
  });
  const { changes } = diffLists(list, after);
  t.match(changes, [{ notifiable: true, fields: [{ field: 'notes' }, { field: 'translations.fr.notes' }] }]);
  t.match(toldChanges(changes), [{ fields: [{ field: 'notes' }], reasons: ['wording'] }]);
});

t.test('a difference is told in translation when both sides have one that tells it', async (t) => {
  const after = changed((copy) => {
    copy.title = 'Dienstleister';
    copy.translations = { en: { title: 'Providers' } };
    const [twilio] = copy.subProcessors;
    if (twilio?.translations?.en === undefined) return;
    twilio.purposes = ['Kurznachrichten', 'Bilder'];
    twilio.translations.en.purposes = ['Text messages', 'Pictures'];
    twilio.notes = 'Immer.';
    const [category] = copy.dataSubjects[0]?.dataCategories ?? [];
    if (category !== undefined) category.purpose = 'Rückruf';
  });
  const account = describe(diffLists(list, after).changes, namesOf(list, after), texts.for('en'));
  const items = account.groups.flatMap((group) => group.items);
  const twilio = items.find(({ heading }) => heading === 'Twilio Inc.');
  t.match(twilio?.differences, [
    {
      field: 'purposes',
      before: ['Text messages', 'Calls'],
      added: ['Pictures'],
      removed: ['Calls'],
      kept: ['Text messages'],
    },
    { field: 'notes', before: ['Nur auf Wunsch.'], after: ['Immer.'] },
    { field: 'translations.en.purposes' },
  ]);
  const phone = items.find(({ change }) => change.kind === 'data-category-changed');
  t.equal(phone?.heading, 'telephone number');
  t.equal(phone?.context, 'Advocates');
  const head = items.find(({ change }) => change.kind === 'list-changed');
  t.match(head?.differences[0], { field: 'title', before: ['Sub-processors'], after: ['Providers'] });
  t.ok(account.original?.texts.has('Immer.'));
  t.notOk(account.original?.texts.has('Kurznachrichten'));
});

t.test('a translation that was left as it was does not hide the change', async (t) => {
  const after = changed(({ subProcessors: [twilio] }) => {
    if (twilio !== undefined) twilio.purposes = ['Kurznachrichten', 'Werbung'];
  });
  const account = describe(diffLists(list, after).changes, namesOf(list, after), texts.for('en'));
  t.match(account.groups[0]?.items[0]?.differences, [{ field: 'purposes', added: ['Werbung'], removed: ['Anrufe'] }]);
});

t.test('what came, went or is a column reads in the reader’s language', async (t) => {
  const without = changed((copy) => {
    copy.subProcessors = [];
    copy.statements = [];
  });
  const account = describe(diffLists(without, list).changes, namesOf(without, list), texts.for('en'));
  const items = account.groups.flatMap((group) => group.items);
  const facts = items.find(({ heading }) => heading === 'Twilio Inc.')?.facts ?? [];
  t.same(facts.find(({ field }) => field === 'purposes')?.values, ['Text messages', 'Calls']);
  t.same(facts.find(({ field }) => field === 'dataCategories.advocates')?.values, ['telephone number']);
  t.same(facts.find(({ field }) => field === 'services')?.values, ['Community']);
  t.match(items.at(-1)?.differences, [{ field: 'statements.residency', after: ['All data stays in the EU.'] }]);
});
