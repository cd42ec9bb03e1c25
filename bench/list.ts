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

/**
 * A long list as it stood at its nth version: 2,000 vendors, four kinds of people with forty data categories each.
 * From one version to the next a vendor comes, one goes, and one says something else.
 */
export function longList(number: number) {
  return {
    title: 'Sub-processors',
    introduction: 'Vendors that process personal data for us.',
    dataSubjects: ['customers', 'visitors', 'employees', 'applicants'].map((id) => ({
      id,
      name: id,
      dataCategories: Array.from({ length: 40 }, (_, index) => ({
        id: `category-${index}`,
        name: `data category ${index}`,
        purpose: 'To provide the service',
        legalBasis: 'Contract',
        retention: '3 years',
      })),
    })),
    subProcessors: Array.from({ length: 2_000 }, (_, index) => {
      const [which, changed] = [index + number, index === 500 ? `Support as of version ${number}` : 'Support of users'];
      const given = Array.from({ length: 6 }, (_, at) => `category-${(which + at) % 40}`);
      return {
        ...vendor(which),
        purposes: [`Hosting of part ${which}`, changed],
        dataCategories: { customers: given, visitors: given.slice(0, 3) },
      };
    }),
  };
}

/** A list with as many sub-processors as one may have, each saying what most lists say. */
export function largestList() {
  const dataCategories = Array.from({ length: 40 }, (_, index) => ({
    id: `category-${index}`,
    name: `data category ${index}`,
    optional: index % 3 === 0,
    purpose: 'To provide the service',
    legalBasis: 'Contract',
    retention: '3 years',
  }));
  return {
    title: 'Sub-processors',
    introduction: 'Vendors that process personal data for us.',
    services: [
      { id: 'community', name: 'Community' },
      { id: 'surveys', name: 'Surveys' },
    ],
    dataSubjects: [
      { id: 'customers', name: 'Customers', dataCategories },
      { id: 'visitors', name: 'Visitors', dataCategories },
    ],
    subProcessors: Array.from({ length: 5_000 }, (_, index) => ({
      id: `vendor-${index}`,
      name: `Example Vendor ${index} Ltd.`,
      country: ['US', 'DE', 'FR', 'IE'][index % 4],
      address: `${index} Sample Street, 1000 Sampletown`,
      group: ['Infrastructure', 'Mail', 'Support'][index % 3],
      purposes: [`Hosting of part ${index}`],
      dataLocations: ['Frankfurt, Germany', 'Dublin'],
      services: ['community'],
      dataCategories: {
        customers: ['category-1', 'category-2', 'category-3', `category-${4 + (index % 36)}`],
        visitors: ['category-4'],
      },
    })),
  };
}
