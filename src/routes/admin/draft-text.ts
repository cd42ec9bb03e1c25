import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import { hasRole } from '../../actor.js';
import type { AppDeps } from '../../app.js';
import { type Fault, Refusal } from '../../errors.js';
import { writeYaml } from '../../list/write.js';
import { diffDraft, draftAsYaml, readDraft, writeDraft } from '../../versions/draft.js';
import { latestNumber, readVersion } from '../../versions/read.js';
import { type Console, consoleOf } from './console.js';
import { excerptsOf } from './excerpts.js';

/** Three times the limit of a document: what is not ASCII grows so when a form is encoded. */
const formLimit = 7 * 1024 * 1024;
const mostFaults = 50;

const saved = z.object({
  // A browser sends line ends as CR LF, whatever was in the field.
  source: z.string().transform((text) => text.replace(/\r\n?/g, '\n')),
  revision: z.coerce.number().int().nonnegative(),
});

interface DraftView {
  source: string;
  faults: readonly Fault[];
  /** What is saved, when somebody else saved meanwhile. */
  stale: { source: string } | null;
  done: string | null;
  status: number;
}

/** The draft as text, for those who would rather write YAML: faults at their lines, nothing overwritten unseen. */
export function draftTextRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    app.get('/admin/draft/text', { config: { permission: 'viewer' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const { from, done } = z
        .object({ from: z.string().optional(), done: z.string().optional() })
        .parse(request.query);
      const number = from === 'latest' ? await latestNumber(deps.db) : null;
      const latest = number === null ? null : await readVersion(deps.db, number);
      if (latest !== null) {
        const version = String(latest.number);
        return show(console, {
          source: writeYaml(latest.document),
          done: console.texts.t('console.draft.restored', { version }),
        });
      }
      return show(console, { done: done === 'saved' ? await savedText(console) : null });
    });

    app.post(
      '/admin/draft/text',
      { config: { permission: 'editor', keepsText: true }, bodyLimit: formLimit },
      async (request, reply) => {
        const console = consoleOf(deps, request, reply);
        const { source, revision } = saved.parse(request.body);
        try {
          await refuseUnseen(revision);
          const ifRevision = revision === 0 ? undefined : revision;
          await writeDraft(deps, { text: source, format: 'yaml' }, { ifRevision }, console.actor);
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          if (error.code === 'document.invalid') return show(console, { source, faults: error.errors, status: 422 });
          if (error.code === 'draft.stale') return show(console, { source, stale: await theirs(), status: 409 });
          throw error;
        }
        return console.redirect('/admin/draft/text?done=saved');
      },
    );

    /** Who saw no draft must not overwrite one that came meanwhile. */
    async function refuseUnseen(revision: number): Promise<void> {
      if (revision === 0 && (await readDraft(deps.db)) !== null)
        throw new Refusal('draft.stale', 'There is a draft now.');
    }

    async function theirs(): Promise<{ source: string } | null> {
      const draft = await readDraft(deps.db);
      return draft === null ? null : { source: draftAsYaml(draft) };
    }

    async function savedText({ texts }: Console): Promise<string> {
      const { changes } = await diffDraft(deps.db);
      const state = changes.length === 0 ? 'savedSame' : 'savedChanges';
      return `${texts.t('console.draft.saved')} ${texts.t(`console.draft.${state}`, { count: changes.length })}`;
    }

    async function show(console: Console, view: Partial<DraftView>) {
      const [draft, base] = [await readDraft(deps.db), await latestNumber(deps.db)];
      const diff = draft === null ? null : await diffDraft(deps.db);
      const source = view.source ?? (draft === null ? console.texts.t('console.draft.example') : draftAsYaml(draft));
      const faults = [...(view.faults ?? [])].sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
      return console.page(
        'draft-text',
        'draft',
        {
          source,
          revision: String(draft?.revision ?? 0),
          editable: hasRole(console.actor, 'editor'),
          faults: faults.slice(0, mostFaults).map(({ line, message }) => ({ line: line ?? null, message })),
          moreFaults: Math.max(0, faults.length - mostFaults),
          excerpts: excerptsOf(source, faults),
          stale: view.stale ?? null,
          suggestions: (view.status ?? 200) === 200 ? (diff?.suggestions ?? []) : [],
          changes: diff?.changes.length ?? null,
          base,
          updatedAt: draft?.updatedAt ?? null,
          example: draft === null && view.source === undefined,
          done: view.done ?? null,
        },
        { status: view.status ?? 200 },
      );
    }
  };
}
