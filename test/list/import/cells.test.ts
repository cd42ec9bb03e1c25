import t from 'tap';
import { identify } from '../../../src/list/identity.js';
import type { Cell } from '../../../src/list/import/tables.js';
import { build, catalogue, codesOf, leftOf, one, type Text, tableOf } from './build-support.js';

/*
 * What becomes of the cells of a table.
 */

t.test('values of one cell are parted as lists are', async (t) => {
  const places = (text: Text) => one(['Company', 'Location'], ['Acme', text]).entry?.dataLocations;
  t.strictSame(places('USA, Germany, and Ireland'), ['USA', 'Germany', 'Ireland']);
  t.strictSame(places('US / Canada'), ['US', 'Canada']);
  t.strictSame(places('United States or EU'), ['United States', 'EU']);
  t.strictSame(places('Amsterdam, Netherlands'), ['Amsterdam, Netherlands']);
  t.strictSame(places('Frankfurt, Germany, Dublin, Ireland'), ['Frankfurt, Germany', 'Dublin, Ireland']);
  t.strictSame(places('San Francisco, CA, USA'), ['San Francisco, CA, USA']);
  t.strictSame(places('USA (US Cloud) or Germany (EU Cloud)'), ['USA (US Cloud)', 'Germany (EU Cloud)']);
  t.strictSame(places('United States (global edge)'), ['United States (global edge)']);
  t.strictSame(places('Trinidad and Tobago'), ['Trinidad and Tobago']);
  t.strictSame(places('Deutschland\nIrland'), ['Deutschland', 'Irland']);
  t.strictSame(places('Worldwide'), ['Worldwide']);
  const purposes = (text: Text, target?: 'purposes+commas') =>
    one(['Company', 'Purpose'], ['Acme', text], target && { columns: ['name', target] }).entry?.purposes;
  t.strictSame(purposes('Hosting; Backups'), ['Hosting', 'Backups']);
  t.strictSame(purposes('Hosting / Backups'), ['Hosting', 'Backups']);
  t.strictSame(purposes('- Hosting\n- Backups'), ['Hosting', 'Backups']);
  t.strictSame(purposes('Process/product management, hosting'), ['Process/product management, hosting']);
  t.strictSame(purposes('Mail (in, out), hosting, and chat', 'purposes+commas'), ['Mail (in, out)', 'hosting', 'chat']);
  const data = (text: Text) =>
    one(['Company', 'Data'], ['Acme', text]).built.list.dataSubjects[0]?.dataCategories?.map(({ name }) => name);
  t.strictSame(data('Name, E-Mail-Adresse und Telefonnummer'), ['Name', 'E-Mail-Adresse', 'Telefonnummer']);
  t.strictSame(data('name, device and browser.'), ['name', 'device and browser']);
  t.strictSame(data('name, which you state, and email'), ['name, which you state', 'email']);
  const mechanisms = (text: Text) => one(['Company', 'Safeguards'], ['Acme', text]).entry?.transferMechanisms;
  t.strictSame(mechanisms('SCCs, Module 3, DPF'), ['SCCs, Module 3', 'DPF']);
  t.strictSame(mechanisms('None'), []);
});

t.test('countries become codes, in either language, and stay what they are where none is named', async (t) => {
  const country = (text: string) =>
    one(['Company', 'Country'], ['Acme', text], { columns: ['name', 'country'] }).entry?.country;
  const texts =
    'USA;United States;US;UK;United Kingdom;EU;Deutschland;Germany (Munich);Munich, Germany;The Netherlands';
  t.strictSame(texts.split(';').map(country), ['US', 'US', 'US', 'GB', 'GB', 'EU', 'DE', 'DE', 'DE', 'NL']);
  t.equal(country('Atlantis'), undefined);
  t.strictSame(one(['Company', 'Remote access'], ['Acme', 'India, UK']).entry?.accessLocations, ['IN', 'GB']);
});

t.test('name, flag and address are told apart', async (t) => {
  const parts = (text: Text) => {
    const { built, entry } = one(['Company', 'Purpose'], [text, 'Mail'], { columns: ['name+address', 'purposes'] });
    return [entry?.name, entry?.optional, entry?.address, entry?.country, codesOf(built).includes('name-guessed')];
  };
  t.strictSame(parts('Twilio Inc. Optional 375 Beale Street, San Francisco, CA 94105'), [
    'Twilio Inc.',
    true,
    '375 Beale Street, San Francisco, CA 94105',
    undefined,
    false,
  ]);
  t.strictSame(parts('Amazon Web Services EMEA S.à r.l. 38 Avenue John F. Kennedy, Luxembourg'), [
    'Amazon Web Services EMEA S.à r.l.',
    undefined,
    '38 Avenue John F. Kennedy, Luxembourg',
    'LU',
    false,
  ]);
  t.strictSame(parts('Bolt GmbH, Hauptstraße 5, 10115 Berlin, Deutschland'), [
    'Bolt GmbH',
    undefined,
    'Hauptstraße 5, 10115 Berlin, Deutschland',
    'DE',
    false,
  ]);
  t.strictSame(parts('Startdeliver Kungsgatan 33, 111 56 Stockholm, Sweden'), [
    'Startdeliver',
    undefined,
    'Kungsgatan 33, 111 56 Stockholm, Sweden',
    'SE',
    true,
  ]);
  t.strictSame(parts('Acme\n12 Main Street\nDublin, Ireland'), [
    'Acme',
    undefined,
    '12 Main Street\nDublin, Ireland',
    'IE',
    false,
  ]);
  t.strictSame(parts('Auth0 Inc.'), ['Auth0 Inc.', undefined, undefined, undefined, false]);
});

