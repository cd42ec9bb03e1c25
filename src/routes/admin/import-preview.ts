import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { type Fault, Refusal } from '../../errors.js';
import { readEdits } from '../../versions/draft-edit.js';
import {
  applyImport,
  decidePairs,
  discardImport,
  readImport,
  remapImport,
  type StagedImport,
  wasApplied,
} from '../../versions/import.js';
import { clashesOf, isEmptyImport, type PairDecisions, type PlannedPair } from '../../versions/import-plan.js';
import type { FieldFault } from '../pages/subscription-form.js';
import { type Console, consoleOf } from './console.js';
import { decisionsOf, importForm, mappingOf, modeOf, pairField } from './import-form.js';
import { pairViews, remarksView, resultView, rowViews, tablesOfPage, tableViews } from './import-view.js';
import { whoIs } from './who.js';

const params = z.object({ id: z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER) });
const position = z.coerce.number().int().nonnegative().default(0).catch(0);
const query = z.object({
  from: position,
  tables: position,
  left: z.literal('1').optional().catch(undefined),
  done: z.enum(['mapped', 'decided', 'look', 'changed']).optional().catch(undefined),
});
const deeds = z.enum(['map', 'pairs', 'look', 'take']).catch('map');

interface Attempt {
  errors?: FieldFault[];
  status?: number;
}

/** An import, looked at and put right before it is the draft: nothing takes effect that its preview has not shown. */
export function importPreviewRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    app.get('/admin/draft/import/:id', { config: { permission: 'editor' } }, async (request, reply) => {
      const staged = await readImport(deps.db, params.parse(request.params).id);
      return show(consoleOf(deps, request, reply), staged, query.parse(request.query));
    });

    app.post(
      '/admin/draft/import/:id',
      { config: { permission: 'editor', keepsText: true }, bodyLimit: 2 * 1024 * 1024 },
      async (request, reply) => {
        const console = consoleOf(deps, request, reply);
        const { id } = params.parse(request.params);
        const form = importForm.parse(request.body);
        const staged = await readUnlessApplied(id);
        if (staged === null) return console.redirect('/admin/draft?done=imported');
        const { mapping, faults } = mappingOf(form, staged.source, staged.mapping);
        const mode = modeOf(form, staged.mode);
        const decisions = decisionsOf(form, staged.plan.pairs);
        const pairs = decided(staged.plan.pairs, decisions);
        const tables = position.parse(form.tables?.[0]);
        const errors = [...faultsOfMapping(faults, console), ...faultsOfPairs(pairs, console)];
        if (errors.length > 0) {
          const typed = { ...staged, mapping, mode, plan: { ...staged.plan, pairs } };
          return show(console, typed, { ...query.parse({}), tables }, { errors, status: 422 });
        }
        const isMapped = JSON.stringify([mapping, mode]) !== JSON.stringify([staged.mapping, staged.mode]);
        const isDecided = JSON.stringify(pairs) !== JSON.stringify(staged.plan.pairs);
        if (isDecided) await decidePairs(deps, id, decisions);
        if (isMapped) await remapImport(deps, id, { mapping, mode });
        const here = `/admin/draft/import/${id}?tables=${tables}&done=`;
        switch (deeds.parse(form.do?.[0])) {
          case 'map':
            return console.redirect(`${here}mapped#understood`);
          case 'pairs':
            return console.redirect(`${here}decided#pairs`);
          case 'look':
            return console.redirect(`${here}look#result`);
          case 'take':
            // Nobody takes over what they have not seen.
            if (isMapped || isDecided) return console.redirect(`${here}changed#result`);
            return take(console, id, form.seen?.[0] ?? '');
        }
      },
    );

    app.post('/admin/draft/import/:id/discard', { config: { permission: 'editor' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      await discardImport(deps, params.parse(request.params).id);
      return console.redirect('/admin/draft/import');
    });
  };

  /** Null: it was taken over, by a first click or by somebody else. */
  async function readUnlessApplied(id: number): Promise<StagedImport | null> {
    try {
      return await readImport(deps.db, id);
    } catch (error) {
      if (error instanceof Refusal && error.code === 'import.missing' && (await wasApplied(deps.db, id))) return null;
      throw error;
    }
  }

  async function take(console: Console, id: number, seen: string) {
    try {
      await applyImport(deps, id, seen, console.actor);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const message = await sentenceOf(error, console);
      if (message === null) throw error;
      const status = error.code === 'draft.stale' ? 409 : 422;
      const staged = await readImport(deps.db, id);
      return show(console, staged, query.parse({}), { errors: [{ field: null, message }], status });
    }
    return console.redirect('/admin/draft?done=imported');
  }

  async function sentenceOf({ code }: Refusal, { texts }: Console): Promise<string | null> {
    if (code === 'input.invalid') return texts.t('importing.faults.empty');
    if (code === 'document.invalid') return texts.t('importing.faults.document');
    if (code !== 'draft.stale') return null;
    const [last] = (await readEdits(deps.db, { limit: 1 })).edits;
    if (last === undefined) return texts.t('importing.faults.stale');
    const who = await whoIs(deps.db, last.by, texts);
    return texts.t('importing.faults.staleBy', { who, moment: texts.moment(last.at) });
  }

  async function show(
    console: Console,
    staged: StagedImport,
    { from, tables, left, done }: z.infer<typeof query>,
    { errors = [], status = 200 }: Attempt = {},
  ) {
    const { texts } = console;
    const { id, source, plan, fileName, mode, seen } = staged;
    const pairs = pairViews(plan, texts);
    return console.page(
      'import',
      'draft',
      {
        id,
        fileName,
        mode,
        seen,
        own: source.list !== null,
        format: texts.t(`importing.formats.${source.format}`),
        encoding: source.format === 'xlsx' ? null : source.encoding,
        tableCount: source.tables.length,
        rowCount: plan.built.rows.length,
        rowsLeft: plan.rowsLeft,
        entries: plan.entries,
        tables: tableViews(staged, tables, texts),
        tablesFrom: tables,
        tablesBefore: tables === 0 ? null : Math.max(0, tables - tablesOfPage),
        tablesAfter: tables + tablesOfPage < source.tables.length ? tables + tablesOfPage : null,
        filter: { from, left: left === '1' },
        rows: rowViews(staged, { from, left: left === '1' }, texts),
        ...remarksView(staged, texts),
        pairs,
        undecided: pairs.filter(({ choices }) => !choices.some(({ chosen }) => chosen)).length,
        result: resultView(plan, texts),
        empty: isEmptyImport(staged, plan),
        goesOn: plan.known === null ? null : plan.known.subProcessors.length,
        faults: plan.faults.slice(0, 20).map(({ path, message }) => ({ path, message })),
        errors,
        done: done === undefined ? null : texts.t(`importing.done.${done}`),
      },
      { status },
    );
  }
}

function decided(pairs: readonly PlannedPair[], decisions: PairDecisions): PlannedPair[] {
  return pairs.map((pair) => {
    const decision = Object.hasOwn(decisions, pair.key) ? decisions[pair.key] : pair.decision;
    return { ...pair, decision };
  });
}

function faultsOfMapping(faults: readonly Fault[], { texts }: Console): FieldFault[] {
  return faults.map(({ path }) => ({ field: path, message: texts.t('importing.faults.kind') }));
}

function faultsOfPairs(pairs: readonly PlannedPair[], { texts }: Console): FieldFault[] {
  return clashesOf(pairs).map((key) => ({ field: pairField(key), message: texts.t('importing.faults.clash') }));
}
