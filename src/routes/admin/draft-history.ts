import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import { hasRole, isSamePerson } from '../../actor.js';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import type { ListDocument } from '../../list/document.js';
import type { EditStep } from '../../list/edit.js';
import { findEntry, nameOfEntry, parseRef, refText } from '../../list/entry-ref.js';
import type { Texts } from '../../texts.js';
import { type DraftEdit, readEdits, undoEdit } from '../../versions/draft-edit.js';
import { shown } from './conflict-view.js';
import { type Console, consoleOf } from './console.js';
import { formFields } from './entry-form.js';
import { whoAre } from './who.js';
import { workingList } from './working-list.js';

const pageSize = 30;
const query = z.object({
  before: z.coerce.number().int().positive().optional().catch(undefined),
});
const since = z.object({ since: z.coerce.number().int().nonnegative() });
const undone = z.object({
  id: z.coerce.number().int().positive(),
  /** The entry whose page one was on. */
  back: z.string().max(300).optional(),
});

/** Who changed what in the draft, each of it to be taken back; and the same in short for who edits right now. */
export function draftHistoryRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    app.get('/admin/draft/history', { config: { permission: 'viewer' } }, async (request, reply) =>
      show(consoleOf(deps, request, reply), query.parse(request.query).before),
    );

    app.post('/admin/draft/undo', { config: { permission: 'editor' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      try {
        const { id, back } = undone.parse(request.body);
        await undoEdit(deps, id, console.actor);
        return console.redirect(`${await pageToShow(console, back)}?done=undone`);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        const message = console.texts.t(
          error.code === 'document.invalid' ? 'editor.history.inUse' : 'editor.history.stale',
        );
        return show(console, undefined, { errors: [{ field: null, message }], status: 409 });
      }
    });

    // Asked every few seconds by a page on which somebody edits.
    app.get('/admin/draft/state', { config: { permission: 'viewer' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const { edits } = await readEdits(deps.db, { since: since.parse(request.query).since, limit: 20 });
      const { draft, document } = await workingList(deps, console);
      const who = whoAre(deps.db, console.texts);
      const others = edits.filter(({ by }) => !isSamePerson(by, console.actor));
      return reply.header('cache-control', 'no-store').send({
        revision: draft?.revision ?? 0,
        edits: await Promise.all(
          others.map(async (edit) => ({
            refs: refsOf(edit),
            text: console.texts.t('editor.changedBy', {
              who: await who(edit.by),
              what: summaryOf(edit, document, console.texts),
            }),
          })),
        ),
      });
    });
  };

  /** An entry that was just added is gone once that is taken back. */
  async function pageToShow(console: Console, back: string | undefined): Promise<string> {
    const ref = parseRef(/^\/admin\/draft\/entry\/([a-z0-9/-]+)$/.exec(back ?? '')?.[1] ?? '');
    const { document } = await workingList(deps, console);
    return ref === null || findEntry(document, ref) === null ? '/admin/draft' : `/admin/draft/entry/${refText(ref)}`;
  }

  async function show(
    console: Console,
    before: number | undefined,
    { errors = [], status = 200 }: { errors?: { field: null; message: string }[]; status?: number } = {},
  ) {
    const { edits, next } = await readEdits(deps.db, { before, limit: pageSize });
    const { document, draft } = await workingList(deps, console);
    const who = whoAre(deps.db, console.texts);
    const editable = hasRole(console.actor, 'editor');
    return console.page(
      'draft-history',
      'draft',
      {
        edits: await Promise.all(
          edits.map(async (edit) => ({
            id: edit.id,
            at: edit.at,
            who: await who(edit.by),
            what: summaryOf(edit, document, console.texts),
            lines: (edit.steps ?? []).slice(0, 40).flatMap((step) => lineOf(step, document, console.texts)),
            undone: edit.undoneBy !== null,
            undoable:
              editable &&
              edit.undoneBy === null &&
              (edit.steps !== null || (edit.hasBefore && edit.revision === draft?.revision)),
          })),
        ),
        next,
        errors,
      },
      { status },
    );
  }
}

function refsOf({ steps }: DraftEdit): string[] {
  return [...new Set((steps ?? []).map(({ ref }) => ref))];
}

/** What an edit did, in one line. */
function summaryOf(edit: DraftEdit, document: ListDocument, texts: Texts): string {
  if (edit.undoes !== null) return texts.t('editor.history.undid');
  if (edit.steps === null) return texts.t('editor.history.replaced');
  const names = refsOf(edit).map((ref) => nameOf(ref, edit.steps ?? [], document, texts));
  const more = names.length - 3;
  return texts.list([...names.slice(0, 3), ...(more > 0 ? [texts.t('editor.history.more', { count: more })] : [])]);
}

function nameOf(text: string, steps: readonly EditStep[], document: ListDocument, texts: Texts): string {
  const ref = parseRef(text);
  if (ref === null || ref.kind === 'list') return texts.t('editor.head');
  const entry = findEntry(document, ref);
  const gone = steps.find((step) => step.ref === text && (step.step === 'remove' || step.step === 'add'));
  return nameOfEntry(entry ?? (gone !== undefined && 'entry' in gone ? gone.entry : null), ref);
}

function lineOf(
  step: EditStep,
  document: ListDocument,
  texts: Texts,
): { label: string; before: string | null; after: string | null }[] {
  const ref = parseRef(step.ref);
  if (ref === null) return [];
  const name = nameOf(step.ref, [step], document, texts);
  if (step.step !== 'set') {
    return [{ label: texts.t(`editor.history.steps.${step.step}`, { name }), before: null, after: null }];
  }
  const rule = formFields(ref.kind).find((field) => field.name === step.field);
  if (step.field === 'translations') {
    return [{ label: texts.t('translating.title', { name }), before: null, after: null }];
  }
  const label = rule === undefined ? step.field : texts.t(rule.label);
  return [{ label: `${name}: ${label}`, before: shown(step.before, texts), after: shown(step.after, texts) }];
}
