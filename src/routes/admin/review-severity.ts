import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import { type Change, severitySchema } from '../../list/change.js';
import { anchorOf, describe, namesOf } from '../../list/describe.js';
import { changeKeySchema, keyOf, mayBeLowered } from '../../list/grading.js';
import { diffDraft, readDraft } from '../../versions/draft.js';
import { readVersion } from '../../versions/read.js';
import { gradeChange } from '../../versions/review.js';
import type { FieldFault } from '../pages/subscription-form.js';
import { type Console, consoleOf } from './console.js';
import { pageOfChange } from './review.js';

const path = '/admin/review/severity';
const none = '';
const form = changeKeySchema.extend({
  dataSubject: z
    .string()
    .max(200)
    .transform((text) => (text === '' ? undefined : text))
    .optional(),
  severity: severitySchema,
  reason: z.string().default(''),
  seenSeverity: z.union([z.literal(none), severitySchema]).default(none),
  seenReason: z.string().default(''),
});

/** The severity of one change: what the rules say and why, and what a person sets instead. */
export function reviewSeverityRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    app.get(path, { config: { permission: 'editor' } }, async (request, reply) => {
      const key = changeKeySchema.parse(request.query);
      return show(consoleOf(deps, request, reply), key, null);
    });

    app.post(path, { config: { permission: 'editor', keepsText: true } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const { seenSeverity, seenReason, ...wanted } = form.parse(request.body);
      const seen = seenSeverity === none ? null : { severity: seenSeverity, reason: seenReason };
      try {
        await gradeChange(deps, wanted, { seen }, console.actor);
        return console.redirect(await placeOf(wanted));
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        const faults = faultsOf(error, console.texts);
        if (faults === null) throw error;
        return show(console, wanted, wanted, faults, error.code === 'draft.stale' ? 409 : 422);
      }
    });
  };

  /** Where the change stands now: it may have gone to another page. */
  async function placeOf(key: z.infer<typeof changeKeySchema>): Promise<string> {
    const { changes } = await diffDraft(deps.db);
    const change = find(changes, key);
    if (change === undefined) return '/admin/review?done=severity';
    return `/admin/review?done=severity&page=${pageOfChange(changes, change)}#${anchorOf(change)}`;
  }

  async function show(
    console: Console,
    key: z.infer<typeof changeKeySchema>,
    typed: { severity: Change['severity']; reason: string } | null,
    errors: FieldFault[] = [],
    status = 200,
  ) {
    const draft = await readDraft(deps.db);
    const { from, changes } = draft === null ? { from: null, changes: [] } : await diffDraft(deps.db);
    const change = find(changes, key);
    if (draft === null || change === undefined || !change.notifiable) {
      const { texts } = console;
      const gone = { title: texts.t('review.severity.goneTitle'), lead: texts.t('review.severity.gone') };
      const way = { path: '/admin/review', label: texts.t('console.review.title') };
      return console.page('message', 'review', { ...gone, way }, { status: 404 });
    }
    const before = from === null ? null : await readVersion(deps.db, from);
    const names = namesOf(before?.document ?? null, draft.document);
    const stored = draft.gradings.find((one) => keyOf(one) === keyOf(key));
    const seen = stored === undefined ? null : { severity: stored.severity, reason: stored.reason };
    return console.page(
      'review-severity-form',
      'review',
      {
        path,
        key: { kind: key.kind, id: key.id, dataSubject: key.dataSubject ?? '' },
        account: describe([change], names, console.texts),
        called: change.name,
        rules: change.grading?.from ?? change.severity,
        mayBeLowered: mayBeLowered(change),
        broken: stored !== undefined && change.grading === undefined,
        severities: severitySchema.options,
        values: typed ?? { severity: change.severity, reason: change.grading?.reason ?? stored?.reason ?? '' },
        seen: { severity: seen?.severity ?? none, reason: seen?.reason ?? '' },
        errors,
      },
      { status },
    );
  }
}

function find(changes: readonly Change[], key: z.infer<typeof changeKeySchema>): Change | undefined {
  return changes.find((change) => keyOf(change) === keyOf(key));
}

/** Null: nothing that this page can say. */
function faultsOf({ code }: Refusal, texts: Console['texts']): FieldFault[] | null {
  switch (code) {
    case 'severity.too-low':
      return [{ field: 'severity-material', message: texts.t('review.severity.tooLow') }];
    case 'reason.missing':
      return [{ field: 'reason', message: texts.t('review.severity.reasonMissing') }];
    case 'input.invalid':
      return [{ field: 'reason', message: texts.t('review.severity.reasonLong') }];
    case 'draft.stale':
      return [{ field: null, message: texts.t('review.severity.stale') }];
    case 'change.missing':
      return [];
    default:
      return null;
  }
}
