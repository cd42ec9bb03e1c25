import t from 'tap';
import type { Change, Severity } from '../../src/list/change.js';
import { describe, namesOf } from '../../src/list/describe.js';
import { diffLists } from '../../src/list/diff.js';
import type { ListDocument, SubProcessor } from '../../src/list/document.js';
import { gapsOf } from '../../src/list/gaps.js';
import {
  applyGradings,
  fingerprintOf,
  type Grading,
  holds,
  mayBeLowered,
  toldSeverity,
} from '../../src/list/grading.js';
import { shownIn } from '../../src/mail/appearance.js';
import { loadTexts } from '../../src/texts.js';

const acme: SubProcessor = { id: 'acme', name: 'Acme', purposes: ['Hosting'], dataLocations: ['Germany'] };
const other: SubProcessor = { id: 'other', name: 'Other', purposes: ['Support'] };
const aList = (...subProcessors: SubProcessor[]): ListDocument => ({ title: 'List', dataSubjects: [], subProcessors });
const before = aList(acme, other);
const changesTo = (...entries: SubProcessor[]) => diffLists(before, aList(...entries)).changes;
function only(changes: readonly Change[]): Change {
  const [change] = changes;
  if (change === undefined || changes.length > 1) throw new Error(`one change was expected, not ${changes.length}`);
  return change;
}
const gradedAs = (change: Change, severity: Severity): Grading => ({
  kind: change.kind,
  id: change.id,
  severity,
  reason: 'because',
  from: change.severity,
  fingerprint: fingerprintOf(change),
});

t.test('a lowering holds for exactly what it was made for', async (t) => {
  const moved = only(changesTo({ ...acme, dataLocations: ['Germany', 'Frankfurt'] }, other));
  t.equal(moved.severity, 'material');
  const grading = gradedAs(moved, 'editorial');
  t.match(applyGradings([moved], [grading]), [
    {
      severity: 'editorial',
      reasons: ['new-location', 'lowered-by-processor'],
      grading: { from: 'material', reason: 'because' },
    },
  ]);
  const inOtherOrder = only(changesTo({ ...acme, dataLocations: ['Frankfurt', 'Germany'] }, other));
  t.ok(holds(grading, inOtherOrder), 'the order of a set says nothing');
  const farther = only(changesTo({ ...acme, dataLocations: ['Germany', 'Mumbai'] }, other));
  t.notOk(holds(grading, farther), 'another place was never judged');
  const more = only(changesTo({ ...acme, dataLocations: ['Germany', 'Frankfurt'], purposes: ['Ads'] }, other));
  t.notOk(holds(grading, more));
  t.same(applyGradings([more], [grading]), [more]);
  const stored: Change = JSON.parse(JSON.stringify(moved));
  t.equal(fingerprintOf(stored), fingerprintOf(moved), 'as it comes from a row');
});

t.test('a raise holds for whatever becomes of the change, and never lowers anything', async (t) => {
  const worded = only(changesTo({ ...acme, notes: 'Behind a gate.' }, other));
  t.equal(worded.severity, 'editorial');
  const grading = gradedAs(worded, 'reducing');
  const rewritten = only(changesTo({ ...acme, notes: 'Behind two gates.' }, other));
  t.match(applyGradings([rewritten], [grading]), [{ severity: 'reducing', reasons: [/./, 'raised-by-processor'] }]);
  const graver = only(changesTo({ ...acme, purposes: ['Ads'] }, other));
  t.same(applyGradings([graver], [grading]), [graver], 'what is graver by itself stays so');
  // Lowered to what then is the rules' own severity or more: nobody wanted a raise.
  const lowered = gradedAs({ ...rewritten, severity: 'material' }, 'reducing');
  t.notOk(holds({ ...lowered, fingerprint: fingerprintOf(worded) }, worded));
});

t.test('what a controller must be able to object to is never lowered', async (t) => {
  const added = only(changesTo(acme, other, { id: 'new', name: 'Newcomer' }));
  const replaced = only(changesTo({ ...acme, name: 'Somebody Else' }, other));
  for (const change of [added, replaced]) {
    t.notOk(mayBeLowered(change));
    t.same(applyGradings([change], [gradedAs(change, 'editorial')]), [change], 'also where a row says so');
  }
  t.ok(mayBeLowered(only(changesTo(acme))), 'a removal may');
});

t.test('who is told goes by the graver of both, and the account says that a person decided', async (t) => {
  const moved = only(changesTo({ ...acme, dataLocations: ['Mumbai'] }, other));
  const lowered = only(applyGradings([moved], [gradedAs(moved, 'editorial')]));
  t.equal(toldSeverity(lowered), 'material');
  const gone = only(changesTo(acme));
  const raised = only(applyGradings([gone], [gradedAs(gone, 'material')]));
  t.equal(toldSeverity(raised), 'material');
  for (const [locale, word] of [
    ['en', 'less grave'],
    ['de', 'weniger schwerwiegend'],
  ] as const) {
    const texts = loadTexts({ timeZone: 'UTC' }).for(locale);
    const account = describe([lowered], namesOf(before, before), texts);
    const [item] = account.groups.flatMap(({ items }) => items);
    t.match(item?.graded, new RegExp(`${word}.*: because$`));
    t.equal(account.groups[0]?.severity, 'editorial');
    t.notMatch(item?.reasons, [/processor|Auftragsverarbeiter/], 'said once');
  }
  t.equal(
    describe([moved], namesOf(before, before), loadTexts({ timeZone: 'UTC' }).for('en')).groups[0]?.items[0]?.graded,
    null,
  );
});

t.test('a transfer mechanism is missed wherever data goes or is seen from without adequacy', async (t) => {
  const entry = { id: 'x', name: 'X', purposes: ['Hosting'], contact: 'x@example.org' };
  const missing: [Partial<SubProcessor>, boolean][] = [
    [{ country: 'DE' }, false],
    [{ country: 'RE' }, false],
    [{ country: 'BR' }, false],
    [{ country: 'US' }, true],
    [{ country: 'US', transferMechanisms: ['EU-US Data Privacy Framework'] }, false],
    [{ country: 'DE', dataLocations: ['Frankfurt, Germany'] }, false],
    [{ country: 'DE', dataLocations: ['Mumbai (India)'] }, true],
    [{ country: 'DE', dataLocations: ['Ireland'], accessLocations: ['IN'] }, true],
    [{ dataLocations: ['the cloud'] }, false],
  ];
  for (const [facts, expected] of missing) {
    t.equal(gapsOf({ ...entry, ...facts }).includes('transfer'), expected, JSON.stringify(facts));
  }
});

t.test('a mail is shown as clients of either setting show it', async (t) => {
  const mail =
    '<meta name="color-scheme" content="light dark"><style>:root { color-scheme: light dark; supported-color-schemes: light dark; } @media (prefers-color-scheme: dark) { a {} } @media (max-width: 480px) { b {} }</style>';
  t.equal(
    shownIn(mail, 'dark'),
    '<meta name="color-scheme" content="dark"><style>:root { color-scheme: dark; supported-color-schemes: dark; } @media all { a {} } @media (max-width: 480px) { b {} }</style>',
  );
  t.match(shownIn(mail, 'light'), /content="light"><style>:root \{ color-scheme: light; .*@media not all \{ a/);
});
