import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';

/*
 * PURE. One value of which two people have each made their own, seen from the one that both began with.
 */

type Json = z.infer<ReturnType<typeof z.json>>;

/**
 * What both wanted: the one that changed it, the same change of both, or for sets and matrices what each
 * added and took away. Null: they want different things.
 */
export function mergeValues({
  before,
  mine,
  theirs,
}: {
  before: Json;
  mine: Json;
  theirs: Json;
}): { value: Json } | null {
  if (isDeepStrictEqual(before, theirs) || isDeepStrictEqual(mine, theirs)) return { value: mine };
  if (isDeepStrictEqual(before, mine)) return { value: theirs };
  if (isSet(mine) && isSet(theirs) && (before === null || isSet(before))) {
    return { value: mergeSets(before ?? [], mine, theirs) };
  }
  if (isMatrix(mine) && isMatrix(theirs) && (before === null || isMatrix(before))) {
    const kinds = [...new Set([...Object.keys(theirs), ...Object.keys(mine)])];
    const rows = kinds.flatMap((kind): [string, Json[]][] => {
      const merged = mergeSets(rowOf(before, kind), rowOf(mine, kind), rowOf(theirs, kind));
      // A kind that they took out, perhaps because there is none any more, does not come back empty.
      return merged.length === 0 && !Object.hasOwn(theirs, kind) ? [] : [[kind, merged]];
    });
    return { value: matrix.parse(Object.fromEntries(rows)) };
  }
  return null;
}

const matrix = z.record(z.string(), z.array(z.json()));

/** Ids are people's own: one may be `constructor`. */
function rowOf(value: Record<string, Json[]> | null, kind: string): readonly Json[] {
  return value !== null && Object.hasOwn(value, kind) ? (value[kind] ?? []) : [];
}

/** In their order, with mine at the end. */
function mergeSets(before: readonly Json[], mine: readonly Json[], theirs: readonly Json[]): Json[] {
  const has = (values: readonly Json[], one: Json) => values.some((other) => isDeepStrictEqual(other, one));
  const kept = theirs.filter((one) => has(mine, one) || !has(before, one));
  return [...kept, ...mine.filter((one) => !has(before, one) && !has(kept, one))];
}

function isSet(value: Json): value is Json[] {
  return Array.isArray(value);
}

function isMatrix(value: Json): value is Record<string, Json[]> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isSet);
}