t.test('links become website, agreement and further links', async (t) => {
  const cell: Cell = {
    text: 'Acme',
    items: [],
    links: [
      { label: 'Acme', url: 'https://acme.example' },
      { label: 'Acme', url: 'https://acme.example/more' },
    ],
    strong: null,
  };
  const { entry, left } = one(
    ['Company', 'DPA', 'Privacy policy', 'Purpose'],
    [cell, 'https://acme.example/dpa', 'Policy: https://acme.example/p', 'Mail'],
  );
  t.equal(entry?.website, 'https://acme.example');
  t.equal(entry?.dpaUrl, 'https://acme.example/dpa');
  t.strictSame(entry?.links, [
    { label: 'Acme', url: 'https://acme.example/more' },
    { label: 'Policy', url: 'https://acme.example/p' },
  ]);
  t.strictSame(left, []);
  t.equal(one(['Company', 'Website'], ['Acme', 'www.acme.example']).entry?.website, 'https://www.acme.example');
  const hostile: Cell = { text: 'x', items: [], links: [{ label: 'x', url: 'javascript:alert(1)' }], strong: null };
  t.strictSame(one(['Company', 'Website'], ['Acme', hostile]).left, ['not-an-address: x', 'rest: javascript:alert(1)']);
});

t.test('data categories are found in the catalogue, by kind, and added where it lacks them', async (t) => {
  const vendors = tableOf(
    ['Company', 'Data Categories'],
    [
      ['Acme', 'Advocates: name, phone\nManagers: name'],
      ['Bolt', 'name, chat'],
      ['Cog', 'Advocatesname email addressManagersname chat'],
    ],
  );
  const built = build([
    vendors,
    catalogue(['Advocates'], ['name', 'email address']),
    catalogue(['Managers'], ['name', 'chat']),
  ]);
  t.strictSame(
    built.list.subProcessors.map(({ dataCategories }) => dataCategories),
    [
      { advocates: ['name', 'phone'], managers: ['name'] },
      { managers: ['chat'] },
      { advocates: ['name', 'email-address'], managers: ['name', 'chat'] },
    ],
  );
  t.strictSame(leftOf(built), ['several-kinds: name']);
  t.strictSame(codesOf(built), ['category-made']);
  const understood = built.rows[0]?.understood.find(({ value }) => value === 'phone');
  t.strictSame(understood, { field: 'dataCategories.Advocates', value: 'phone', column: 1, text: 'phone' });
});

t.test('whose data it is may stand in a column, and "None" is a statement', async (t) => {
  const built = build([
    tableOf(
      ['Company', 'Data subjects', 'Data'],
      [
        ['Acme', 'Customers and Employees', 'name'],
        ['Bolt', 'Customers', 'None'],
      ],
    ),
  ]);
  t.strictSame(
    built.list.dataSubjects.map(({ name }) => name),
    ['Customers', 'Employees'],
  );
  t.strictSame(
    built.list.subProcessors.map(({ dataCategories }) => dataCategories),
    [{ customers: ['name'], employees: ['name'] }, { customers: [] }],
  );
});

t.test('a vendor that stands several times is joined only where its rows say the same', async (t) => {
  const under = (heading: string, rows: Text[][]) => tableOf(['Company', 'Location'], rows, { headings: [heading] });
  const built = build([
    under('Storage', [
      ['Acme', 'US'],
      ['Bolt', 'EU'],
    ]),
    under('Mail', [
      ['Acme', 'US'],
      ['Bolt', 'US'],
    ]),
  ]);
  t.strictSame(built.list.subProcessors, [
    { name: 'Acme', dataLocations: ['US'], purposes: ['Storage', 'Mail'] },
    { name: 'Bolt', dataLocations: ['EU'], purposes: ['Storage'] },
    { name: 'Bolt', dataLocations: ['US'], purposes: ['Mail'] },
  ]);
  t.strictSame(
    built.rows.map(({ entry }) => entry?.index),
    [0, 1, 0, 2],
  );
});

t.test('who engages whom is found by name, and no circle closes', async (t) => {
  const built = build([
    tableOf(
      ['Company', 'Engaged by'],
      [
        ['Acme', 'Bolt'],
        ['Bolt', 'Acme'],
        ['Cog', 'Nobody'],
        ['Dot', 'Bolt'],
      ],
    ),
  ]);
  t.strictSame(
    built.list.subProcessors.map(({ parent }) => parent),
    ['bolt', undefined, undefined, 'bolt'],
  );
  t.strictSame(leftOf(built), ['not-accepted: Acme', 'unknown-entry: Nobody']);
  t.equal(identify(built.list).subProcessors.length, 4);
});
