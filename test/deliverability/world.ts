import type { Answer, Outside } from '../../src/deliverability/outside.js';

/** Records by name; a name that is not there has none, and `silent` ones get no answer. */
export interface Zone {
  txt?: Readonly<Record<string, readonly string[]>>;
  /** Exchanges in the order of their preference. */
  mx?: Readonly<Record<string, readonly string[]>>;
  addresses?: Readonly<Record<string, readonly string[]>>;
  silent?: readonly string[];
}

/** Name servers that answer as they are told, and note what they were asked. */
export function aWorld(zone: Zone, post: Outside['post'] = async () => ({ kind: 'failed', because: 'timeout' })) {
  const asked: string[] = [];
  const answer = <T>(name: string, records: readonly T[] | undefined): Answer<T> => {
    asked.push(name);
    if (zone.silent?.includes(name)) return { kind: 'unknown', because: 'ETIMEOUT' };
    return records === undefined || records.length === 0 ? { kind: 'none' } : { kind: 'found', records: [...records] };
  };
  const outside: Outside = {
    txt: async (name) => answer(name, zone.txt?.[name]),
    mx: async (name) =>
      answer(
        name,
        zone.mx?.[name]?.map((exchange, priority) => ({ exchange, priority })),
      ),
    addresses: async (name) => answer(name, zone.addresses?.[name]),
    post,
  };
  return { outside, asked };
}
