/*
 * An invented list whose second version makes a notice of the size that real ones have, about 28 KB on
 * the wire.
 */

const people = [{ id: 'customers', name: 'Customers', dataCategories: categories() }];

/** The list before the change. */
export const listBefore = {
  title: 'Sub-processors',
  introduction: 'Vendors that process personal data for us.',
  dataSubjects: people,
  subProcessors: Array.from({ length: 20 }, (_, index) => vendor(index)),
};

/** The list after it: seven vendors more. */
export const listAfter = {
  ...listBefore,
  subProcessors: Array.from({ length: 27 }, (_, index) => vendor(index)),
};

function categories() {
  return ['name', 'email address', 'telephone number', 'IP address', 'messages', 'invoices', 'location', 'device'].map(
    (name) => ({ name, purpose: `To provide the service (${name})`, legalBasis: 'Contract', retention: '3 years' }),
  );
}

function vendor(index: number) {
  const number = String(index + 1).padStart(2, '0');
  return {
    id: `vendor-${number}`,
    name: `Example Vendor ${number} Ltd.`,
    address: `${index + 1} Sample Street, 1000 Sampletown`,
    country: index % 3 === 0 ? 'US' : 'DE',
    purposes: [`Hosting of part ${number} of the platform`, 'Support of its users by telephone and mail'],
    dataLocations: ['Frankfurt', 'Dublin', 'Virginia'],
    securityMeasures: ['Encryption at rest and in transit', 'Access by two factors', 'Certified by ISO 27001'],
    transferMechanisms: ['SCC 2021/914 module 3'],
    dataCategories: { customers: ['name', 'email-address', 'telephone-number', 'ip-address', 'messages'] },
  };
}
