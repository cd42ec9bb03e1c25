import t from 'tap';
import { suggestMapping } from '../../../src/list/import/mapping.js';
import { build, catalogue, known, sourceOf, type Text, tableOf } from './build-support.js';

/*
 * What tables and columns are taken for, and what a mapping by hand does.
 */

t.test('columns are recognised in the spellings met in practice', async (t) => {
  const spellings: Record<string, string> = {
    name: `Company; Name; Entity Name; Name of Subprocessor; Name of
      Subprocessor; Sub-processor; Sub-Processor; Subprocessor; Supplier; Service provider; Vendor; Firma; Anbieter;
      Unterauftragsverarbeiter; Name des Unterauftragnehmers; Dienstleister; Sous-traitant; Proveedor; Subverwerker`,
    purposes: `Purpose; Purpose of Processing; Processing Purpose; Processing Activities; Description of Processing;
      Description/Purpose; Function; Entity type; Service Purpose; Role / Purpose; Nature and purpose of processing;
      Service category / What they do; reason; Zweck; Zweck der Verarbeitung; Art und Zweck der Verarbeitung; Leistung;
      Finalité du traitement`,
    dataLocations: `Location; Location of Processing; Location of Subprocessors; Data Location; Geographic Location; Region;
      Typical Processing Location(s); Standort; Ort der Verarbeitung; Serverstandort; dataLocation`,
    country: 'Country; Entity Country; Entity Location; Corporate Location; Land; Sitz; Sitz des Unternehmens; Pays',
    dataCategories: `Data Categories; Data; Data processed; Customer data involved; Example Data Processed; Data category;
      Type of Personal Data; dataTypes; dataCategories; Datenkategorien; Kategorien personenbezogener Daten; Art der Daten`,
    dataSubject: 'Categories of Data Subjects; Data subjects; Betroffene Personen; Kategorien betroffener Personen',
    transferMechanisms: `Transfer Mechanism; Legal basis; Safeguards; International Transfer; transferMechanism; Garantien;
      Drittlandtransfer; Rechtsgrundlage`,
    securityMeasures: `Security Measures (TOM); Supplemental Measures; TOMs; Technische und organisatorische Maßnahmen`,
    duration: 'Duration; duration; Laufzeit; Dauer der Verarbeitung',
    product: 'Products; Product used; Produkt',
    services: 'Applicable Service(s); Relevant Services; Unsere Dienste',
    website: 'Website; Link; URL; Webseite',
    dpaUrl: 'DPA; AVV; Data Processing Agreement',
    links: 'External links; Privacy policy; Privacy / Security; Datenschutzerklärung',
    address: 'Address; Registered address; Anschrift; Adresse',
    contact: 'Contact; Contact Details; Kontakt; Ansprechpartner',
    notes: 'Notes; note; Bemerkungen; Anmerkung',
    condition: 'Condition; Bedingung',
    optional: 'Optional; Required',
    parent: 'Engaged by',
    relationship: 'Affiliate or third party',
  };
  const wrong: string[] = [];
  for (const [target, headings] of Object.entries(spellings)) {
    for (const heading of headings.split(';')) {
      const isName = target === 'name';
      const columns = isName ? [heading, 'Purpose'] : ['Company', heading];
      const mapping = suggestMapping(sourceOf([tableOf(columns, [['Acme Inc.', '']])]), null);
      const [{ use, columns: targets } = { use: null, columns: [] }] = mapping.tables;
      const found = targets[isName ? 0 : 1];
      if (found !== target || use !== 'sub-processors') wrong.push(`${heading.trim()}: ${found} (${use})`);
    }
  }
  t.strictSame(wrong, []);
});

t.test('a catalogue is told from a list of companies, in English and German', async (t) => {
  for (const [columns, expected] of [
    [
      ['Data', 'Purpose/Description', 'Lawfulness', 'Source', 'Retention Period'],
      ['name', 'purpose+description+example', 'legalBasis', 'source', 'retention'],
    ],
    [
      ['Datenkategorie', 'Zweck', 'Rechtsgrundlage', 'Herkunft', 'Speicherdauer'],
      ['name', 'purpose', 'legalBasis', 'source', 'retention'],
    ],
  ] as const) {
    const source = sourceOf([tableOf([...columns], [['name', 'x', 'y', 'z', '2 years']], { headings: ['Advocates'] })]);
    t.strictSame(suggestMapping(source, null).tables, [
      { use: 'data-categories', headingAs: 'dataSubject', columns: expected },
    ]);
  }
  t.equal(suggestMapping(sourceOf([tableOf(['Date', 'Change'], [['2024', 'x']])]), null).tables[0]?.use, 'ignore');
});

t.test('columns say what they are by their cells where headings do not', async (t) => {
  const columnsOf = (columns: string[], rows: Text[][]) =>
    suggestMapping(sourceOf([tableOf(columns, rows)]), null).tables[0]?.columns;
  t.strictSame(columnsOf(['', '', '', ''], [['Acme', 'Hosting', 'Germany', 'https://acme.example']]), [
    'name',
    'purposes',
    'dataLocations',
    'website',
  ]);
  t.strictSame(columnsOf(['Company', 'Country'], [['Acme', 'Germany, Ireland']]), ['name', 'dataLocations']);
  t.strictSame(columnsOf(['name', 'service', 'purpose'], [['Acme', 'Acme Mail', 'Mail']]), [
    'name',
    'product',
    'purposes',
  ]);
  t.strictSame(
    suggestMapping(
      sourceOf([tableOf(['Subprocessor', 'Purpose', 'Relevant Acme Services'], [['Bolt', 'Mail', 'Chat']])], {
        title: 'Acme subprocessors',
      }),
      null,
    ).tables[0]?.columns,
    ['name', 'purposes', 'services'],
  );
});

t.test('a mapping by hand decides, whatever the headings say', async (t) => {
  const built = build(
    [
      tableOf(
        ['A', 'B', 'C', 'Required'],
        [
          ['x', 'Acme', 'Storage', 'yes'],
          ['y', 'Bolt', 'Mail', 'no'],
        ],
        { headings: ['Chat'] },
      ),
    ],
    [{ use: 'sub-processors', headingAs: 'services', columns: ['ignore', 'name', 'group', 'optional'] }],
  );
  t.strictSame(built.list.services, [{ id: 'chat', name: 'Chat' }]);
  t.strictSame(built.list.subProcessors, [
    { name: 'Acme', group: 'Storage', optional: false, services: ['chat'] },
    { name: 'Bolt', group: 'Mail', optional: true, services: ['chat'] },
  ]);
});

t.test('what a source does not speak of goes on as it is', async (t) => {
  const onlyVendors = build([tableOf(['Company', 'Data'], [['Bolt', 'name, phone']])], undefined, known);
  t.strictSame(onlyVendors.list.dataSubjects, [
    {
      id: 'people',
      name: 'People',
      dataCategories: [
        { id: 'name', name: 'name' },
        { id: 'phone', name: 'phone' },
      ],
    },
  ]);
  t.strictSame(onlyVendors.list.services, known.services);
  const onlyCatalogue = build([catalogue(['People'], ['name', 'age'])], undefined, known);
  t.strictSame(onlyCatalogue.list.subProcessors, known.subProcessors);
});
