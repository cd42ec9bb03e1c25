import { createHash } from 'node:crypto';
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { hasRole } from '../../actor.js';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import type { EditStep } from '../../list/edit.js';
import { type EntryRef, findEntry, nameOfEntry, parseRef, refText } from '../../list/entry-ref.js';
import { diffDraft } from '../../versions/draft.js';
import { editDraft, readEdits } from '../../versions/draft-edit.js';
import { joinEntries } from '../../versions/join.js';
import { latestNumber } from '../../versions/read.js';
import { type Console, consoleOf } from './console.js';
import { moveStep, removalOf } from './draft-steps.js';
import { draftOverview } from './draft-view.js';
import { entryMissing, refOfRequest } from './entry.js';
import { movedQuery, movedView, moves, placeView } from './moved.js';
import { whoIs } from './who.js';
import { titleOf, workingList } from './working-list.js';

const pageSize = 50;
const query = z.object({
  q: z.string().max(200).default('').catch(''),
  from: z.coerce.number().int().nonnegative().default(0).catch(0),
  done: z.string().max(200).optional().catch(undefined),
  ...movedQuery.shape,
});
const joined = z.object({ removed: z.string(), added: z.string(), revision: z.coerce.number().int() });
const moved = z.object({
  ref: z.string().max(300),
  to: z.union([z.enum(moves), z.coerce.number().int().positive()]),
  /** The page to come back to. */
  back: z.string().max(300).default('/admin/draft'),
});
const removed = z.object({
  /** What the page showed that asked. */
  seen: z.string().max(100).default(''),
});
const removalPaths = ['/:kind/:id', '/:kind/:id/:part'];

/** The draft as a whole: what it holds in its order, what is new in it, and what can be done with it. */
export function draftRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    app.get('/admin/draft', { config: { permission: 'viewer' } }, async (request, reply) =>
      show(consoleOf(deps, request, reply), query.parse(request.query)),
    );

    app.post('/admin/draft/join', { config: { permission: 'editor' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const { revision, ...pair } = joined.parse(request.body);
      try {
        await joinEntries(deps, pair, { ifRevision: revision }, console.actor);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        const problem = { field: null, message: console.texts.t('console.refusals.stale') };
        return show(console, query.parse({}), { errors: [problem], status: 409 });
      }
      return console.redirect(`/admin/draft?done=${encodeURIComponent(`joined:${pair.removed}`)}`);
    });

    app.post('/admin/draft/move', { config: { permission: 'editor' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const { ref: text, to, back } = moved.parse(request.body);
      const ref = parseRef(text);
      const { document } = await workingList(deps, console);
      if (ref === null || placeView(document, text) === null) throw entryMissing();
      const step = moveStep(document, ref, to);
      if (step !== null) await editDraft(deps, [step], console.actor, titleOf(console));
      return console.redirect(await pageOfMoved(console, { ref: text, to, back }));
    });

    for (const path of removalPaths) {
      app.get(`/admin/draft/removal${path}`, { config: { permission: 'editor' } }, async (request, reply) =>
        showRemoval(consoleOf(deps, request, reply), removedRef(request)),
      );

      app.post(`/admin/draft/removal${path}`, { config: { permission: 'editor' } }, async (request, reply) => {
        const console = consoleOf(deps, request, reply);
        const ref = removedRef(request);
        const { document } = await workingList(deps, console);
        const removal = removalOf(document, ref);
        if (removal !== null) {
          // Nobody takes out what they have not seen: who uses it, and what it says, may have changed.
          if (removed.parse(request.body).seen !== markOf(removal)) return showRemoval(console, ref, true);
          const result = await editDraft(deps, removal.steps, console.actor, titleOf(console));
          if (!result.saved) return showRemoval(console, ref, true);
        }
        const back =
          ref.kind === 'data-category' ? `/admin/draft/entry/data-subject/${ref.dataSubject}` : '/admin/draft';
        return console.redirect(`${back}?done=removed`);
      });
    }
  };

  async function show(
    console: Console,
    { q, from, done, ...rest }: z.infer<typeof query>,
    { errors = [], status = 200 }: { errors?: { field: null; message: string }[]; status?: number } = {},
  ) {
    const { document, draft } = await workingList(deps, console);
    const diff = draft === null ? null : await diffDraft(deps.db);
    const { edits } = await readEdits(deps.db, { limit: 1 });
    const [last] = edits;
    const justMoved = movedView(document, rest, console.texts);
    return console.page(
      'draft',
      'draft',
      {
        ...draftOverview(document, diff, { q, from, size: pageSize }, console.texts),
        filter: { q, from },
        started: draft !== null,
        changes: diff?.changes.length ?? null,
        suggestions: diff?.suggestions ?? [],
        revision: String(draft?.revision ?? 0),
        base: diff === null ? await latestNumber(deps.db) : diff.from,
        lastEdit: last === undefined ? null : { at: last.at, by: await whoIs(deps.db, last.by, console.texts) },
        editable: hasRole(console.actor, 'editor'),
        scripts: hasRole(console.actor, 'editor') ? ['editor.js', 'reorder.js'] : [],
        errors,
        justMoved,
        done: justMoved?.text ?? (await doneText(console, done)),
      },
      { status },
    );
  }

  /** The page on which one was, with the entry that was moved on it. */
  async function pageOfMoved(
    console: Console,
    { ref, to, back }: { ref: string; to: z.infer<typeof moved>['to']; back: string },
  ): Promise<string> {
    const safe = /^\/admin\/draft(?:[/?][\w\-./?=&%+]*)?$/.test(back) ? back : '/admin/draft';
    const page = new URL(safe, 'http://console');
    page.searchParams.set('moved', ref);
    page.searchParams.delete('to');
    if (typeof to === 'string') page.searchParams.set('to', to);
    const { document } = await workingList(deps, console);
    const place = placeView(document, ref)?.place ?? 1;
    if (page.pathname === '/admin/draft' && (page.searchParams.get('q') ?? '') === '' && /^sub-processor\//.test(ref)) {
      page.searchParams.set('from', String(Math.floor((place - 1) / pageSize) * pageSize));
    }
    return page.pathname + page.search;
  }

  async function showRemoval(console: Console, ref: EntryRef, changed = false) {
    const { document } = await workingList(deps, console);
    const removal = removalOf(document, ref);
    if (removal === null) throw entryMissing();
    return console.page(
      'entry-removal',
      'draft',
      {
        ref: refText(ref),
        called: nameOfEntry(findEntry(document, ref), ref),
        kind: ref.kind,
        users: removal.users,
        seen: markOf(removal),
        changed,
      },
      { status: changed ? 409 : 200 },
    );
  }

  async function doneText(console: Console, done: string | undefined): Promise<string | null> {
    if (done === 'removed' || done === 'undone' || done === 'imported') return console.texts.t(`editor.${done}`);
    const [, id] = /^joined:([a-z0-9-]{1,120})$/.exec(done ?? '') ?? [];
    if (id === undefined) return null;
    const { document } = await workingList(deps, console);
    const entry = document.subProcessors.find((one) => one.id === id);
    return entry === undefined ? null : console.texts.t('console.draft.joined', { id: entry.id, added: entry.name });
  }
}

/** Changes with everything that a removal would do. */
function markOf({ steps }: { steps: readonly EditStep[] }): string {
  return createHash('sha256').update(JSON.stringify(steps)).digest('base64url').slice(0, 22);
}

function removedRef(request: FastifyRequest): EntryRef {
  const ref = refOfRequest(request);
  if (ref.kind === 'list') throw entryMissing();
  return ref;
}
