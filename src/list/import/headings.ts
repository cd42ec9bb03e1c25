import { plainText } from '../plain.js';
import type { ColumnTarget } from './mapping.js';

/*
 * PURE. How columns are called in lists that companies publish, most from the lists that were read for it,
 * in English and German, some in French, Spanish, Italian and Dutch. A new spelling is one more word here.
 */

type Spellings = Readonly<Partial<Record<ColumnTarget, string>>>;

/** Parted by commas; in the form that `headingWords` gives. */
const subProcessorSpellings: Spellings = {
  name: `name, company, company name, entity, entity name, name of entity, vendor, vendor name, supplier, supplier name,
    provider, provider name, service provider, third party, third party service provider, third party name, organisation,
    organization, sub processor, subprocessor, sub processors, subprocessors, sub processor name, subprocessor name,
    name of subprocessor, name of sub processor, name of the subprocessor, name of the sub processor, sub processor entity,
    subprocessor entity, sub processor company, subprocessor company, name of company, data processor, processor,
    name of processor, partner, affiliate, affiliate name, affiliates, firma, firmenname, unternehmen, unternehmensname,
    name des unternehmens, anbieter, dienstleister, name des dienstleisters, unterauftragsverarbeiter,
    unterauftragnehmer, unterauftragsverarbeiterin, name des unterauftragsverarbeiters, subunternehmer,
    subunternehmen, subdienstleister, subauftragnehmer, auftragsverarbeiter, auftragnehmer, bezeichnung,
    gesellschaft, firma name, sous traitant, sous traitants, sous traitant ultérieur, nom, nom du sous traitant, société,
    entreprise, fournisseur, prestataire, subencargado, encargado, subencargado del tratamiento, empresa, nombre,
    proveedor, sub responsabile, subresponsabile, responsabile, fornitore, azienda, nome, società, subverwerker,
    naam, bedrijf, leverancier, verwerker, underbiträde, leverantör, underdatabehandler`,
  'name+address': `company and address, company name and address, name and address, name address, firma und anschrift,
    name und anschrift, name und adresse, firma adresse, unternehmen anschrift, name anschrift, firma anschrift,
    name anschrift des unterauftragnehmers, name und anschrift des unterauftragnehmers,
    unterauftragnehmer name und anschrift, name and address of subprocessor, name and registered address`,
  'name+product': 'company product, name product, vendor product, firma produkt',
  legalName: `legal name, legal entity, legal entity name, contracting entity, full legal name, registered name,
    vollständiger firmenname, juristische person, rechtsträger`,
  product: `product, products, product used, products used, vendor product, service used, service name, services used, tool,
    tool name, software, application, app, platform, produkt, produkte, anwendung, eingesetztes produkt, dienst des anbieters,
    produit, producto, prodotto, brand, trade name, trading name`,
  purposes: `purpose, purposes, purpose of processing, processing purpose, purposes of processing, purpose s, processing purposes,
    processing activities, processing activity, nature of processing, nature and purpose, nature and purpose of processing,
    nature purpose, subject matter, subject matter and nature of processing, description of processing, description purpose,
    purpose description, description, description of service, description of services, description of services provided, function,
    functions, functionality, entity type, type of service, service type, service purpose, role purpose, role and purpose,
    service category, what they do, service provided, services provided, service description, service, services,
    services performed, use, usage, use case, used for, reason, activity, activities, category, type, purpose of use,
    zweck, zwecke, zweck der verarbeitung, verarbeitungszweck, verarbeitungszwecke, verarbeitungstätigkeit,
    art der verarbeitung, art und zweck der verarbeitung, gegenstand der verarbeitung, leistung, leistungen,
    beschreibung, beschreibung der leistung, leistungsbeschreibung, tätigkeit, aufgabe, funktion, dienstleistung,
    verwendungszweck, einsatzzweck, auftragsinhalt, gegenstand, finalité, finalités, finalité du traitement, objet,
    objet du traitement, description du service, finalidad, finalidades, finalidad del tratamiento, finalità,
    finalità del trattamento, servicio, servizio, doel, doeleinden, doel van de verwerking, syfte, ändamål, formål`,
  dataCategories: `data, data categories, data category, categories of data, categories of personal data, category of data,
    category of personal data, type of personal data, types of personal data, type of data, types of data, data types, data type,
    data processed, personal data, personal data processed, personal data categories, personal data involved,
    customer data involved, customer data, data involved, data shared, data accessed, example data processed,
    processed data, data elements, data fields, datenkategorien, datenkategorie, kategorien von daten, daten,
    kategorien personenbezogener daten, art der daten, arten von daten, datenarten, verarbeitete daten,
    personenbezogene daten, betroffene daten, art der personenbezogenen daten, kategorien der daten,
    données, catégories de données, types de données, données traitées, datos, categorías de datos, tipos de datos,
    dati, categorie di dati, gegevens, persoonsgegevens, categorieën van persoonsgegevens`,
  dataSubject: `data subjects, data subject, categories of data subjects, category of data subjects, data subject categories,
    data subject kind, betroffene, betroffene personen, betroffenengruppen, kategorien betroffener personen,
    kreis der betroffenen, personnes concernées, interesados, interessati, betrokkenen`,
  dataLocations: `location, locations, location s, data location, data locations, location of data, location of processing,
    processing location, processing locations, processing location s, location of processing activities,
    place of processing, location of subprocessor, location of subprocessors, location of sub processors,
    sub processor location, geographic location, geographic locations, geography, region, regions, hosting location,
    hosting region, data hosting location, data center location, data centre location, data center, data centre, data residency,
    storage location, server location, data storage location, where, countries, country of processing, processing country,
    country ies, typical processing location s, location country, jurisdiction, jurisdictions, location of data processing,
    territory, ort, standort, standorte, speicherort, serverstandort, ort der verarbeitung, verarbeitungsort,
    verarbeitungsorte, ort der datenverarbeitung, ort der daten, ort der leistung, datenstandort, rechenzentrum,
    land der verarbeitung, länder, verarbeitungsland, leistungsort, lieu, lieu de traitement, localisation,
    lieu du traitement, localisation des données, ubicación, ubicación de los datos, luogo, luogo del trattamento,
    ubicazione, locatie, plaats, plaats van verwerking, plats, lokation`,
  country: `country, entity country, entity location, company location, corporate location, corporate country, country of establishment,
    country of incorporation, registered country, headquarters, hq, hq location, headquarters location, location of entity,
    place of incorporation, country of registration, entity jurisdiction, land, sitz, firmensitz, unternehmenssitz,
    sitz des unternehmens, sitz land, land des anbieters, pays, país, paese, siège, sede`,
  corporateCountry: `country of parent company, parent company country, parent country, land der muttergesellschaft,
    sitz der muttergesellschaft`,
  accessLocations: `access location, access locations, access from, remote access, remote access from, location of access,
    country of access, fernzugriff, zugriff aus, zugriffsort`,
  regions: `customer region, customer regions, applicable region, applicable regions, customer location, applies to region,
    for customers in, service region, kundenregion, kundenregionen`,
  transferMechanisms: `transfer mechanism, transfer mechanisms, transfer tool, transfer tools, transfer basis, legal basis, legal basis for transfer,
    legal transfer mechanism, data transfer mechanism, international transfer, international transfers,
    international transfer mechanism, cross border transfer mechanism, third country transfer, safeguard, safeguards,
    appropriate safeguards, transfer safeguards, adequacy, adequacy mechanism, lawful transfer mechanism, data transfers,
    übermittlungsgrundlage, übermittlungsinstrument, übermittlungsmechanismus, rechtsgrundlage der übermittlung,
    drittlandtransfer, drittlandübermittlung, drittland, garantien, geeignete garantien, transfermechanismus,
    transferinstrument, rechtsgrundlage, garantien nach art 46, mécanisme de transfert, garanties,
    mecanismo de transferencia, garantías, meccanismo di trasferimento, garanzie, doorgiftemechanisme, waarborgen`,
  securityMeasures: `security measures, security measure, security measures tom, tom, toms, technical and organizational measures,
    technical and organisational measures, technical organizational measures, technical measures, supplemental measures,
    supplementary measures, measures, security, certifications, certification, technische und organisatorische maßnahmen,
    technisch organisatorische maßnahmen, sicherheitsmaßnahmen, maßnahmen, zertifizierungen, mesures de sécurité,
    medidas de seguridad, misure di sicurezza, beveiligingsmaatregelen`,
  optional:
    'optional, optional required, required, mandatory, optional or required, wahlweise, erforderlich, opt in, optionnel',
  condition: `condition, conditions, only if, applies if, applicability, when used, when applicable, bedingung, voraussetzung,
    gilt wenn, nur wenn`,
  services: `applicable service, applicable services, applicable service s, relevant services, our services, our service,
    our product, our products, applicable product, applicable products, used by product, used in, used by, relevant products,
    unser produkt, unsere produkte, unsere dienste, betroffene dienste, betroffenes produkt, genutzt für produkt`,
  relationship: `relationship, relation, affiliate or third party, affiliation, entity relationship, intra group, group company,
    verhältnis, beziehung, konzernunternehmen`,
  group: 'group, section, heading, überschrift, gruppe, abschnitt',
  parent: 'parent, engaged by, sub processor of, subprocessor of, beauftragt durch, beauftragt von',
  duration: `duration, duration of processing, processing duration, retention, retention period, data retention, term, period,
    dauer, dauer der verarbeitung, verarbeitungsdauer, laufzeit, speicherdauer, aufbewahrungsdauer, durée, duración, durata, duur`,
  address: `address, registered address, postal address, company address, business address, registered office, mailing address,
    entity address, corporate address, adresse, anschrift, postanschrift, firmenanschrift, geschäftsadresse, dirección,
    indirizzo, adres, adress`,
  contact: `contact, contact details, contact information, contact person, contact info, privacy contact, dpo, dpo contact,
    data protection officer, e mail, email, contact email, kontakt, kontaktdaten, ansprechpartner, datenschutzbeauftragter,
    coordonnées, contacto, contatto, contactgegevens`,
  website: `website, web site, site, link, url, homepage, web, web address, company website, website url, webseite, internetseite,
    webadresse, internetadresse, site web, sitio web, sito web, sito`,
  dpaUrl: `dpa, dpa link, dpa url, data processing agreement, data processing addendum, data processing terms,
    link to dpa, data protection agreement, avv, av vertrag, adv vertrag, vertrag zur auftragsverarbeitung,
    auftragsverarbeitungsvertrag, avv link`,
  links: `links, external links, privacy policy, privacy, privacy security, privacy notice, privacy link, privacy policy url,
    security link, terms, terms link, terms and conditions, more information, further information, details, more info,
    information, sub processor list, subprocessor list, subprocessors link, trust center, datenschutzerklärung,
    datenschutz, datenschutzhinweise, weitere informationen, mehr informationen, nähere informationen,
    politique de confidentialité, política de privacidad`,
  notes: `notes, note, comment, comments, remarks, remark, additional information, additional notes, anmerkung, anmerkungen,
    bemerkung, bemerkungen, hinweis, hinweise, kommentar, remarques, notas, opmerkingen`,
  id: 'id',
};

