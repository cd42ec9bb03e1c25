import type { Fault } from '../errors.js';
import type { DataSubject, ListInput, SubProcessor } from './document.js';
import { didYouMean, mostFaults, quoted } from './faults.js';
import type { Ids } from './ids.js';

/*
 * PURE. References from one part of the document to another. One to nothing is a fault that names
 * the path; it never disappears silently.
 */

type SubProcessorInput = ListInput['subProcessors'][number];

/** What a sub-processor can refer to. */
export interface Targets {
  services: Ids | undefined;
  subjects: Ids;
  categories: ReadonlyMap<string, Ids>;
  dataSubjects: readonly Pick<DataSubject, 'id' | 'name'>[];
}

/** The entry with its services, data subject kinds and data categories by their final ids. */
export function resolveReferences(
  entry: SubProcessorInput,
  path: string,
  { services, subjects, categories, dataSubjects }: Targets,
  faults: Fault[],
): SubProcessorInput {
  const resolve = (reference: string, ids: Ids | undefined, where: string, missing: string) => {
    const id = ids?.find(reference) ?? null;
    if (id === null) {
      faults.push({ path: `${path}.${where}`, message: `${missing}${nearOf(reference, ids, faults)}` });
    }
    return id ?? reference;
  };
  const resolved = { ...entry };
  if (entry.services) {
    resolved.services = entry.services.map((service, at) =>
      resolve(
        service,
        services,
        `services.${at}`,
        `The document defines no service ${quoted(service)}: add it under "services", or delete it here.`,
      ),
    );
  }
  if (entry.dataCategories) {
    const rows = new Map<string, string[]>();
    for (const [reference, references] of Object.entries(entry.dataCategories)) {
      const subject = resolve(
        reference,
        subjects,
        `dataCategories.${reference}`,
        `The document defines no data subject kind ${quoted(reference)}: add it under "dataSubjects", or delete it here.`,
      );
      const own = categories.get(subject);
      const of = quoted(dataSubjects.find(({ id }) => id === subject)?.name ?? subject);
      const ids = references.map((category, at) =>
        own === undefined
          ? category
          : resolve(
              category,
              own,
              `dataCategories.${reference}.${at}`,
              `${of} has no data category ${quoted(category)}: add it to that kind's "dataCategories", or delete it here.`,
            ),
      );
      rows.set(subject, [...new Set([...(rows.get(subject) ?? []), ...ids])]);
    }
    resolved.dataCategories = Object.fromEntries(rows);
  }
  return resolved;
}

/** The entry with the final id of its parent. */
export function resolveParent<Item extends Pick<SubProcessor, 'id' | 'parent'>>(
  entry: Item,
  index: number,
  ids: Ids,
  faults: Fault[],
): Item {
  if (entry.parent === undefined) return entry;
  const parent = ids.find(entry.parent);
  if (parent !== null) return { ...entry, parent };
  faults.push({
    path: `subProcessors.${index}.parent`,
    message: `The list has no entry ${quoted(entry.parent)}: give the id of the entry that engages this one, or delete it here.${nearOf(entry.parent, ids, faults)}`,
  });
  return entry;
}

/** Only for faults that will be shown: 5,000 words compared with 5,000 others take many seconds. */
function nearOf(reference: string, ids: Ids | undefined, faults: readonly Fault[]): string {
  return faults.length < mostFaults ? didYouMean(reference, ids?.all ?? []) : '';
}

/** One fault for each chain of parents that leads back to where it began. */
export function cyclesAmong(entries: readonly Pick<SubProcessor, 'id' | 'parent'>[]): Fault[] {
  const parents = new Map(entries.map(({ id, parent }) => [id, parent]));
  const places = new Map(entries.map(({ id }, index) => [id, index]));
  const settled = new Set<string>();
  return entries.flatMap(({ id }): Fault[] => {
    const chain: string[] = [];
    const onChain = new Set<string>();
    let at: string | undefined = id;
    while (at !== undefined && !settled.has(at) && !onChain.has(at)) {
      chain.push(at);
      onChain.add(at);
      at = parents.get(at);
    }
    for (const seen of chain) settled.add(seen);
    if (at === undefined || !onChain.has(at)) return [];
    const circle = [...chain.slice(chain.indexOf(at)), at];
    const shown = circle.length > 6 ? [...circle.slice(0, 5), '…', at] : circle;
    return [
      {
        path: `subProcessors.${places.get(at)}.parent`,
        message: `The chain of parents leads back to itself (${shown.join(' → ')}): delete one of these "parent" keys.`,
      },
    ];
  });
}
