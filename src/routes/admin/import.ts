import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { type Fault, Refusal } from '../../errors.js';
import { mostBytes } from '../../list/import/read-source.js';
import { listImports, stageImport } from '../../versions/import.js';
import type { FieldFault } from '../pages/subscription-form.js';
import { chosenFile, takeUploads } from '../uploads.js';
import { type Console, consoleOf } from './console.js';
import { whoAre } from './who.js';

const mostFaults = 50;

const sent = z.object({ file: z.unknown().optional(), text: z.string().default('').catch('') });

/** Their list, as they have it: a file or a pasted text, looked at row by row before anything of it is in the draft. */
export function importRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    app.get('/admin/draft/import', { config: { permission: 'editor' } }, async (request, reply) =>
      showStart(consoleOf(deps, request, reply)),
    );

    await takeUploads(app, {
      fileSize: mostBytes,
      onTooLarge: async (request, reply) => {
        const console = consoleOf(deps, request, reply);
        const message = console.texts.t('import.note.unreadable-too-large');
        return showStart(console, { errors: [{ field: 'file', message }], status: 413 });
      },
    });
    app.post(
      '/admin/draft/import',
      { config: { permission: 'editor', keepsText: true }, bodyLimit: mostBytes },
      async (request, reply) => {
        const console = consoleOf(deps, request, reply);
        const { file: field, text } = sent.parse(request.body);
        const file = chosenFile(field);
        const fault = (key: string) =>
          showStart(console, { text, errors: [{ field: 'file', message: console.texts.t(key) }] });
        if (file === null && text.trim() === '') return fault('importing.start.nothing');
        if (file !== null && text.trim() !== '') return fault('importing.start.both');
        const input =
          file === null
            ? { bytes: Buffer.from(text), fileName: null, contentType: 'text/plain; charset=utf-8' }
            : { bytes: file.bytes, fileName: file.name, contentType: file.type };
        try {
          return console.redirect(`/admin/draft/import/${await stageImport(deps, input, console.actor)}`);
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          const found = faultsOfReading(error, file === null ? 'text' : 'file', console);
          if (found === null) throw error;
          return showStart(console, { text, ...found });
        }
      },
    );
  };

  async function showStart(
    console: Console,
    view: { text?: string; errors?: FieldFault[]; details?: readonly Fault[]; status?: number } = {},
  ) {
    const { text = '', errors = [], details = [], status = errors.length > 0 ? 422 : 200 } = view;
    const waiting = await listImports(deps.db);
    const who = whoAre(deps.db, console.texts);
    return console.page(
      'import-start',
      'draft',
      {
        text,
        errors,
        details: details.slice(0, mostFaults).map(({ path, line, message }) => ({ path, line: line ?? null, message })),
        waiting: await Promise.all(
          waiting.map(async ({ id, fileName, createdAt, by }) => ({ id, fileName, at: createdAt, by: await who(by) })),
        ),
      },
      { status },
    );
  }
}

/** Why a file cannot be read, as a sentence at its field; null for what no other file would mend. */
function faultsOfReading(
  { code, errors }: Refusal,
  field: 'file' | 'text',
  { texts }: Console,
): { errors: FieldFault[]; details: readonly Fault[] } | null {
  if (code === 'document.invalid') {
    return { errors: [{ field, message: texts.t('importing.start.ownForm') }], details: errors };
  }
  if (code !== 'import.unreadable') return null;
  const [{ path = '' } = {}, ...details] = errors;
  const key = `import.note.unreadable-${path}`;
  return { errors: [{ field, message: texts.t(texts.has(key) ? key : 'problems.import.unreadable') }], details };
}
