import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import { toldOfChoices } from '../../subscribers/details.js';
import { requestManageLink } from '../../subscribers/manage.js';
import { type Preferences, readPreferences, savePreferences } from '../../subscribers/preferences.js';
import { readLink, signLink } from '../../subscribers/tokens.js';
import { keepPrivate } from './private.js';
import { type FieldFault, knownServicesOf, servicesOf } from './subscription-form.js';
import { answerTestLinks } from './test-links.js';
import { unknownLink } from './unknown-link.js';

type TokenRequest = FastifyRequest<{ Params: { token: string } }>;

const post = z.object({
  locale: z.string(),
  services: z
    .union([z.string(), z.array(z.string())])
    .transform((chosen) => [chosen].flat())
    .optional(),
  toldOf: z.enum(toldOfChoices),
});

/**
 * The settings link of every mail: language and scope, for whoever holds the mail. What needs the person
 * themselves (their data, another address, erasure) is behind a second link that goes to the address.
 */
export function preferencesRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    keepPrivate(app);
    answerTestLinks(app, deps, 'preferences');

    app.get<{ Params: { token: string } }>('/preferences/:token', async (request, reply) =>
      withPreferences(request, reply, (found) => show(request, reply, found, {})),
    );

    app.post<{ Params: { token: string } }>('/preferences/:token', async (request, reply) =>
      withPreferences(request, reply, async (found) => {
        const wanted = post.safeParse(request.body ?? {});
        if (!wanted.success) {
          const fields = new Set(wanted.error.issues.map(({ path }) => String(path[0] ?? '')));
          return show(request, reply, found, { errors: faults(request, [...fields]) });
        }
        try {
          const services = wanted.data.services ?? null;
          await savePreferences(
            deps,
            request.params.token,
            { locale: wanted.data.locale, toldOf: wanted.data.toldOf, services },
            await knownServicesOf(deps),
          );
        } catch (error) {
          if (!(error instanceof Refusal) || error.code !== 'input.invalid') throw error;
          return show(request, reply, found, {
            errors: faults(
              request,
              error.errors.map(({ path }) => path),
            ),
          });
        }
        const saved = (await readPreferences(deps, request.params.token)) ?? found;
        return show(request, reply, saved, { message: 'saved' });
      }),
    );

    app.post<{ Params: { token: string } }>('/preferences/:token/manage-link', async (request, reply) =>
      withPreferences(request, reply, async (found) => {
        await requestManageLink(deps, request.params.token);
        return show(request, reply, found, { message: 'manageSent' });
      }),
    );
  };

  async function withPreferences(
    request: TokenRequest,
    reply: FastifyReply,
    answer: (found: Preferences) => Promise<FastifyReply>,
  ): Promise<FastifyReply> {
    let found: Preferences | null = null;
    try {
      found = await readPreferences(deps, request.params.token);
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== 'token.unknown') throw error;
    }
    if (found !== null) return answer(found);
    return unknownLink(deps, request, reply);
  }

  async function show(
    request: TokenRequest,
    reply: FastifyReply,
    { address, ...found }: Preferences,
    { errors = [], message = null }: { errors?: FieldFault[]; message?: 'saved' | 'manageSent' | null },
  ) {
    const { token } = request.params;
    const id = readLink(deps.config.secretKeys, 'preferences', token);
    return deps.pages.page(
      reply,
      'preferences',
      {
        preferences: { ...found, email: address, services: found.services ?? [] },
        services: await servicesOf(deps),
        action: `/preferences/${encodeURIComponent(token)}`,
        // Whoever may change what is told may also leave: both links stand in every mail.
        unsubscribe: id === null ? null : `/unsubscribe/${signLink(deps.config.secretKeys, 'unsubscribe', id)}`,
        errors,
        message,
      },
      { locale: found.locale, status: errors.length > 0 ? 422 : 200 },
    );
  }

  function faults(request: TokenRequest, fields: readonly string[]): FieldFault[] {
    const { t } = deps.texts.for(deps.pages.localeOf(request));
    return fields.map((field) => ({ field, message: t(`subscription.faults.${field}`) }));
  }
}
