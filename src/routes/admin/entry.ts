import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { hasRole } from '../../actor.js';
import type { AppDeps } from '../../app.js';
import type { ListDocument } from '../../list/document.js';
import type { Conflict } from '../../list/edit.js';
import {
  type EntryRef,
  entryKinds,
  findEntry,
  nameOfEntry,
  parseRef,
  refText,
  siblingsOf,
} from '../../list/entry-ref.js';
import { addEntry, type DraftEdit, editDraft, readEdits } from '../../versions/draft-edit.js';
import { autosave, faultsOf } from './autosave.js';
import { conflictLines } from './conflict-view.js';
import { type Console, consoleOf } from './console.js';
import { usersOf } from './draft-steps.js';
import { type FormFault, formFaults } from './entry-faults.js';
import { type PostedEntry, readEntryForm, stepsOfForm, valuesOf } from './entry-form.js';
import { groupsOf, matrixOf } from './entry-view.js';
import { movedQuery, movedView, placeView } from './moved.js';
import { whoIs } from './who.js';
import { titleOf, workingList } from './working-list.js';

/** Three times what an entry may hold: what is not ASCII grows so when a form is encoded. */
const formLimit = 2 * 1024 * 1024;
const place = z.object({
  kind: z.string().max(50),
  /** Of a data category: its data subject kind. */
  id: z.string().max(120).optional(),
  part: z.string().max(120).optional(),
});
const entryPaths = ['/:kind', '/:kind/:id', '/:kind/:id/:part'];
const newPaths = ['/:kind', '/:kind/:id'];
const query = z.object({
  done: z.enum(['saved', 'added', 'removed', 'undone']).optional().catch(undefined),
  ...movedQuery.shape,
});
/** So many of those that use an entry are named. */
const mostUsers = 12;

interface EntryPage {
  posted?: PostedEntry;
  faults?: FormFault[];
  conflicts?: Conflict[];
  status?: number;
  done?: string | null;
  moved?: z.infer<typeof movedQuery>;
}

/**
 * One entry of the draft as a form: a sub-processor, a data subject kind, one of its data categories, a
 * service, a statement, or the head of the list. The script sends the same form while somebody writes, and
 * gets the answer as JSON.
 */
