import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import t from 'tap';
import type { ListDocument } from '../../src/list/document.js';
import { applySteps, type EditStep, invertSteps } from '../../src/list/edit.js';
import { findEntry, parseRef, refText, siblingsOf } from '../../src/list/entry-ref.js';
import { mergeValues } from '../../src/list/merge.js';
import { readList, readListValue } from '../../src/list/read.js';
import { writeYaml } from '../../src/list/write.js';
import { partsOf, sourceIdsOf, sourceInStep } from '../../src/versions/source-edit.js';
import { spliceLines } from '../../src/versions/source-lines.js';
import { plain, stepsBetween, storable, withReferences } from './edits.js';

const source = `# Who works for us
title: Sub-processors
services:
  - { id: community, name: Community }
dataSubjects:
  - id: members
    name: Members
    dataCategories:
      - id: email # the one at work
        name: email
      - id: phone
        name: phone
subProcessors:
  - name: Alpha # the first
    purposes: [Hosting]
    dataCategories: { members: [email] }

  - name: Beta
    country: DE
  - name: Gamma
`;
const list = readList(source, 'yaml');
const set = (
  ref: string,
  field: string,
  before: EditStep & { step: 'set' } extends { before: infer B } ? B : never,
  after: typeof before,
): EditStep => ({
  step: 'set',
  ref,
  field,
  before,
  after,
});
const names = (document: ListDocument) => document.subProcessors.map(({ name }) => name);

t.test('an edit changes what it names, and taking it back gives the list as it was', async (t) => {
  const steps: EditStep[] = [
    set('sub-processor/beta', 'country', 'DE', 'FR'),
    set('sub-processor/beta', 'contact', null, 'privacy@example.org'),
    { step: 'add', ref: 'sub-processor/delta', entry: { name: 'Delta' }, place: 'alpha' },
    { step: 'move', ref: 'sub-processor/gamma', before: 'beta', after: null },
    { step: 'remove', ref: 'data-category/members/phone', entry: { name: 'phone' }, place: 'email' },
    set('list', 'introduction', null, 'Hello.'),
  ];
  const { document, conflicts } = applySteps(list, steps);
  t.same(conflicts, []);
  t.same(names(document), ['Gamma', 'Alpha', 'Delta', 'Beta']);
  t.match(findEntry(document, { kind: 'sub-processor', id: 'beta', dataSubject: null }), {
    country: 'FR',
    contact: 'privacy@example.org',
  });
  t.equal(document.dataSubjects[0]?.dataCategories?.length, 1);
  readListValue(document);
  t.same(applySteps(document, invertSteps(steps)).document, list);
});

t.test('two people who change different things both get theirs; the same value is a conflict', async (t) => {
  const theirs = applySteps(list, [
    set('sub-processor/alpha', 'purposes', ['Hosting'], ['Hosting', 'Backup']),
    set('sub-processor/alpha', 'dataCategories', { members: ['email'] }, { members: [] }),
    set('sub-processor/beta', 'country', 'DE', 'FR'),
  ]).document;
  const mine = applySteps(theirs, [
    set('sub-processor/alpha', 'purposes', ['Hosting'], ['Mail']),
    set('sub-processor/alpha', 'dataCategories', { members: ['email'] }, { members: ['email', 'phone'] }),
    set('sub-processor/gamma', 'country', null, 'US'),
  ]);
  t.same(mine.conflicts, []);
  t.match(mine.document.subProcessors, [
    { purposes: ['Backup', 'Mail'], dataCategories: { members: ['phone'] } },
    { country: 'FR' },
    { country: 'US' },
  ]);
  t.same(applySteps(theirs, [set('sub-processor/beta', 'country', 'DE', 'US')]).conflicts, [
    { ref: 'sub-processor/beta', field: 'country', mine: 'US', theirs: 'FR' },
  ]);
  t.same(applySteps(theirs, [set('sub-processor/beta', 'country', 'DE', 'FR')]).conflicts, [], 'the same deed twice');
  t.match(
    applySteps(theirs, [
      { step: 'remove', ref: 'sub-processor/beta', entry: { name: 'Beta', country: 'DE' }, place: 'alpha' },
    ]).conflicts,
    [{ field: null, theirs: { country: 'FR' } }],
  );
  t.match(
    applySteps(list, [{ step: 'add', ref: 'sub-processor/beta', entry: { name: 'Beta' }, place: null }]).conflicts,
    [{ field: null }],
  );
  t.match(applySteps(list, [set('sub-processor/nobody', 'name', 'a', 'b')]).conflicts, [{ field: null, theirs: null }]);
});

