import type { Db } from '../database/query.js';
import { Refusal } from '../errors.js';
import type { Change, FieldChange } from '../list/change.js';
import { type Names, namesOf } from '../list/values.js';
import { vendorKey } from '../list/vendors.js';
import { selectChangesOf, selectEverNamed, selectNames } from './history-queries.js';
import { baseOf, readVersions } from './read.js';
import type { VersionSummary } from './version.js';

/** What became of a vendor from its first version on: an entry of the list each, newest step first. */
export interface VendorHistory {
  /** The vendor's latest name. */
  name: string;
  entries: EntryHistory[];
}

export interface EntryHistory {
  id: string;
  name: string;
  product: string | null;
  /** In a list to come, in the one in force, not any more, or in a withdrawn one alone. */
  standing: 'announced' | 'in-force' | 'removed' | 'withdrawn';
  /** In force, and this announced version takes it off the list. */
  leaving: VersionSummary | null;
  steps: HistoryStep[];
}

export interface HistoryStep {
  version: VersionSummary;
  change: EntryChange;
  names: Names;
}

export type EntryChange = Extract<Change, { kind: `sub-processor-${string}` }>;

/**
 * The history of the vendor that an entry belongs to, all its entries included, whether they are on the list or
 * not. Refuses `sub-processor.missing` for an id that no version has ever named.
 */
export async function readVendorHistory(deps: { db: Db; now: () => Date }, id: string): Promise<VendorHistory> {
  const named = await selectEverNamed(deps.db);
  const asked = named.find((entry) => entry.id === id);
  if (asked === undefined) throw new Refusal('sub-processor.missing', `No version has ever named "${id}".`);
  const vendor = vendorKey(asked.name);
  const own = named.filter((entry) => vendorKey(entry.name) === vendor);
  // The one that was asked for stands first.
  own.sort((a, b) => Number(b.id === id) - Number(a.id === id));

  const versions = new Map((await readVersions(deps.db, deps.now())).map((version) => [version.number, version]));
  const found = await selectChangesOf(
    deps.db,
    own.map((entry) => entry.id),
  );
  const perVersion = found.flatMap(({ number, changes }) => {
    const version = versions.get(number);
    return version === undefined ? [] : [{ version, changes }];
  });
  const steps = own.map((entry) => ({
    entry,
    steps: perVersion.flatMap(({ version, changes }) =>
      changeOf(entry, changes).map((change) => ({ version, change, before: baseOf(version, [...versions.values()]) })),
    ),
  }));
  const names = await namesFor(
    deps.db,
    steps.flatMap((entry) => entry.steps),
  );
  return {
    name: asked.name,
    entries: steps.map(({ entry, steps: all }) => ({
      ...entry,
      product: productOf(all.map(({ change }) => change)),
      ...standingOf(all),
      steps: all.map(({ version, change, before }) => ({ version, change, names: names(before, version.number) })),
    })),
  };
}

/** A version's change of an entry, with what a column that came or went for all entries means for this one. */
function changeOf({ id, name }: { id: string; name: string }, changes: readonly Change[]): EntryChange[] {
  const own = changes.filter(isOfEntry).find((change) => change.id === id);
  const columns = changes.flatMap((change) => (change.kind === 'list-changed' ? change.fields : []));
  const fields = columns.flatMap((column) => fieldOf(column, id));
  if (fields.length === 0) return own === undefined ? [] : [own];
  if (own === undefined) {
    const [{ severity, reasons }] = [fields[0] ?? { severity: 'editorial' as const, reasons: [] }];
    return [
      { kind: 'sub-processor-changed', id, name, severity, reasons, notifiable: true, fields, entry: { id, name } },
    ];
  }
  return own.kind === 'sub-processor-changed' ? [{ ...own, fields: [...own.fields, ...fields] }] : [own];
}

function isOfEntry(change: Change): change is EntryChange {
  return change.kind.startsWith('sub-processor-');
}

/** A column keeps the values of all entries by their ids (list/columns.ts). */
function fieldOf({ field, before, after, ...rest }: FieldChange, id: string): FieldChange[] {
  const valueIn = (tree: FieldChange['before']) =>
    typeof tree === 'object' && tree !== null && !Array.isArray(tree) && Object.hasOwn(tree, id) ? tree[id] : undefined;
  const [was, is] = [valueIn(before), valueIn(after)];
  if (was === undefined && is === undefined) return [];
  return [
    {
      field: field.slice('subProcessors.*.'.length),
      ...(was === undefined ? {} : { before: was }),
      ...(is === undefined ? {} : { after: is }),
      ...rest,
    },
  ];
}

function productOf(changes: readonly EntryChange[]): string | null {
  return changes.map(({ entry }) => entry.product).find((product) => product !== undefined) ?? null;
}

/** By what the versions that stand say last, those in force before those that are announced. */
function standingOf(
  steps: readonly { version: VersionSummary; change: EntryChange }[],
): Pick<EntryHistory, 'standing' | 'leaving'> {
  const stands = steps.filter(({ version }) => version.state !== 'withdrawn');
  const ahead = stands.filter(({ version }) => version.state === 'announced');
  const last = stands.find(({ version }) => version.state !== 'announced');
  if (last !== undefined && last.change.kind !== 'sub-processor-removed') {
    const leaving = ahead.find(({ change }) => change.kind === 'sub-processor-removed');
    return { standing: 'in-force', leaving: leaving?.version ?? null };
  }
  if (ahead.length > 0) return { standing: 'announced', leaving: null };
  return { standing: last === undefined ? 'withdrawn' : 'removed', leaving: null };
}

/** Names as they were on both sides of each step. */
async function namesFor(
  db: Db,
  steps: readonly { version: VersionSummary; change: EntryChange; before: number | null }[],
): Promise<(before: number | null, after: number) => Names> {
  const numbers = new Set(
    steps.flatMap(({ version, before }) => [version.number, ...(before === null ? [] : [before])]),
  );
  const engaged = steps.flatMap(({ change }) => [
    change.entry.parent,
    ...('fields' in change ? change.fields : []).flatMap(({ field, before, after }) =>
      field === 'parent' ? [before, after] : [],
    ),
  ]);
  const rows = await selectNames(
    db,
    [...numbers],
    engaged.flatMap((id) => (typeof id === 'string' ? [id] : [])),
  );
  const documents = new Map(rows.map(({ number, document }) => [number, document]));
  return (before, after) => namesOf(documents.get(before ?? 0) ?? null, documents.get(after) ?? null);
}
