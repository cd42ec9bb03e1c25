import type { FastifyPluginAsync } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Actor } from '../../actor.js';
import type { AppDeps } from '../../app.js';
import { type ApprovalState, askApproval, readApprovalState } from '../../versions/approval-request.js';
import { actorOf } from '../guard.js';

const tags = ['draft'];
const instant = z.iso.datetime();

const decisionSchema = z.object({ by: z.looseObject({ kind: z.string() }), at: instant });

export const approvalSchema = z
  .object({
    needed: z.boolean().describe('Whether publishing asks for an approval (FOUR_EYES)'),
    revision: z.number().int().describe('The revision of the draft'),
    hash: z.string().describe('What an approval is bound to: the first change of the draft ends it'),
    approvals: z.array(decisionSchema),
    asked: decisionSchema.nullable().describe('Since when the publishers are asked to approve; null: they are not'),
  })
  .meta({ id: 'Approval' });

export function approvalJson(state: ApprovalState): z.infer<typeof approvalSchema> {
  const decision = ({ by, at }: { by: Actor; at: Date }) => ({ by: { ...by }, at: at.toISOString() });
  return {
    ...state,
    approvals: state.approvals.map(decision),
    asked: state.asked === null ? null : decision(state.asked),
  };
}

/**
 * How the approval of the draft stands, and the request for one. Approving itself has no route here: the
 * second pair of eyes is a person's, and a token acts for nobody; whoever holds one could approve what they
 * have written themselves. People approve in the console, signed in.
 */
export function approvalApiRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (scope) => {
    const app = scope.withTypeProvider<ZodTypeProvider>();
    app.get(
      '/api/v1/draft/approval',
      {
        config: { permission: 'viewer' },
        schema: {
          operationId: 'readApproval',
          tags,
          summary: 'Who has approved the draft as it is, and whether approval is asked for',
          response: { 200: approvalSchema },
        },
      },
      async () => approvalJson(await readApprovalState(deps)),
    );
    app.post(
      '/api/v1/draft/approval-request',
      {
        config: { permission: 'editor' },
        schema: {
          operationId: 'askApproval',
          tags,
          summary: 'Asks the publishers to approve the draft in the console: a task, and a letter to each',
          response: { 200: approvalSchema },
        },
      },
      async (request) => approvalJson(await askApproval(deps, actorOf(request))),
    );
  };
}
