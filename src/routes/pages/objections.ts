import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import { describe, namesOf } from '../../list/describe.js';
import { type ObjectionForm, object, readObjectionForm } from '../../objections/object.js';
import type { Objection } from '../../objections/objection.js';
import { keepPrivate } from './private.js';
import type { FieldFault } from './subscription-form.js';
import { answerTestLinks } from './test-links.js';
import { unknownLink } from './unknown-link.js';

type TokenRequest = FastifyRequest<{ Params: { token: string } }>;

const post = z.object({ grounds: z.string() }).catch({ grounds: '' });

/** Objecting without an account, by the link in the notice (GDPR Art. 28(2)). A late one is taken and marked. */
export function objectionRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    keepPrivate(app);
    answerTestLinks(app, deps, 'objection');

    app.get<{ Params: { token: string } }>('/objections/:token', async (request, reply) =>
      guarded(request, reply, async () => {
        const form = await readObjectionForm(deps, request.params.token);
        if (form.state === 'closed') return showWithdrawn(request, reply, form.version);
        // The mail may have been forwarded: what was written is shown to whoever wrote it, once.
        if (form.objection !== null) return showReceipt(reply, form, { ...form.objection, grounds: '' }, true);
        return showForm(request, reply, form, '', []);
      }),
    );

    app.post<{ Params: { token: string } }>('/objections/:token', async (request, reply) =>
      guarded(request, reply, async () => {
        const { token } = request.params;
        const form = await readObjectionForm(deps, token);
        const { grounds } = post.parse(request.body);
        const fault = (key: string) => [{ field: 'grounds', message: texts(request).t(`subscription.faults.${key}`) }];
        if (grounds.trim() === '' && form.state === 'open') {
          return showForm(request, reply, form, grounds, fault('groundsMissing'));
        }
        try {
          const { objection, again } = await object(deps, token, { grounds });
          return showReceipt(reply, form, again ? { ...objection, grounds: '' } : objection, again);
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          if (error.code === 'input.invalid') return showForm(request, reply, form, grounds, fault('grounds'));
          if (error.code === 'objection.closed') return showWithdrawn(request, reply, form.version);
          throw error;
        }
      }),
    );
  };

  async function guarded(request: TokenRequest, reply: FastifyReply, answer: () => Promise<FastifyReply>) {
    try {
      return await answer();
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== 'token.unknown') throw error;
      return unknownLink(deps, request, reply, { of: 'objection' });
    }
  }

  function showForm(
    request: TokenRequest,
    reply: FastifyReply,
    form: ObjectionForm,
    grounds: string,
    errors: FieldFault[],
  ) {
    const account = describe(form.changes, namesOf(form.before, form.after), texts(request));
    return deps.pages.page(
      reply,
      'objection',
      {
        objection: {
          email: form.address,
          version: form.version,
          publishedAt: form.publishedAt,
          effectiveAt: form.effectiveAt,
          objectionDeadline: form.objectionDeadline,
          late: form.late,
          summary: account.summary,
          items: account.groups.flatMap(({ items }) => items),
          details: `/versions/${form.version}`,
        },
        original: account.original,
        grounds,
        errors,
        action: `/objections/${encodeURIComponent(request.params.token)}`,
      },
      { status: errors.length > 0 ? 422 : 200 },
    );
  }

  function showReceipt(reply: FastifyReply, form: ObjectionForm, objection: Objection, again: boolean) {
    const { receivedAt, late, version, grounds } = objection;
    const receipt = { email: form.address, version, receivedAt, late, grounds, again };
    return deps.pages.page(reply, 'objection-receipt', { receipt });
  }

  function showWithdrawn(request: TokenRequest, reply: FastifyReply, version: number) {
    const { t } = texts(request);
    const values = { company: deps.config.companyName, version: String(version) };
    return deps.pages.page(reply, 'subscription-done', {
      title: t('subscription.objection.withdrawn.title'),
      lead: { key: 'subscription.objection.withdrawn.lead', email: null, values },
      text: [],
      links: [{ path: `/versions/${version}`, label: t('subscription.objection.compare'), main: false }],
    });
  }

  function texts(request: TokenRequest) {
    return deps.texts.for(deps.pages.localeOf(request));
  }
}
