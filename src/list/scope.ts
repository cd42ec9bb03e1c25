import type { Change } from './change.js';
import { byCodeUnit } from './plain.js';

/*
 * PURE. Which changes concern a subscriber who uses some of the processor's services only. An entry
 * that states no services concerns everybody, and so does what is not about one sub-processor.
 */

/**
 * The changes that concern a subscriber.
 * @param services ids of the services that the subscriber uses; null: all
 */
export function changesInScope(changes: readonly Change[], services: readonly string[] | null): Change[] {
  if (services === null) return [...changes];
  const used = new Set(services);
  return changes.filter((change) => {
    const concerned = servicesOf(change);
    return concerned === null || concerned.some((service) => used.has(service));
  });
}

/** Ids of the services that any of the changes concerns, sorted; null: all. */
export function touchedServices(changes: readonly Change[]): string[] | null {
  const touched = new Set<string>();
  for (const change of changes) {
    const services = servicesOf(change);
    if (services === null) return null;
    for (const service of services) touched.add(service);
  }
  return [...touched].sort(byCodeUnit);
}

/** Services of the entry before or after the change; null: everybody is concerned. */
function servicesOf(change: Change): readonly string[] | null {
  switch (change.kind) {
    case 'sub-processor-added':
    case 'sub-processor-removed':
      return stated(change.entry.services);
    case 'sub-processor-changed': {
      const field = change.fields.find((one) => one.field === 'services');
      const after = stated(change.entry.services);
      if (field === undefined || after === null) return after;
      // Not stated before, or none: everybody was concerned, and is told what it is now.
      const concernedAll = !Array.isArray(field.before) || field.before.length === 0;
      return concernedAll ? null : [...after, ...(field.removed ?? [])];
    }
    default:
      return null;
  }
}

function stated(services: readonly string[] | undefined): readonly string[] | null {
  return services === undefined || services.length === 0 ? null : services;
}
