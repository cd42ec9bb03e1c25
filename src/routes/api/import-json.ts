import { z } from 'zod';
import { leftReasons, noteCodes } from '../../list/import/build-list.js';
import { mappingSchema } from '../../list/import/mapping.js';
import { sourceFormats } from '../../list/import/tables.js';
import { choicesOf } from '../../list/pairs.js';
import type { PreparedImport } from '../../versions/import.js';
import { importModes } from '../../versions/import-plan.js';
import { diffSchema } from './wire.js';

/*
 * What was understood of an import, as programs read it: the answer of the API, and `subnotice import --json`.
 */

const pair = z.object({ removed: z.string(), added: z.string() });

export const importReportSchema = z
  .object({
    format: z.enum(sourceFormats),
    encoding: z.string(),
    mode: z.enum(importModes),
    title: z.string(),
    mapping: mappingSchema.describe('As it was given or suggested; to be changed and sent again'),
    tables: z
      .array(z.object({ headings: z.array(z.string()), columns: z.array(z.string()), rows: z.number().int() }))
      .describe('Of the source, in the order of the mapping'),
    entries: z.number().int().describe('How many sub-processors were understood'),
    rows: z.array(
      z.object({
        table: z.number().int(),
        line: z.number().int(),
        name: z.string().nullable().describe('Of the entry that it became; null: it became none'),
        understood: z.array(
          z.object({ field: z.string(), value: z.string(), column: z.number().int().nullable(), text: z.string() }),
        ),
        left: z.array(z.object({ column: z.number().int().nullable(), text: z.string(), why: z.enum(leftReasons) })),
      }),
    ),
    notes: z.array(
      z.object({ code: z.enum(noteCodes), values: z.record(z.string(), z.union([z.string(), z.number()])) }),
    ),
    leftOver: z
      .array(z.object({ line: z.number().int().nullable(), text: z.string() }))
      .describe('Words of the source that stand in no table'),
    suggestions: z
      .array(
        z.object({
          key: z.string(),
          kind: z.enum(['renamed', 'merged', 'split']),
          removed: z.array(z.object({ id: z.string(), name: z.string() })),
          added: z.array(z.object({ id: z.string(), name: z.string() })),
          because: z.array(z.string()),
          choices: z.array(pair),
          decision: pair.nullish().describe('Absent: not decided; null: they are not the same'),
        }),
      )
      .describe('Entries that may be the same under another name; a pair is confirmed by `pairs`'),
    diff: diffSchema.nullable().describe('Against the draft as it is; null: the list cannot stand, see `errors`'),
    errors: z.array(z.object({ path: z.string(), message: z.string() })),
    applied: z.boolean(),
    revision: z.number().int().describe('Of the draft: the one that was written, else the one it was compared with'),
  })
  .meta({ id: 'ImportReport' });
export type ImportReport = z.infer<typeof importReportSchema>;

/**
 * The report on an import.
 * @param written the draft's revision, when it was written
 */
export function importReport(prepared: PreparedImport, written: number | null): ImportReport {
  const { source, mapping, mode, plan, draftRevision } = prepared;
  const { built, result } = plan;
  const { list } = built;
  const named = ({ id, name }: { id: string; name: string }) => ({ id, name });
  return {
    format: source.format,
    encoding: source.encoding,
    mode,
    title: list.title,
    mapping,
    tables: source.tables.map(({ headings, columns, rows }) => ({ headings, columns, rows: rows.length })),
    entries: plan.entries,
    rows: built.rows.map(({ table, line, entry, understood, left }) => ({
      table,
      line,
      name:
        entry === null
          ? null
          : ((entry.kind === 'sub-processor'
              ? list.subProcessors[entry.index]?.name
              : list.dataSubjects[entry.dataSubject]?.dataCategories?.[entry.index]?.name) ?? null),
      understood,
      left,
    })),
    notes: built.notes,
    leftOver: source.leftOver,
    suggestions: plan.pairs.map((one) => ({
      key: one.key,
      kind: one.kind,
      removed: one.removed.map(named),
      added: one.added.map(named),
      because: one.because,
      choices: choicesOf(one),
      ...(one.decision === undefined ? {} : { decision: one.decision }),
    })),
    diff: result === null ? null : { from: null, to: null, changes: result.changes, suggestions: [] },
    errors: plan.faults.map(({ path, message }) => ({ path, message })),
    applied: written !== null,
    revision: written ?? draftRevision,
  };
}