t.test('a merge never loses what one of two has added, nor keeps what one has taken away', async () => {
  const letters: string[] = ['a', 'b', 'c', 'd', 'e'];
  const members = fc.uniqueArray(fc.constantFrom(...letters));
  fc.assert(
    fc.property(members, members, members, (before, mine, theirs) => {
      const merged = mergeValues({ before, mine, theirs })?.value;
      if (!Array.isArray(merged)) return false;
      const wanted = letters.filter((one) => {
        if (before.includes(one)) return mine.includes(one) && theirs.includes(one);
        return mine.includes(one) || theirs.includes(one);
      });
      return JSON.stringify([...merged].sort()) === JSON.stringify(wanted);
    }),
  );
});

t.test('the admin’s YAML follows what was edited and keeps its comments', async (t) => {
  const steps: EditStep[] = [
    set('sub-processor/alpha', 'country', null, 'US'),
    set('sub-processor/alpha', 'purposes', ['Hosting'], ['Mail', 'Hosting']),
    set('sub-processor/beta', 'name', 'Beta', 'Beta Two'),
    set('data-category/members/email', 'optional', null, true),
    set('data-category/members/email', 'name', 'email', 'e-mail'),
    { step: 'add', ref: 'sub-processor/delta', entry: { name: 'Delta' }, place: 'alpha' },
    { step: 'remove', ref: 'sub-processor/gamma', entry: { name: 'Gamma' }, place: 'beta' },
    { step: 'move', ref: 'sub-processor/beta', before: 'delta', after: null },
    { step: 'add', ref: 'statement/eu', entry: { text: 'All in the EU.' }, place: null },
  ];
  const { document, conflicts } = applySteps(list, steps);
  t.same(conflicts, []);
  const after = readListValue(document);
  const own = sourceIdsOf(list);
  t.equal(
    sourceInStep(source, own, after),
    `# Who works for us
title: Sub-processors
statements:
  - id: eu
    text: All in the EU.
services:
  - { id: community, name: Community }
dataSubjects:
  - id: members
    name: Members
    dataCategories:
      - id: email # the one at work
        name: e-mail
        optional: true
      - id: phone
        name: phone
subProcessors:
  - id: beta
    name: Beta Two
    country: DE

  - name: Alpha # the first
    purposes: [Mail, Hosting]
    dataCategories: {members: [email]}
    country: US

  - id: delta
    name: Delta
`,
  );
  t.equal(sourceInStep('a: [', own, after), null);
  t.equal(sourceInStep('title: x\ndataSubjects: []\nsubProcessors: []\n', own, after), null, 'another text');
  const anchored =
    'title: t\ndataSubjects: []\nsubProcessors:\n  - &a { name: A, notes: &n x }\n  - { name: B, notes: *n }\n';
  const before = readList(anchored, 'yaml');
  const changed = applySteps(before, [set('sub-processor/a', 'notes', 'x', 'y')]).document;
  t.match(sourceInStep(anchored, sourceIdsOf(before), readListValue(changed)), '{ name: B, notes: x }', 'written out');
  const [, second] = before.subProcessors;
  const alone = readListValue({ ...before, subProcessors: [second] });
  t.equal(sourceInStep(anchored, sourceIdsOf(before), alone), null, 'what it refers to is gone');
});

