import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import { hasRole } from '../../actor.js';
import type { AppDeps } from '../../app.js';
import { actorSchema } from '../../audit/browse.js';
import { readSubscriber } from '../../subscribers/browse.js';
import { listGroups } from '../../subscribers/groups.js';
import { subscriberHistory } from '../../subscribers/history.js';
import type { Texts } from '../../texts.js';
import { consoleOf } from './console.js';
import { reasonText } from './dry-run-view.js';
import { whoAre } from './who.js';

const params = z.object({ id: z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER) });
/** Newest first: what is older than that is in the export and in the API. */
const mostMail = 100;

/** One person: who they are to us, how they came to be on the list, and everything they were sent. */
export function adminSubscriberRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    app.get('/admin/subscribers/:id', { config: { permission: 'viewer' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const { texts } = console;
      const { id } = params.parse(request.params);
      const subscriber = await readSubscriber(deps.db, id);
      const { events, mail, objections } = await subscriberHistory(deps.db, id);
      const groups = await listGroups(deps.db);
      const who = whoAre(deps.db, texts);
      const inWords = async (value: unknown): Promise<string> => {
        const actor = actorSchema.safeParse(value);
        return actor.success ? who(actor.data) : factText(value, texts);
      };
      return console.page('subscriber', 'subscribers', {
        subscriber,
        language: texts.language(subscriber.locale),
        groupName: groups.find((group) => group.id === subscriber.noticeGroup)?.name ?? null,
        events: await Promise.all(
          events.map(async ({ at, kind, detail }) => ({
            at,
            what: texts.has(`subscriber.events.${kind}`) ? texts.t(`subscriber.events.${kind}`) : kind,
            facts: await Promise.all(
              Object.entries(detail)
                .filter(([, value]) => value !== null)
                .map(async ([name, value]) => ({
                  name: texts.has(`subscriber.facts.${name}`) ? texts.t(`subscriber.facts.${name}`) : name,
                  value: await inWords(value),
                })),
            ),
          })),
        ),
        mail: mail
          .slice(-mostMail)
          .reverse()
          .map((one) => ({
            ...one,
            what: texts.t(`deliveries.kinds.${one.kind}`, { version: String(one.version ?? '') }),
            because: one.reason === null ? null : reasonText(one.reason, texts),
          })),
        moreMail: mail.length > mostMail,
        objections,
        mayManage: hasRole(console.actor, 'admin'),
      });
    });
  };
}

const instant = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

/** What an event says of a fact; people wrote it, or the service did. */
function factText(value: unknown, texts: Texts): string {
  if (typeof value === 'boolean') return texts.t(value ? 'editor.yes' : 'editor.no');
  if (typeof value !== 'string') return JSON.stringify(value);
  const at = instant.safeParse(value);
  return at.success ? texts.moment(at.data) : value;
}
