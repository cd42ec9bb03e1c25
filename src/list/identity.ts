import type { Fault } from '../errors.js';
import { plainEntry } from './compare.js';
import type { DataCategory, DataSubject, ListDocument, ListInput, SubProcessor } from './document.js';
import { documentInvalid } from './faults.js';
import { dataCategoryFields, fieldsOf, subProcessorFields } from './fields.js';
import { type Ids, idsFor, type Known, type Named, repeatsIn, withIds } from './ids.js';
import { byCodeUnit, plainText } from './plain.js';
import { cyclesAmong, resolveParent, resolveReferences, type Targets } from './references.js';
import { vendorKey, wordsOf } from './vendors.js';

type SubProcessorInput = ListInput['subProcessors'][number];
type CategoryInput = NonNullable<ListInput['dataSubjects'][number]['dataCategories']>[number];

/**
 * Gives every entry its id and checks that all ids are unique and all references exist.
 * An id that the document states stays. One that it leaves out is taken over from the same entry of
 * `base` (see match.ts), so that a file without ids does not turn the list into removals and
 * additions; a new entry gets one from its name, and never one that `base` has for something else.
 * A reference may use the final id, or the one that the name gives.
 * Refuses `document.invalid`: an id twice, a reference to nothing, a chain of parents that closes.
 * @param base the list whose ids go on, such as the latest published version
 */
export function identify(input: ListInput, base: ListDocument | null = null): ListDocument {
  const faults: Fault[] = [];
  const collection = (path: string, items: readonly Named[], known: readonly Known[] | undefined) => {
    faults.push(...repeatsIn(items, path));
    return idsFor(items, known ?? []);
  };

  const services = input.services && collection('services', input.services.map(named), base?.services?.map(known));
  const statements =
    input.statements && collection('statements', input.statements.map(namedByText), base?.statements?.map(knownByText));
  const subjects = collection('dataSubjects', input.dataSubjects.map(subject), base?.dataSubjects.map(knownSubject));
  const categories = new Map<string, Ids>();
  const dataSubjects = withIds(input.dataSubjects, subjects).map(({ dataCategories, ...kind }, index) => {
    const before = base?.dataSubjects.find(({ id }) => id === kind.id)?.dataCategories;
    const path = `dataSubjects.${index}.dataCategories`;
    const ids = collection(path, (dataCategories ?? []).map(category), before?.map(knownCategory));
    categories.set(kind.id, ids);
    return dataCategories === undefined ? kind : { ...kind, dataCategories: withIds(dataCategories, ids) };
  });

  const targets: Targets = { services, subjects, categories, dataSubjects };
  const resolved = input.subProcessors.map((entry, index) =>
    resolveReferences(entry, `subProcessors.${index}`, targets, faults),
  );
  const vendors = collection('subProcessors', resolved.map(vendor), base?.subProcessors.map(knownVendor));
  const subProcessors = withIds(resolved, vendors).map((entry, index) => resolveParent(entry, index, vendors, faults));
  faults.push(...cyclesAmong(subProcessors));
  if (faults.length > 0) throw documentInvalid(faults);

  const { services: serviceInputs, statements: statementInputs, ...rest } = input;
  return {
    ...rest,
    ...(serviceInputs && services && { services: withIds(serviceInputs, services) }),
    ...(statementInputs && statements && { statements: withIds(statementInputs, statements) }),
    dataSubjects,
    subProcessors,
  };
}

function named({ id, name }: { id?: string | undefined; name: string }): Named {
  return {
    id,
    text: name,
    name: wordsOf(name).join(' ') || plainText(name),
    hints: new Set(),
    content: plainText(name),
  };
}

function known(entry: { id: string; name: string }): Known {
  return { ...named(entry), id: entry.id };
}

function namedByText({ id, text }: { id?: string | undefined; text: string }): Named {
  return { ...named({ id, name: text }), name: plainText(text) };
}

function knownByText(statement: { id: string; text: string }): Known {
  return { ...namedByText(statement), id: statement.id };
}

const subProcessorRows = fieldsOf(subProcessorFields);
const dataCategoryRows = fieldsOf(dataCategoryFields);

function category(entry: CategoryInput): Named {
  const plain = plainEntry(entry, dataCategoryRows);
  const hints = Object.entries(plain).map(([field, value]) => `${field} ${String(value)}`);
  return { ...named(entry), hints: new Set(hints), content: JSON.stringify(plain) };
}

function knownCategory(entry: DataCategory): Known {
  return { ...category(entry), id: entry.id };
}

function subject({ id, name, description, dataCategories }: ListInput['dataSubjects'][number]): Named {
  const names = (dataCategories ?? []).map((one) => plainText(one.name));
  const content = JSON.stringify([plainText(name), plainText(description ?? ''), [...names].sort(byCodeUnit)]);
  return { ...named({ id, name }), hints: new Set(names), content };
}

function knownSubject(entry: DataSubject): Known {
  return { ...subject(entry), id: entry.id };
}

/** Facts that speak for the same entry where its name stands several times. */
const hintFields = subProcessorRows.filter(({ name }) =>
  [
    'legalName',
    'relationship',
    'country',
    'corporateCountry',
    'address',
    'contact',
    'website',
    'dataLocations',
    'regions',
    'condition',
    'duration',
  ].includes(name),
);

function vendor({ id, parent: _, ...entry }: SubProcessorInput): Named {
  const plain = plainEntry(entry, subProcessorRows);
  const hints = hintFields.flatMap(({ name }) => {
    const value = plain[name];
    return (Array.isArray(value) ? value : [value]).flatMap((one) => (typeof one === 'string' ? `${name} ${one}` : []));
  });
  if (entry.group !== undefined) hints.push(`group ${plainText(entry.group)}`);
  return {
    id,
    text: entry.name,
    name: vendorKey(entry.name),
    product: entry.product === undefined ? undefined : plainText(entry.product),
    services: entry.services,
    purposes: entry.purposes?.map(plainText),
    hints: new Set(hints),
    content: JSON.stringify(plain),
  };
}

function knownVendor(entry: SubProcessor): Known {
  return { ...vendor(entry), id: entry.id };
}