t.test('what was not edited stays letter for letter, however somebody writes YAML', async (t) => {
  const own = `# kept in Git

title:   "Sub-processors"   # ours
introduction: >-
  Folded text
  over two lines.

dataSubjects:
- id: members
  name: 'Members'
  dataCategories:
  - {id: email, name: email}
  # not yet checked
  - id: phone
    name:  phone

subProcessors:

# hosting
- name: Alpha
  purposes: [Hosting,   "Backups"]   # both

# mail
- name: Beta
  country:   DE # since May
  notes: |
    # no comment
    a text

# search
- {name: Gamma, country: FR}

# the end
`;
  const before = readList(own, 'yaml');
  const after = (...steps: EditStep[]) => {
    const { document, conflicts } = applySteps(before, steps);
    t.same(conflicts, []);
    return sourceInStep(own, sourceIdsOf(before), readListValue(document));
  };
  t.equal(
    after(set('sub-processor/beta', 'country', 'DE', 'SE')),
    own.replace('country:   DE', 'country: SE'),
    'one line of it',
  );
  t.equal(
    after(set('data-category/members/phone', 'optional', null, true)),
    own.replace('name:  phone\n', 'name: phone\n    optional: true\n'),
  );
  t.equal(
    after(
      set('list', 'introduction', 'Folded text over two lines.', null),
      set('list', 'title', 'Sub-processors', 'Ours'),
    ),
    own
      .replace('title:   "Sub-processors"   # ours', 'title: "Ours" # ours')
      .replace(/introduction[\s\S]*?lines\.\n/, ''),
  );
  t.equal(
    after({ step: 'add', ref: 'sub-processor/delta', entry: { name: 'Delta', purposes: ['x'] }, place: 'alpha' }),
    own.replace('\n# mail', '\n- id: delta\n  name: Delta\n  purposes:\n  - x\n\n# mail'),
  );
  t.equal(
    after({ step: 'move', ref: 'sub-processor/gamma', before: 'beta', after: 'alpha' }),
    own
      .replace('# search\n- {name: Gamma, country: FR}\n\n', '')
      .replace('# mail', '# search\n- {name: Gamma, country: FR}\n\n# mail'),
  );
  t.equal(
    after({
      step: 'remove',
      ref: 'sub-processor/beta',
      entry: { name: 'Beta', country: 'DE', notes: '# no comment\na text\n' },
      place: 'alpha',
    }),
    own.replace(/# mail[\s\S]*a text\n\n/, ''),
  );
});

t.test('by lines alone the same comes out, and what lines do not tell is left to be read', async (t) => {
  let told = 0;
  fc.assert(
    fc.property(storable, storable, (from, { subProcessors }) => {
      const to = withReferences({ ...from, subProcessors });
      const renamed = from.subProcessors.some(({ id, name }) =>
        subProcessors.some((one) => one.id === id && one.name !== name),
      );
      const touched = [...from.subProcessors, ...subProcessors].map(({ id }) => `sub-processor/${id}`);
      const text = spliceLines(writeYaml(from), partsOf(sourceIdsOf(from), to), touched);
      if (text === null) return renamed || from.subProcessors.length === 0 || subProcessors.length === 0;
      told += 1;
      return isDeepStrictEqual(readList(text, 'yaml'), to);
    }),
    { numRuns: 250 },
  );
  t.ok(told > 5, `${told} by lines`);
  const parts = partsOf(sourceIdsOf(list), list);
  t.equal(spliceLines(source, parts, []), source);
  t.equal(spliceLines(source, parts, ['service/community']), null);
  t.equal(spliceLines(source.replace('name: Gamma', '&x name: Gamma'), parts, []), null);
});

t.test('what was taken away and comes back, comes back with its comments', async (t) => {
  const gone = readListValue({ ...list, subProcessors: list.subProcessors.slice(1) });
  const own = sourceIdsOf(list);
  t.notMatch(sourceInStep(source, own, gone), '# the first');
  t.same(readList(sourceInStep(source, own, list) ?? '', 'yaml'), list);
  t.match(sourceInStep(source, own, list), '# the first');
});

t.test('a reference has one text form, and nothing else is one', async (t) => {
  for (const text of ['list', 'sub-processor/a-1', 'data-category/members/email', 'service/x']) {
    const ref = parseRef(text);
    t.equal(ref && refText(ref), text);
  }
  for (const text of [
    '',
    'lists',
    'sub-processor',
    'sub-processor/A',
    'data-category/x',
    'service/x/y',
    'sub-processor/../x',
  ]) {
    t.equal(parseRef(text), null, text);
  }
  t.equal(siblingsOf(list, { kind: 'data-category', id: 'x', dataSubject: 'nobody' }), null);
});

t.test('whatever is edited, the text says it, and taking it back gives the list as it was', async () => {
  fc.assert(
    fc.property(storable, storable, (from, to) => {
      const steps = stepsBetween(from, to);
      const { document, conflicts } = applySteps(from, steps);
      const after = readListValue(plain(document));
      const text = sourceInStep(writeYaml(from), sourceIdsOf(from), after);
      return (
        conflicts.length === 0 &&
        isDeepStrictEqual(after, to) &&
        text !== null &&
        isDeepStrictEqual(readList(text, 'yaml'), to) &&
        isDeepStrictEqual(plain(applySteps(document, invertSteps(steps)).document), from)
      );
    }),
    { numRuns: 40 },
  );
});