export function entryRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    for (const path of entryPaths) {
      app.get(`/admin/draft/entry${path}`, { config: { permission: 'viewer' } }, async (request, reply) => {
        const console = consoleOf(deps, request, reply);
        const { done, ...moved } = query.parse(request.query);
        return showEntry(console, refOfRequest(request), {
          done: done === undefined ? null : console.texts.t(`editor.${done}`),
          moved,
        });
      });

      app.post(
        `/admin/draft/entry${path}`,
        { config: { permission: 'editor', keepsText: true }, bodyLimit: formLimit },
        async (request, reply) => {
          const console = consoleOf(deps, request, reply);
          const ref = refOfRequest(request);
          const posted = readEntryForm(ref.kind, request.body);
          const title = titleOf(console);
          if (wantsJson(request)) {
            return autosave(deps, ref, posted, { actor: console.actor, texts: console.texts, title });
          }
          const { document } = await workingList(deps, console);
          try {
            const result = await editDraft(deps, stepsOfForm(ref, posted), console.actor, title);
            if (!result.saved) {
              return await showEntry(console, ref, { posted, conflicts: result.conflicts, status: 409 });
            }
            return console.redirect(`/admin/draft/entry/${refText(ref)}?done=saved`);
          } catch (error) {
            const faults = formFaults(ref, document, faultsOf(error), console.texts);
            return showEntry(console, ref, { posted, faults, status: 422 });
          }
        },
      );
    }
    for (const path of newPaths) {
      app.get(`/admin/draft/new${path}`, { config: { permission: 'editor' } }, async (request, reply) =>
        showNew(consoleOf(deps, request, reply), kindOfRequest(request)),
      );

      app.post(
        `/admin/draft/new${path}`,
        { config: { permission: 'editor', keepsText: true }, bodyLimit: formLimit },
        async (request, reply) => {
          const console = consoleOf(deps, request, reply);
          const at = kindOfRequest(request);
          const posted = readEntryForm(at.kind, request.body);
          const { document } = await workingList(deps, console);
          const called = z
            .string()
            .catch('')
            .parse(posted.values.name ?? posted.values.text);
          const ref = { ...at, id: '' };
          try {
            const entry = { name: called, fields: posted.values };
            const added = await addEntry(deps, at, entry, console.actor, titleOf(console));
            return console.redirect(`/admin/draft/entry/${added.ref}?done=added`);
          } catch (error) {
            const faults = formFaults(ref, document, faultsOf(error), console.texts);
            return showNew(console, at, { posted, faults, status: 422 });
          }
        },
      );
    }
  };

  async function showEntry(console: Console, ref: EntryRef, page: EntryPage) {
    const { document, draft } = await workingList(deps, console);
    const entry = findEntry(document, ref);
    if (entry === null && page.posted === undefined) throw entryMissing();
    const values = page.posted?.values ?? valuesOf(ref.kind, entry ?? {});
    const conflicts = page.conflicts ?? [];
    const { edits } = await readEdits(deps.db, { ref: refText(ref), limit: 1 });
    const [last] = edits;
    return show(console, ref, document, {
      ...page,
      values,
      title: nameOfEntry(entry, ref),
      // Whoever sends the form again has seen what others wrote.
      base: { ...(page.posted?.base ?? values), ...theirsOf(conflicts) },
      gone: entry === null,
      conflictLines: conflictLines(conflicts, ref.kind, console.texts),
      lastEdit: last === undefined ? null : await lastEditView(console, last),
      revision: draft?.revision ?? 0,
      action: `/admin/draft/entry/${refText(ref)}`,
    });
  }

  async function lastEditView({ texts }: Console, { id, at, by, undoneBy }: DraftEdit) {
    return { id, at, by: await whoIs(deps.db, by, texts), undoable: undoneBy === null };
  }

  async function showNew(console: Console, at: Omit<EntryRef, 'id'>, page: EntryPage = {}) {
    const { document } = await workingList(deps, console);
    const ref = { ...at, id: '' };
    if (siblingsOf(document, ref) === null) throw entryMissing();
    return show(console, ref, document, {
      ...page,
      values: page.posted?.values ?? {},
      title: console.texts.t(`editor.new.${at.kind}`),
      base: {},
      gone: false,
      conflictLines: [],
      lastEdit: null,
      revision: 0,
      action: `/admin/draft/new/${at.kind}${at.dataSubject === null ? '' : `/${at.dataSubject}`}`,
    });
  }

  function show(
    console: Console,
    ref: EntryRef,
    document: ListDocument,
    view: EntryPage & {
      values: PostedEntry['values'];
      base: PostedEntry['base'];
      title: string;
      gone: boolean;
      conflictLines: { field: string | null; label: string; theirs: string }[];
      lastEdit: Awaited<ReturnType<typeof lastEditView>> | null;
      revision: number;
      action: string;
    },
  ) {
    const justMoved = movedView(document, view.moved ?? {}, console.texts);
    const users = ref.id === '' ? [] : usersOf(document, ref);
    const subject = document.dataSubjects.find(({ id }) => id === (ref.dataSubject ?? ref.id));
    const editable = hasRole(console.actor, 'editor');
    return console.page(
      'entry',
      'draft',
      {
        kind: ref.kind,
        ref: refText(ref),
        title: view.title,
        action: view.action,
        isNew: ref.kind !== 'list' && ref.id === '',
        groups: groupsOf(ref.kind, view.values, document, console.texts),
        matrix: matrixOf(ref.kind, view.values, document),
        base: JSON.stringify(view.base),
        gone: view.gone,
        conflicts: view.conflictLines,
        lastEdit: view.lastEdit,
        revision: String(view.revision),
        place: placeView(document, refText(ref)),
        users: users.slice(0, mostUsers).map(({ id, name }) => ({ id, name })),
        userCount: users.length,
        justMoved,
        subject: ref.kind === 'data-category' ? (subject ?? null) : null,
        catalogue: ref.kind === 'data-subject' && ref.id !== '' ? (subject?.dataCategories ?? []) : null,
        editable,
        scripts: editable ? ['editor.js', 'reorder.js'] : [],
        errors: view.faults ?? [],
        done: justMoved?.text ?? view.done ?? null,
      },
      { status: view.status ?? 200 },
    );
  }
}

function theirsOf(conflicts: readonly Conflict[]): PostedEntry['base'] {
  return Object.fromEntries(conflicts.flatMap(({ field, theirs }) => (field === null ? [] : [[field, theirs]])));
}

function wantsJson({ headers }: FastifyRequest): boolean {
  return /\bapplication\/json\b/.test(headers.accept ?? '') && !/\btext\/html\b/.test(headers.accept ?? '');
}

/** The entry that an address of `entryPaths` names. */
export function refOfRequest({ params }: FastifyRequest): EntryRef {
  const { kind, id, part } = place.parse(params);
  const ref = parseRef([kind, id, part].filter((one) => one !== undefined).join('/'));
  if (ref === null) throw entryMissing();
  return ref;
}

function kindOfRequest({ params }: FastifyRequest): Omit<EntryRef, 'id'> {
  const { kind: name, id: dataSubject = null } = place.parse(params);
  const kind = entryKinds.find((known) => known === name);
  if (kind === undefined || (kind === 'data-category') !== (dataSubject !== null)) throw entryMissing();
  return { kind, dataSubject };
}

export function entryMissing(): Error {
  return Object.assign(new Error('there is no such entry in the draft'), { statusCode: 404 });
}
