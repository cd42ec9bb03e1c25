import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import { hasRole } from '../../actor.js';
import type { AppDeps } from '../../app.js';
import { type EntryRef, findEntry, type LooseEntry, nameOfEntry, refText } from '../../list/entry-ref.js';
import { wordsIn } from '../../list/localize.js';
import { editDraft } from '../../versions/draft-edit.js';
import { faultsOf } from './autosave.js';
import { type Console, consoleOf } from './console.js';
import { entryMissing, refOfRequest } from './entry.js';
import { type FormFault, formFaults } from './entry-faults.js';
import { languageChoices, readWords, translationFields, translationsPath, wordsStep } from './translations-form.js';
import { titleOf, workingList } from './working-list.js';

/** Three times what an entry may hold: what is not ASCII grows so when a form is encoded. */
const formLimit = 2 * 1024 * 1024;
const paths = ['/:kind', '/:kind/:id', '/:kind/:id/:part'];
const query = z.object({
  to: z.string().max(35).optional().catch(undefined),
  done: z.literal('saved').optional().catch(undefined),
});
/** `base`: the words that were there when the form was made. */
const form = z.object({ to: z.string().max(35), base: z.string().catch('') });

interface Shown {
  to: string | undefined;
  words?: LooseEntry;
  base?: string;
  errors?: readonly FormFault[];
  done?: string | null;
  status?: number;
}

/** An entry of the draft in other languages, one language at a time. */
export function translationRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    for (const path of paths) {
      app.get(`/admin/draft/translations${path}`, { config: { permission: 'viewer' } }, async (request, reply) => {
        const console = consoleOf(deps, request, reply);
        const { to, done } = query.parse(request.query);
        return show(console, refOfRequest(request), {
          to,
          done: done === undefined ? null : console.texts.t('editor.saved'),
        });
      });

      app.post(
        `/admin/draft/translations${path}`,
        { config: { permission: 'editor', keepsText: true }, bodyLimit: formLimit },
        async (request, reply) => {
          const console = consoleOf(deps, request, reply);
          const ref = refOfRequest(request);
          const { to, base } = form.parse(request.body);
          const { document } = await workingList(deps, console);
          const entry = findEntry(document, ref);
          if (entry === null) throw entryMissing();
          const words = readWords(ref.kind, entry, request.body);
          const conflict = (): Shown => ({
            ...{ to, words, status: 409 },
            errors: [{ field: null, label: null, message: console.texts.t('translating.conflict'), lang: null }],
          });
          // Whoever sends the form again has seen what others wrote.
          if (base !== JSON.stringify(wordsIn(entry, to))) return show(console, ref, conflict());
          try {
            const result = await editDraft(deps, wordsStep(ref, entry, to, words), console.actor, titleOf(console));
            if (!result.saved) return await show(console, ref, conflict());
            return console.redirect(`${translationsPath(ref, to)}&done=saved`);
          } catch (error) {
            const errors = formFaults(ref, document, faultsOf(error), console.texts);
            return show(console, ref, { to, words, base, errors, status: 422 });
          }
        },
      );
    }
  };

  async function show(
    console: Console,
    ref: EntryRef,
    { to, words, base, errors = [], done = null, status = 200 }: Shown,
  ) {
    const { document } = await workingList(deps, console);
    const entry = findEntry(document, ref);
    if (entry === null) throw entryMissing();
    const { texts } = console;
    const source = deps.texts;
    const offered = languageChoices({ ref, entry, document, current: '' }, { texts, source });
    const language = to ?? offered.find(({ begun }) => begun)?.language ?? offered[0]?.language ?? '';
    const known = wordsIn(entry, language);
    return console.page(
      'translations',
      'draft',
      {
        title: nameOfEntry(entry, ref),
        entryPath: `/admin/draft/entry/${refText(ref)}`,
        action: translationsPath(ref),
        writtenIn: document.language ?? null,
        language,
        languages: languageChoices({ ref, entry, document, current: language }, { texts, source }),
        fields: translationFields(ref.kind, entry, words ?? known, texts),
        base: base ?? JSON.stringify(known),
        editable: hasRole(console.actor, 'editor'),
        errors,
        done,
      },
      { status },
    );
  }
}
