import type { Change, FieldChange } from './change.js';
import { differencesOf, type Entry, statedValue } from './compare.js';
import type { Field } from './fields.js';
import { graded, gradeOf } from './severity.js';

/*
 * PURE. A field that appears or vanishes for all entries is a column of the list that came or went:
 * told once, not once an entry. It came when no entry stated it before and every entry that stayed
 * states it now; it went the other way round. One entry alone makes no column.
 */

type Json = NonNullable<FieldChange['before']>;

/** An entry that is on both sides. */
export interface Stayed {
  /** Ids that lead to it, such as `['twilio']` or `['advocates', 'email-address']`. */
  path: readonly string[];
  before: Entry;
  after: Entry;
}

interface Columns {
  /** Fields that came or went as a column: they are no difference of a single entry. */
  names: ReadonlySet<string>;
  /** One `list-changed` a column, with the value of every entry by its path, so that nothing is lost. */
  changes: Change[];
}

/**
 * The columns that came or went.
 * @param prefix of the field's name, such as `subProcessors.*`
 * @param before all entries of the list before, also those that left
 * @param title of the list, the name of each change
 */
export function columnsOf(
  prefix: string,
  fields: readonly Field[],
  before: readonly Entry[],
  after: readonly Entry[],
  stayed: readonly Stayed[],
  title: string,
): Columns {
  const moved = stayed.length < 2 ? [] : fields.filter((field) => cameOrWent(field, before, after, stayed));
  return {
    names: new Set(moved.map(({ name }) => name)),
    changes: moved.map((field): Change => {
      const change = columnChange(`${prefix}.${field.name}`, field, stayed);
      const { severity, reasons } = change;
      return {
        kind: 'list-changed',
        id: change.field,
        name: title,
        severity,
        reasons,
        notifiable: true,
        fields: [change],
      };
    }),
  };
}

function cameOrWent(
  field: Field,
  before: readonly Entry[],
  after: readonly Entry[],
  stayed: readonly Stayed[],
): boolean {
  if (field.severity === null) return false;
  const isOpen = (entry: Entry) => statedValue(entry, field) === undefined;
  const came = before.every(isOpen) && stayed.every((entry) => !isOpen(entry.after));
  return came || (after.every(isOpen) && stayed.every((entry) => !isOpen(entry.before)));
}

function columnChange(name: string, field: Field, stayed: readonly Stayed[]): FieldChange {
  const inner = stayed.flatMap((entry) =>
    differencesOf(field, statedValue(entry.before, field), statedValue(entry.after, field)).map((difference) =>
      graded(difference, field.severity ?? 'wording'),
    ),
  );
  const grade = gradeOf(inner);
  return inner[0]?.how === 'unstated'
    ? { field: name, before: tree(stayed, (entry) => statedValue(entry.before, field)), how: 'unstated', ...grade }
    : { field: name, after: tree(stayed, (entry) => statedValue(entry.after, field)), how: 'stated', ...grade };
}

interface Tree {
  [id: string]: Json;
}

/** The values by their path of ids: `{twilio: …}`, or `{advocates: {'email-address': …}}`. */
function tree(stayed: readonly Stayed[], valueIn: (entry: Stayed) => ReturnType<typeof statedValue>): Tree {
  const root: Tree = {};
  const branches = new Map<string, Tree>();
  for (const entry of stayed) {
    const value = valueIn(entry);
    const [first = '', second] = entry.path;
    if (value === undefined) continue;
    if (second === undefined) {
      root[first] = value;
      continue;
    }
    const branch = branches.get(first) ?? {};
    branch[second] = value;
    branches.set(first, branch);
    root[first] = branch;
  }
  return root;
}