const dataCategorySpellings: Spellings = {
  name: `data, name, category, data category, data categories, personal data, type, type of data, type of personal data, data type,
    data element, data field, field, category of data, category of personal data, categories of personal data,
    categories of data, data collected, daten, datenkategorie, datenkategorien, datum, datenart, kategorie,
    art der daten, bezeichnung, personenbezogene daten, kategorie personenbezogener daten, donnée, données`,
  optional: subProcessorSpellings.optional ?? '',
  specialCategory: `special category, special categories, sensitive, sensitive data, special category data,
    besondere kategorie, besondere kategorien, besondere datenkategorie, sensibel`,
  purpose: `purpose, purposes, purpose of processing, processing purpose, reason, zweck, zwecke, zweck der verarbeitung,
    verarbeitungszweck, finalité, finalidad`,
  description: 'description, details, explanation, beschreibung, erläuterung, erklärung',
  example: 'example, examples, beispiel, beispiele, exemple, ejemplo',
  'purpose+description+example': `purpose description, purpose and description, description purpose, purpose description example,
    zweck beschreibung, zweck und beschreibung`,
  legalBasis: `lawfulness, legal basis, lawful basis, legal ground, legal grounds, basis, lawfulness of processing, legal basis for processing,
    rechtsgrundlage, rechtsgrundlagen, rechtmäßigkeit, rechtsgrund, base légale, base jurídica, base giuridica`,
  source:
    'source, sources, data source, origin, collected from, source of data, herkunft, quelle, datenquelle, provenance',
  retention: `retention, retention period, retention time, storage period, data retention, data retention period, duration, kept for,
    deletion, deletion period, speicherdauer, aufbewahrungsdauer, aufbewahrungsfrist, löschfrist, aufbewahrung, dauer,
    durée de conservation, plazo de conservación`,
  dataSubject: subProcessorSpellings.dataSubject ?? '',
};

