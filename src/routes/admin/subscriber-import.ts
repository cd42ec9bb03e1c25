import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import { csvFaultOf } from '../../subscribers/csv.js';
import { listGroups } from '../../subscribers/groups.js';
import { applyImport } from '../../subscribers/import-apply.js';
import { outcomes } from '../../subscribers/import-outcome.js';
import {
  browseLines,
  discardImport,
  previewImport,
  readImport,
  waitingImports,
} from '../../subscribers/import-preview.js';
import { type FieldFault, knownServicesOf } from '../pages/subscription-form.js';
import { chosenFile, takeUploads } from '../uploads.js';
import { type Console, consoleOf } from './console.js';
import { countsView, csvFaultText, lineView, reasonOf } from './subscriber-import-view.js';

const pageSize = 50;
export const largestFile = 7 * 1024 * 1024;
const home = '/admin/subscribers/import';
const params = z.object({ id: z.uuid() });
const query = z.object({
  outcome: z.enum(outcomes).optional().catch(undefined),
  after: z.coerce.number().int().nonnegative().optional().catch(undefined),
  done: z.enum(['discarded', 'late']).optional().catch(undefined),
});
const form = z.object({ csv: z.string().default(''), file: z.unknown().optional() });

/** A file of subscribers: brought, looked at line by line, and only then put into effect. */
export function subscriberImportRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    await takeUploads(app, {
      fileSize: largestFile,
      // What was typed is not shown again: it is longer than any person types.
      onTooLarge: (request, reply) => showForm(consoleOf(deps, request, reply), { status: 413, fault: 'too-large' }),
    });

    app.get(home, { config: { permission: 'admin' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const { done } = query.parse(request.query);
      return showForm(console, { done: done === 'discarded' ? console.texts.t('subscriber-import.discarded') : null });
    });

    app.post(
      home,
      { config: { permission: 'admin', keepsText: true }, bodyLimit: largestFile },
      async (request, reply) => {
        const console = consoleOf(deps, request, reply);
        const { csv, file: field } = form.parse(request.body);
        const file = chosenFile(field);
        if (file === null && csv.trim() === '') return showForm(console, { status: 422, fault: 'nothing' });
        if (file !== null && csv.trim() !== '') return showForm(console, { status: 422, fault: 'both', csv });
        try {
          const id = await previewImport(deps, file ?? { text: `${csv}\n` }, console.actor, {
            knownServices: await knownServicesOf(deps),
          });
          return console.redirect(`${home}/${id}`);
        } catch (error) {
          if (!(error instanceof Refusal) || error.code !== 'csv.invalid') throw error;
          const message = csvFaultText(csvFaultOf(error), error.errors[0]?.line, console.texts);
          return showForm(console, { status: 422, csv, errors: [{ field: file === null ? 'csv' : 'file', message }] });
        }
      },
    );

    app.get(`${home}/:id`, { config: { permission: 'admin' } }, async (request, reply) => showPreview(request, reply));

    app.post(`${home}/:id/apply`, { config: { permission: 'admin' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const { id } = params.parse(request.params);
      await applyImport(deps, id, console.actor);
      return console.redirect(`${home}/${id}`);
    });

    app.post(`${home}/:id/discard`, { config: { permission: 'admin' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const { id } = params.parse(request.params);
      return console.redirect((await discardImport(deps, id)) ? `${home}?done=discarded` : `${home}/${id}?done=late`);
    });
  };

  async function showForm(
    console: Console,
    options: {
      status?: number;
      csv?: string;
      fault?: 'nothing' | 'both' | 'too-large';
      errors?: FieldFault[];
      done?: string | null;
    },
  ) {
    const { texts } = console;
    const { status = 200, csv = '', fault, done = null } = options;
    const errors =
      fault === undefined
        ? (options.errors ?? [])
        : [{ field: 'file', message: texts.t(`subscriber-import.faults.${fault}`) }];
    const waiting = await waitingImports(deps.db);
    return console.page(
      'subscriber-import',
      'subscribers',
      {
        csv,
        errors,
        done,
        waiting: waiting.map(({ id, name, createdAt, counts }) => ({
          path: `${home}/${id}`,
          name: name ?? texts.t('subscriber-import.pasted'),
          createdAt,
          lines: totalOf(counts),
        })),
      },
      { status },
    );
  }

  async function showPreview(request: FastifyRequest, reply: FastifyReply) {
    const console = consoleOf(deps, request, reply);
    const { texts } = console;
    const { id } = params.parse(request.params);
    const { outcome, after, done } = query.parse(request.query);
    const found = await readImport(deps.db, id);
    const path = `${home}/${id}`;
    const { state, result } = found;
    if (state === 'applied') {
      return console.page('subscriber-import-done', 'subscribers', {
        appliedAt: found.appliedAt,
        counts: countsView(result.counts, texts, null),
        total: totalOf(result.counts),
        gone: totalOf(found.counts) - totalOf(result.counts),
        different: result.different,
        differences: result.differences.map(({ line, shown, now, why, left }) => ({
          line,
          shown: texts.t(`subscriber-import.outcomes.${shown}`),
          now: texts.t(`subscriber-import.outcomes.${now}`),
          because: left ? texts.t('subscriber-import.result.left') : reasonOf({ outcome: now, why, facts: {} }, texts),
        })),
      });
    }
    const { lines, next } = await browseLines(deps.db, id, { outcome, after, limit: pageSize });
    const groups = await listGroups(deps.db);
    const { confirmed = 0, asked = 0, updated = 0 } = found.counts;
    return console.page('subscriber-import-preview', 'subscribers', {
      path,
      fileName: found.name,
      encoding: found.encoding,
      createdAt: found.createdAt,
      applying: state === 'applying',
      late: done === 'late',
      counts: countsView(found.counts, texts, path),
      total: totalOf(found.counts),
      effects: { confirmed, asked, updated, any: confirmed + asked + updated > 0 },
      outcome: outcome ?? null,
      lines: lines.map((line) => lineView(line, texts, groups)),
      nextPath:
        next === null ? null : `${path}?${new URLSearchParams({ outcome: outcome ?? '', after: String(next) })}#lines`,
    });
  }
}

function totalOf(counts: Partial<Record<string, number>>): number {
  return Object.values(counts).reduce<number>((sum, count) => sum + (count ?? 0), 0);
}
