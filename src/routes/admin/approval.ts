import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import { hasRole, isSamePerson } from '../../actor.js';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import { askApproval } from '../../versions/approval-request.js';
import { readApprovalRequest } from '../../versions/approval-task.js';
import { approveDraft, readApprovals } from '../../versions/approve.js';
import type { Draft } from '../../versions/draft.js';
import { reviewMark } from '../../versions/draft-hash.js';
import { type Console, consoleOf } from './console.js';
import { whoAre } from './who.js';

const seen = z.object({ revision: z.coerce.number().int(), reviewed: z.string().max(100).optional() });
const query = z.object({ approved: z.enum(['yes', 'stale', 'asked']).optional().catch(undefined) });

/** The second pair of eyes: somebody else than the one who publishes has looked at exactly this draft. */
export function approvalRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    app.post('/admin/draft/approve', { config: { permission: 'publisher' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      try {
        await approveDraft(deps, seen.parse(request.body), console.actor);
        return console.redirect('/admin/review?approved=yes');
      } catch (error) {
        if (!(error instanceof Refusal) || error.code !== 'draft.stale') throw error;
        return console.redirect('/admin/review?approved=stale');
      }
    });

    app.post('/admin/draft/approval-request', { config: { permission: 'editor' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const { asked } = await askApproval(deps, console.actor);
      // Somebody may have approved it in this moment.
      return console.redirect(asked === null ? '/admin/review' : '/admin/review?approved=asked');
    });
  };
}

/** What the page that comes after it says. */
export function approvedView({ texts }: Console, search: unknown): object {
  const { approved } = query.parse(search);
  if (approved === undefined) return {};
  if (approved === 'yes') return { done: texts.t('approval.done') };
  if (approved === 'asked') return { done: texts.t('approval-request.done') };
  return { errors: [{ field: null, message: texts.t('approval.stale') }] };
}

/** Who has approved the draft, and whether this admin may; null where one pair of eyes is enough. */
export async function approvalView(
  { db, config }: Pick<AppDeps, 'db' | 'config'>,
  { actor, texts }: Console,
  draft: Draft,
) {
  if (!config.fourEyes) return null;
  const approvals = await readApprovals(db, draft);
  const who = whoAre(db, texts);
  const asked = await readApprovalRequest(db);
  const enough = approvals.some(({ by }) => !isSamePerson(by, actor));
  const own = approvals.some(({ by }) => isSamePerson(by, actor));
  return {
    revision: String(draft.revision),
    reviewed: reviewMark(draft),
    by: await Promise.all(approvals.map(async ({ by, at }) => ({ who: await who(by), at }))),
    own,
    /** Somebody else has, so this admin may publish. */
    enough,
    may: !own && hasRole(actor, 'publisher'),
    asked: asked === null ? null : { who: await who(asked.by), at: asked.at },
    mayAsk: !enough && !own && asked === null && hasRole(actor, 'editor'),
  };
}
