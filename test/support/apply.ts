import { z } from 'zod';
import type { Change, FieldChange } from '../../src/list/change.js';
import { type ListDocument, listDocumentSchema } from '../../src/list/document.js';

/*
 * Carries out a diff: the list before and the changes give the list after. Knows nothing of how a
 * diff is made, only what the diff JSON promises, so that it shows that nothing is missing from it.
 */

type Json = z.core.util.JSONType;
type Fields = Map<string, Json>;

interface State {
  list: Fields;
  services: Map<string, string>;
  statements: Map<string, string>;
  dataSubjects: Map<string, { fields: Fields; dataCategories: Map<string, Fields> }>;
  subProcessors: Map<string, Fields>;
}

export function applyChanges(before: ListDocument, changes: readonly Change[]): ListDocument {
  const state = stateOf(before);
  for (const change of changes) applyChange(state, change);
  return documentOf(state);
}

function applyChange(state: State, change: Change): void {
  switch (change.kind) {
    case 'sub-processor-added':
      state.subProcessors.set(change.id, fieldsOf(change.entry));
      return;
    case 'sub-processor-removed':
      state.subProcessors.delete(change.id);
      return;
    case 'sub-processor-changed':
      setAll(state.subProcessors.get(change.id), change.fields);
      return;
    case 'data-subject-added': {
      const { dataCategories, ...subject } = change.entry;
      state.dataSubjects.set(change.id, { fields: fieldsOf(subject), dataCategories: byId(dataCategories) });
      return;
    }
    case 'data-subject-removed':
      state.dataSubjects.delete(change.id);
      return;
    case 'data-subject-changed':
      setAll(state.dataSubjects.get(change.id)?.fields, change.fields);
      return;
    case 'data-category-added':
      state.dataSubjects.get(change.dataSubject)?.dataCategories.set(change.id, fieldsOf(change.entry));
      return;
    case 'data-category-removed':
      state.dataSubjects.get(change.dataSubject)?.dataCategories.delete(change.id);
      return;
    case 'data-category-changed':
      setAll(state.dataSubjects.get(change.dataSubject)?.dataCategories.get(change.id), change.fields);
      return;
    case 'list-changed':
      for (const field of change.fields) setOfList(state, field);
  }
}

function setAll(fields: Fields | undefined, changes: readonly FieldChange[]): void {
  if (fields === undefined) throw new Error('a change of an entry that is not on the list');
  for (const change of changes) {
    const [head = '', kind] = change.field.split('.');
    if (head !== 'dataCategories' || change.how === 'unstated') set(fields, head, change.after);
    else {
      const matrix = matrixOf(fields.get(head));
      if (kind !== undefined) matrix[kind] = change.after ?? [];
      fields.set(head, matrix);
    }
  }
}

function setOfList(state: State, change: FieldChange): void {
  const column = /^(?<of>subProcessors|dataSubjects)\.\*\.(?<inner>dataCategories\.\*\.)?(?<name>.+)$/.exec(
    change.field,
  );
  const [head = '', id = ''] = change.field.split('.');
  if (column?.groups) {
    const { of, inner, name = '' } = column.groups;
    for (const [path, value] of leaves(change.after ?? change.before, inner ? 2 : 1)) {
      const [first = '', second = ''] = path;
      const subject = state.dataSubjects.get(first);
      const owner = inner ? subject?.dataCategories.get(second) : subject?.fields;
      const fields = of === 'subProcessors' ? state.subProcessors.get(first) : owner;
      if (fields === undefined) throw new Error(`a column with an entry that is not on the list: ${path.join('.')}`);
      set(fields, name, change.after === undefined ? undefined : value);
    }
  } else if (id !== '' && (head === 'services' || head === 'statements')) {
    if (change.after === undefined) state[head].delete(id);
    else state[head].set(id, String(change.after));
  } else set(state.list, change.field, change.after);
}

function leaves(value: Json | undefined, depth: number): [string[], Json][] {
  return Object.entries(recordOf(value)).flatMap(([key, inner]): [string[], Json][] =>
    depth === 1 ? [[[key], inner]] : leaves(inner, depth - 1).map(([path, leaf]) => [[key, ...path], leaf]),
  );
}

function set(fields: Fields, name: string, value: Json | undefined): void {
  if (value === undefined) fields.delete(name);
  else fields.set(name, value);
}

const record = z.record(z.string(), z.json());
const recordOf = (value: unknown) => record.parse(value ?? {});
const matrixOf = (value: Json | undefined) => ({ ...recordOf(value) });
const fieldsOf = (entry: object): Fields => new Map(Object.entries(recordOf(entry)));
const byId = (entries: readonly { id: string }[] | undefined) =>
  new Map((entries ?? []).map((entry) => [entry.id, fieldsOf(entry)]));

function stateOf(document: ListDocument): State {
  const { services, statements, dataSubjects, subProcessors, ...list } = structuredClone(document);
  return {
    list: fieldsOf(list),
    services: new Map(services?.map(({ id, name }) => [id, name])),
    statements: new Map(statements?.map(({ id, text }) => [id, text])),
    dataSubjects: new Map(
      dataSubjects.map(({ dataCategories, ...subject }) => [
        subject.id,
        { fields: fieldsOf(subject), dataCategories: byId(dataCategories) },
      ]),
    ),
    subProcessors: byId(subProcessors),
  };
}

function documentOf(state: State): ListDocument {
  const entries = (map: Map<string, Fields>) => [...map].map(([id, fields]) => ({ ...Object.fromEntries(fields), id }));
  return listDocumentSchema.parse({
    ...Object.fromEntries(state.list),
    services: [...state.services].map(([id, name]) => ({ id, name })),
    statements: [...state.statements].map(([id, text]) => ({ id, text })),
    dataSubjects: [...state.dataSubjects].map(([id, { fields, dataCategories }]) => ({
      ...Object.fromEntries(fields),
      id,
      dataCategories: entries(dataCategories),
    })),
    subProcessors: entries(state.subProcessors),
  });
}
