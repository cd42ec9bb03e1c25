import { readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { describe, namesOf, summarise } from '../../src/list/describe.js';
import { diffLists } from '../../src/list/diff.js';
import type { ListDocument, SubProcessor } from '../../src/list/document.js';
import { encodedSize } from '../../src/mail/budget.js';
import { renderNotice } from '../../src/mail/notice.js';
import { loadTexts } from '../../src/texts.js';
import { anyList } from '../list/arbitrary.js';
import { readMarkup } from './markup.js';
import { after, aNotice, before } from './sample.js';

const texts = loadTexts({ timeZone: 'UTC' });
const en = texts.for('en');
const de = texts.for('de');

/** Names that have broken other systems. */
const names = [
  'Less <$100 & "Co"',
  '&lt;b&gt;Bold&lt;/b&gt;',
  '</mj-text></mj-column>',
  '</td></tr></table><script>alert(1)</script>',
  '{{unsubscribe}}',
  '<%= 1 %>',
  '<%~ it.body %>',
  ']]>',
  '<!-- not a comment',
  '$& $1 $` $$',
  'شركة <b>أمثلة</b>',
  '示例 & 子公司',
  'a\u0301 = á, &amp;#39; =3D',
  "' onmouseover='alert(1)",
];

const squeezed = (text: string) => text.replace(/\s+/g, ' ');
/** Without the isolates that keep right-to-left names in their place. */
const plain = (text: string) => squeezed(text.replace(/[\u2068\u2069]/g, ''));

t.test('the notice reads as it was agreed', async (t) => {
  for (const locale of ['en', 'de']) {
    const { html, text } = await renderNotice(aNotice(), texts.for(locale));
    for (const [kind, shown] of [
      ['html', html],
      ['txt', text],
    ] as const) {
      const file = new URL(`../golden/notice.${locale}.${kind}`, import.meta.url);
      const golden = readable(shown);
      if (process.env.GOLDEN === 'write') writeFileSync(file, golden);
      t.equal(golden, readFileSync(file, 'utf8'), `${locale} ${kind}; GOLDEN=write renews it`);
    }
  }
});

t.test('both parts tell the same: every fact that a controller needs, once and in words', async (t) => {
  const { subject, html, text } = await renderNotice(aNotice(), en);
  t.equal(subject, '2 sub-processors added, 1 removed, 2 changed and more, from 1 March 2027 (Example Company)');
  const facts = [
    'Example Company is changing its list of sub-processors',
    'In effect from',
    '1 March 2027',
    'Objections until',
    '28 February 2027, 24:00 UTC',
    'We are adding text messages to the community',
    'Callwell Ltd.',
    'Callwell Communications Limited',
    'Messages API',
    'Delivery of text messages',
    '12 Harbour Street, Dublin 2, Ireland',
    'privacy@callwell.example',
    'Ireland',
    'Dublin, Ireland',
    'India',
    'Standard contractual clauses 2021/914, module 3',
    'telephone number, text messages',
    'Encryption in transit (TLS 1.3) and at rest (AES-256)',
    'Only if text messages are switched on.',
    'optional',
    'شركة أمثلة <b>المحدودة</b>',
    'Address, Contact, Remote access from, Transfer mechanism, Security measures',
    'Pollster AB',
    '− Removed: Daily backups',
    '+ Added: Warsaw, Poland',
    '120 days',
    '90 days',
    'dietary needs',
    'If we have not heard from you by then',
    'You get this e-mail because you subscribed',
  ];
  const shown = plain(readMarkup(html).text);
  for (const fact of facts) {
    t.ok(shown.includes(fact), `HTML: ${fact}`);
    t.ok(plain(text).includes(fact), `text: ${fact}`);
  }
  t.notMatch(text, /&amp;|&#39;|&lt;|=3D|<\/?(?:p|td|br)\b/);
});

t.test('every link of the HTML is in the text, whole and on a line of its own', async (t) => {
  const { html, text } = await renderNotice(aNotice(), en);
  const lines = text.split('\n').map((line) => line.trim());
  const links = readMarkup(html).elements.flatMap(({ attributes }) => attributes.href ?? []);
  t.ok(links.length >= 7);
  for (const link of links) {
    t.match(link, /^https:\/\//);
    t.ok(lines.includes(link), link);
  }
  t.ok(html.indexOf('/compare/3...4') < html.indexOf('Callwell'), 'the comparison is above the changes');
});

t.test('the markup is that of the template, whatever a list says', async (t) => {
  const allowed = new Set(
    'html head title meta body div table tbody thead tr td th caption a h1 h2 h3 p span b i br ul li'.split(' '),
  );
  const clean = readMarkup((await renderNotice(aNotice(), en)).html);
  const evil: ListDocument = {
    ...after,
    introduction: names.join('\n'),
    subProcessors: names.map((name, index) => ({
      id: `vendor-${index}`,
      name,
      purposes: [name],
      securityMeasures: names,
      website: 'https://vendor.example/?id=2a94&x=3D&y=a_b*c',
      notes: names.join('\n'),
    })),
  };
  for (const company of ['Example Company', ...names]) {
    const version = { message: names.join('\n\n'), emergency: true, reason: names.join(' ') };
    const { subject, html, text } = await renderNotice(aNotice({ after: evil, company, version }), en);
    const markup = readMarkup(html);
    t.same(markup.unbalanced, [], company);
    const known = new Set(clean.elements.flatMap(({ attributes }) => Object.keys(attributes)));
    for (const { name, attributes } of markup.elements) {
      if (!allowed.has(name)) t.fail(`<${name}> with ${company}`);
      for (const attribute of Object.keys(attributes)) if (!known.has(attribute)) t.fail(`${attribute} of <${name}>`);
    }
    for (const name of names) {
      if (!plain(markup.text).includes(squeezed(name))) t.fail(`HTML lacks ${encodeURI(name)}`);
      if (!plain(text).includes(squeezed(name))) t.fail(`text lacks ${encodeURI(name)}`);
    }
    t.notMatch(subject, /[\r\n]/);
    t.ok(subject.length <= 250);
    t.ok(text.split('\n').some((line) => line.trim() === 'https://vendor.example/?id=2a94&x=3D&y=a_b*c'));
  }
});

t.test('a table of facts is a real data table, and the mail says its language and title', async (t) => {
  const { html, subject } = await renderNotice(aNotice(), de);
  const { elements } = readMarkup(html);
  t.match(
    elements.find(({ name }) => name === 'html'),
    { attributes: { lang: 'de', dir: 'ltr' } },
  );
  t.ok(html.includes(`<title>${subject}</title>`));
  for (const { name, attributes } of elements) {
    if (name === 'th' && !['row', 'col', 'rowgroup'].includes(attributes.scope ?? '')) t.fail('a th without scope');
    if (name === 'img' || attributes.src || attributes.background) t.fail('something that is loaded');
  }
  const data = html.split('<table').filter((table) => table.includes('<caption'));
  t.ok(data.length >= 7);
  t.notOk(data.some((table) => table.slice(0, table.indexOf('>')).includes('role=')));
  t.notMatch(html, /@import|url\(|<link|fonts\.googleapis/);
  t.match(html, /<meta name="color-scheme" content="light dark">/);
});

t.test('an emergency, an immediate and a withdrawn version say what they are', async (t) => {
  const at = new Date('2027-01-29T10:00:00Z');
  const emergency = await renderNotice(
    aNotice({ version: { emergency: true, reason: 'The vendor has gone out of business.', effectiveAt: at } }),
    en,
  );
  t.match(emergency.subject, /^Emergency replacement: 2 sub-processors added/);
  for (const part of [emergency.text, readMarkup(emergency.html).text]) {
    t.match(part, /In effect since/);
    t.match(part, /Reason: The vendor has gone out of business\./);
    t.match(part, /The changes apply already/);
  }

  const quiet = await renderNotice(
    aNotice({ version: { effectiveAt: at, objectionDeadline: null, message: null } }),
    de,
  );
  t.match(quiet.subject, /bereits in Kraft/);
  t.notMatch(quiet.text, /SO WIDERSPRECHEN SIE|objections/);
  t.match(quiet.text, /keine, denn keine der Änderungen eröffnet eine Widerspruchsfrist/);

  const withdrawn = await renderNotice(
    aNotice({ kind: 'withdrawal', version: { withdrawalReason: 'The contract was not signed.' } }),
    en,
  );
  t.match(withdrawn.subject, /^Withdrawn: version 4 of the sub-processor list will not take effect/);
  for (const part of [withdrawn.text, readMarkup(withdrawn.html).text]) {
    t.match(part, /They will not take effect/);
    t.match(part, /Reason: The contract was not signed\./);
    t.match(plain(part), /What had been announced: 2 sub-processors added, 1 removed/);
    t.notMatch(part, /How to object/i);
  }

  const later = await renderNotice(aNotice({ version: { objectionDeadline: new Date('2027-04-01T00:00:00Z') } }), en);
  t.match(later.text, /31 March 2027, 24:00 UTC/);
  t.match(later.text, /An objection is in time until the deadline all the same/);
});

t.test('the first notice of a list has no comparison to link to', async (t) => {
  const { html, text } = await renderNotice(aNotice({ baseVersion: null, before: null }), en);
  t.notMatch(html + text, /compare/);
  t.match(text, /See version 4 in full:\nhttps:\/\/trust\.example\.org\/versions\/4\n/);
});

t.test('Arabic names keep their place and their letters', async (t) => {
  const { html, text } = await renderNotice(aNotice(), en);
  t.ok(html.includes('<h3><span dir="auto">شركة أمثلة &lt;b&gt;المحدودة&lt;/b&gt;</span></h3>'));
  t.ok(text.includes('New sub-processor: \u2068شركة أمثلة <b>المحدودة</b>\u2069'));
});

const longMeasure = '安全措施与加密'.repeat(215).slice(0, 1_500);

function manyVendors(count: number, of: (index: number) => Partial<SubProcessor>): ListDocument {
  const dataCategories = Array.from({ length: 12 }, (_, index) => ({
    id: `category-${index}`,
    name: `data category ${index}`,
  }));
  return {
    title: 'Sub-processors',
    dataSubjects: [{ id: 'members', name: 'Members', dataCategories }],
    subProcessors: Array.from({ length: count }, (_, index) => ({
      id: `vendor-${index}`,
      name: `Vendor number ${index} GmbH`,
      ...of(index),
    })),
  };
}

const dozen = { members: Array.from({ length: 12 }, (_, index) => `category-${index}`) };

/** What case 23 of the known faults asks for, measured. */
async function measured(was: ListDocument, is: ListDocument) {
  const input = aNotice({ before: was, after: is });
  await renderNotice(aNotice(), en);
  const started = process.cpuUsage();
  const { html, text } = await renderNotice(input, en);
  const { user, system } = process.cpuUsage(started);
  return { html, text, changes: input.changes, seconds: (user + system) / 1e6, shown: readMarkup(html).text };
}

t.test('60 changed sub-processors fit into a mail with all that changed', async (t) => {
  const was = manyVendors(60, () => ({
    purposes: ['Hosting'],
    securityMeasures: ['ISO 27001'],
    dataLocations: ['Oslo'],
  }));
  const is = manyVendors(60, () => ({
    purposes: ['Hosting', 'Support'],
    securityMeasures: ['SOC 2'],
    dataLocations: ['Bergen'],
    dataCategories: { members: ['category-1', 'category-2'] },
  }));
  const { html, text, shown } = await measured(was, is);
  t.ok(Buffer.byteLength(html) < 100_000, `${Buffer.byteLength(html)} bytes`);
  for (let index = 0; index < 60; index += 1) {
    if (!shown.includes(`Vendor number ${index} GmbH`)) t.fail(`HTML lacks vendor ${index}`);
    if (!text.includes(`Vendor number ${index} GmbH\n`)) t.fail(`text lacks vendor ${index}`);
  }
  t.equal(shown.split('Bergen').length, 61, 'each in full');
  t.equal(text.split('Bergen').length, 61);
});

t.test(
  'what is too much for a mail is named or counted, the same in both parts, and links stay within reach',
  async (t) => {
    const cases = [
      { count: 180, of: (index: number) => (index % 3 === 0 ? longMeasure : 'measure '.repeat(187)) },
      { count: 180, of: () => longMeasure },
      { count: 5_000, of: () => 'Encryption' },
      { count: 5_000, of: () => longMeasure.slice(0, 300) },
    ];
    for (const { count, of } of cases) {
      const was = manyVendors(count, () => ({
        purposes: ['Hosting'],
        securityMeasures: ['ISO 27001'],
        dataCategories: { members: ['category-0'] },
      }));
      const is = manyVendors(count, (index) => ({
        purposes: ['Support'],
        securityMeasures: [of(index)],
        dataCategories: dozen,
      }));
      const { html, text, changes, seconds, shown } = await measured(was, is);
      const size = encodedSize(html) + encodedSize(text);
      const label = `${count} vendors, ${Buffer.byteLength(html)} bytes of HTML, ${size} in all, ${seconds} s`;
      t.ok(Buffer.byteLength(html) < 100_000 && size < 295_000, label);
      t.ok(html.indexOf('/unsubscribe/') > 0);
      t.ok(html.indexOf('/compare/3...4') < 20_000, 'the comparison is above the fold');
      t.ok(seconds < 1, label);

      for (const part of [shown, text]) {
        const named = changes.filter(
          ({ kind, name }) => kind.startsWith('sub-processor') && part.includes(`${name}`),
        ).length;
        const columns = changes.filter(({ kind }) => kind === 'list-changed').length;
        const more = Number(/and ([\d,]+) more changes?\b/.exec(part)?.[1]?.replace(',', '') ?? 0);
        t.ok(named > 20, `${named} are named`);
        // "Vendor number 1 GmbH" is no part of "Vendor number 11 GmbH", so this counts exactly.
        t.ok(Math.abs(named + more - (changes.length - columns)) <= columns, `${named} named and ${more} counted`);
      }
    }
  },
);

t.test('long values are whole while there is room, and say that they are cut when there is not', async (t) => {
  const purpose = `R&D "A/B" tests > 5 % — it's`;
  const measure = 'x'.repeat(4_000);
  const lines = '.\n..\nFrom me\n.dot';
  const is = {
    ...before,
    subProcessors: [
      ...before.subProcessors,
      { id: 'long', name: 'Long', purposes: [purpose], securityMeasures: [measure], notes: lines },
    ],
  };
  const { html, text } = await renderNotice(aNotice({ after: is }), en);
  const shown = readMarkup(html).text;
  for (const part of [shown, text]) {
    t.ok(part.includes(purpose));
    t.ok(part.includes(measure));
    t.ok(plain(part).includes(squeezed(lines)));
  }

  const was = manyVendors(100, () => ({}));
  const cut = await measured(
    was,
    manyVendors(100, () => ({ notes: 'note '.repeat(1_000) })),
  );
  t.match(cut.text, /… \(shortened\)/);
  t.match(cut.shown, /… \(shortened\)/);
});

t.test('a summary counts vendors, not entries, and tells wording apart', async (t) => {
  const one = { ...before, subProcessors: before.subProcessors.slice(0, 1) };
  const products = ['Mail', 'Storage'].map((product) => ({ id: product.toLowerCase(), name: 'Cloud Co', product }));
  const added = diffLists(one, { ...one, subProcessors: [...one.subProcessors, ...products] }).changes;
  t.equal(summarise(added, en), '1 sub-processor added');
  const [mail, storage] = products;
  const more = diffLists(
    { ...one, subProcessors: [mail ?? products[0]].flatMap((entry) => entry ?? []) },
    { ...one, subProcessors: [mail, storage].flatMap((entry) => entry ?? []) },
  ).changes;
  t.equal(summarise(more, en), '1 entry of a known vendor added');
  t.equal(summarise([], en), 'No changes');
  const worded = diffLists(one, {
    ...one,
    subProcessors: one.subProcessors.map((entry) => ({ ...entry, address: 'Example Street 1' })),
  }).changes;
  t.equal(summarise(worded, de), '1 redaktionelle Änderung');
});

t.test('an account names what ids stand for, marks special categories, and tells a new column once', async (t) => {
  const was = manyVendors(3, () => ({ purposes: ['Hosting'] }));
  const is = manyVendors(3, (index) => ({ purposes: ['Hosting'], transferMechanisms: [`SCC ${index}`] }));
  const account = describe(diffLists(was, is).changes, namesOf(was, is), en);
  const items = account.groups.flatMap((group) => group.items);
  t.equal(items.length, 1);
  t.match(items[0], {
    heading: 'The list as a whole',
    differences: [
      {
        label: 'Transfer mechanism of every sub-processor',
        how: 'stated',
        before: null,
        after: ['Vendor number 0 GmbH: SCC 0', 'Vendor number 1 GmbH: SCC 1', 'Vendor number 2 GmbH: SCC 2'],
      },
    ],
  });

  const special = {
    ...after,
    subProcessors: [{ id: 'caterer', name: 'Caterer', dataCategories: { members: ['health', 'name'] } }],
  };
  const facts = describe(diffLists(before, special).changes, namesOf(before, special), en).groups[0]?.items[0]?.facts;
  t.same(facts?.find(({ field }) => field === 'dataCategories.members')?.values, [
    'dietary needs (special category (Art. 9 or 10 GDPR))',
    'name',
  ]);
  const anchors = describe(diffLists(before, after).changes, namesOf(before, after), en).groups.flatMap(({ items }) =>
    items.map(({ anchor }) => anchor),
  );
  t.equal(new Set(anchors).size, anchors.length);
});

t.test('whatever changed between two lists is said in both parts', async (t) => {
  let items = 0;
  await fc.assert(
    fc.asyncProperty(anyList, anyList, async (was, is) => {
      const input = aNotice({ before: was, after: is });
      const account = describe(input.changes, namesOf(was, is), en);
      const all = account.groups.flatMap((group) => group.items);
      t.same(new Set(all.map(({ change }) => change)), new Set(input.changes));
      const { html, text } = await renderNotice(input, en);
      const markup = readMarkup(html);
      t.same(markup.unbalanced, []);
      for (const part of [markup.text, text]) {
        const shown = plain(part);
        for (const item of all) {
          const said = [
            item.heading,
            item.label,
            ...item.facts.flatMap(({ label, values }) => [label, ...values]),
            ...item.differences.flatMap(({ label, before, after, added, removed }) =>
              added.length + removed.length > 0 && before !== null && after !== null
                ? [label, ...added, ...removed]
                : [label, ...(before ?? ['not stated']), ...(after ?? ['no longer stated'])],
            ),
          ];
          items += 1;
          for (const word of said) if (!shown.includes(plain(word).trim())) t.fail(encodeURI(word));
        }
      }
    }),
    { numRuns: 25 },
  );
  t.ok(items > 200, `${items} items`);
});

/** Indentation and blank lines of the HTML put aside, so that a change of wording is a line of the diff. */
function readable(part: string): string {
  return part.startsWith('<') || part.includes('<html')
    ? `${part
        .replace(/<(\/?)(tr|h1|h2|h3|table|div class|tbody|p|caption)\b/g, '\n<$1$2')
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '')
        .join('\n')}\n`
    : part;
}
