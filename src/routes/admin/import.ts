import multipart from '@fastify/multipart';
import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { type Fault, Refusal } from '../../errors.js';
import { mostBytes } from '../../list/import/read-source.js';
import { listImports, stageImport } from '../../versions/import.js';
import type { FieldFault } from '../pages/subscription-form.js';
import { type Console, consoleOf } from './console.js';
import { whoAre } from './who.js';

const megabyte = 1024 * 1024;
/** A page that is copied is smaller than its file. */
const mostText = 4 * megabyte;
const mostFaults = 50;

const upload = z.object({ name: z.string(), type: z.string(), bytes: z.instanceof(Uint8Array), isCut: z.boolean() });
const sent = z.object({
  file: upload.optional().catch(undefined),
  text: z.string().default('').catch(''),
});

/** Their list, as they have it: a file or a pasted text, looked at row by row before anything of it is in the draft. */
export function importRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    app.get('/admin/draft/import', { config: { permission: 'editor' } }, async (request, reply) =>
      showStart(consoleOf(deps, request, reply)),
    );

    await app.register(async (scope) => {
      // Read before the form's token is looked at, as that is one of its fields; who has no session sends nothing.
      await scope.register(multipart, {
        attachFieldsToBody: 'keyValues',
        throwFileSizeLimit: false,
        limits: { fileSize: mostBytes, fieldSize: mostText, files: 1, fields: 8, parts: 9, fieldNameSize: 100 },
        async onFile(part) {
          const bytes = await part.toBuffer();
          part.value = { name: part.filename, type: part.mimetype, bytes, isCut: part.file.truncated };
        },
      });
      scope.post(
        '/admin/draft/import',
        // What a session that ended has kept comes without its file, and as a form of text.
        { config: { permission: 'editor', keepsText: true }, bodyLimit: 3 * mostText },
        async (request, reply) => {
          const console = consoleOf(deps, request, reply);
          const { file, text } = sent.parse(request.body);
          const hasFile = file !== undefined && file.bytes.length > 0;
          const fault = (field: 'file' | 'text', key: string) =>
            showStart(console, { text, errors: [{ field, message: console.texts.t(key) }] });
          if (!hasFile && text.trim() === '') return fault('file', 'importing.start.nothing');
          if (hasFile && text.trim() !== '') return fault('file', 'importing.start.both');
          if (hasFile ? file.isCut : Buffer.byteLength(text) >= mostText) {
            return fault(hasFile ? 'file' : 'text', 'import.note.unreadable-too-large');
          }
          const input = hasFile
            ? { bytes: file.bytes, fileName: file.name, contentType: file.type }
            : { bytes: Buffer.from(text), fileName: null, contentType: 'text/plain; charset=utf-8' };
          try {
            return console.redirect(`/admin/draft/import/${await stageImport(deps, input, console.actor)}`);
          } catch (error) {
            if (!(error instanceof Refusal)) throw error;
            const found = faultsOfReading(error, hasFile ? 'file' : 'text', console);
            if (found === null) throw error;
            return showStart(console, { text, ...found });
          }
        },
      );
    });
  };

  async function showStart(
    console: Console,
    view: { text?: string; errors?: FieldFault[]; details?: readonly Fault[] } = {},
  ) {
    const { text = '', errors = [], details = [] } = view;
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
      { status: errors.length > 0 ? 422 : 200 },
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
