import { z } from 'zod';
import { type Db, many } from '../database/query.js';
import { sql } from '../database/sql.js';
import { storedChanges } from '../list/change.js';
import { storedDocument } from '../list/document.js';

const NameRow = z.object({ id: z.string(), name: z.string() });

/** Every sub-processor that a version has ever named, under its latest name. */
export async function selectEverNamed(db: Db): Promise<z.infer<typeof NameRow>[]> {
  return many(
    db,
    NameRow,
    sql`select distinct on (change->>'id') change->>'id' as id, change->>'name' as name
      from versions v, jsonb_array_elements(v.changes) change
      where change->>'kind' in ('sub-processor-added', 'sub-processor-changed', 'sub-processor-removed')
      order by change->>'id', v.number desc`,
  );
}

const ChangesRow = z.object({ number: z.number(), changes: storedChanges });

/** What versions changed at these sub-processors, and the columns that came or went for all of them; newest first. */
export async function selectChangesOf(db: Db, ids: readonly string[]): Promise<z.infer<typeof ChangesRow>[]> {
  return many(
    db,
    ChangesRow,
    sql`select v.number, jsonb_agg(change order by place) as changes
      from versions v, jsonb_array_elements(v.changes) with ordinality as c(change, place)
      where (change->>'kind' in ('sub-processor-added', 'sub-processor-changed', 'sub-processor-removed')
          and change->>'id' = any(${ids}::text[]))
        or (change->>'kind' = 'list-changed' and change->>'id' like 'subProcessors.*.%')
      group by v.number order by v.number desc`,
  );
}

const NamesRow = z.object({ number: z.number(), document: storedDocument });

/** Of each version's list what names are taken from: its catalogue and services, and those of its entries. */
export async function selectNames(
  db: Db,
  numbers: readonly number[],
  entries: readonly string[],
): Promise<z.infer<typeof NamesRow>[]> {
  return many(
    db,
    NamesRow,
    sql`select number, jsonb_build_object('title', document->'title', 'dataSubjects', document->'dataSubjects',
        'services', coalesce(document->'services', '[]'),
        'subProcessors', (select coalesce(jsonb_agg(entry), '[]') from jsonb_array_elements(document->'subProcessors') entry
          where entry->>'id' = any(${entries}::text[]))) as document
      from versions where number = any(${numbers}::integer[])`,
  );
}