/** What a column heading most likely means. */
export interface HeadingMatch {
  target: ColumnTarget;
  /** The whole heading is a known spelling, not only a part of it. */
  exact: boolean;
}

export type Vocabulary = ReadonlyMap<string, ColumnTarget>;

export const subProcessorHeadings = vocabularyOf(subProcessorSpellings);
export const dataCategoryHeadings = vocabularyOf(dataCategorySpellings);

function vocabularyOf(spellings: Spellings): Vocabulary {
  const words = new Map<string, ColumnTarget>();
  for (const target of targetsOf(spellings)) {
    for (const spelling of (spellings[target] ?? '').split(',')) {
      const phrase = headingWords(spelling);
      if (phrase !== '' && !words.has(phrase)) words.set(phrase, target);
    }
  }
  return words;
}

function targetsOf(spellings: Spellings): ColumnTarget[] {
  const order: readonly ColumnTarget[] = [
    'name',
    'name+address',
    'name+product',
    'legalName',
    'product',
    'dataCategories',
    'dataSubject',
    'country',
    'corporateCountry',
    'accessLocations',
    'regions',
    'dataLocations',
    'transferMechanisms',
    'securityMeasures',
    'optional',
    'specialCategory',
    'condition',
    'services',
    'relationship',
    'group',
    'parent',
    'legalBasis',
    'retention',
    'source',
    'duration',
    'address',
    'contact',
    'website',
    'dpaUrl',
    'links',
    'notes',
    'id',
    'example',
    'purpose+description+example',
    'purpose',
    'description',
    'purposes',
  ];
  return order.filter((target) => spellings[target] !== undefined);
}

/** The words of a heading: lower case, parted by one blank, keys of data files taken apart. */
export function headingWords(text: string): string {
  return plainText(text.replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2'))
    .replace(/[^\p{L}\p{N}\p{M}]+/gu, ' ')
    .trim();
}

/** Recognises a column heading; null: none of its words says what it is. */
export function matchHeading(text: string, vocabulary: Vocabulary): HeadingMatch | null {
  const words = headingWords(text);
  const whole = vocabulary.get(words);
  if (whole !== undefined) return { target: whole, exact: true };
  const parts = words.split(' ');
  // A sentence is no heading.
  if (words === '' || parts.length > 8) return null;
  for (let length = parts.length - 1; length > 0; length--) {
    for (let from = 0; from + length <= parts.length; from++) {
      const phrase = parts.slice(from, from + length).join(' ');
      const target = phrase.length < 4 ? undefined : vocabulary.get(phrase);
      if (target !== undefined) return { target, exact: false };
    }
  }
  return null;
}

/** What a heading means in a table of either kind; a whole spelling only. */
export function columnOf(text: string): ColumnTarget | null {
  const words = headingWords(text);
  return subProcessorHeadings.get(words) ?? dataCategoryHeadings.get(words) ?? null;
}
