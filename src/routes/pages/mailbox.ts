import type { FastifyPluginAsync, FastifyReply } from 'fastify';
import { hasRole } from '../../actor.js';
import { mustEnrol, sessionOf } from '../../admins/sessions.js';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import type { Mailbox, MailboxMessage } from '../../mail/mailbox.js';
import { sessionToken } from '../guard.js';
import { isAtThisMachine } from '../network.js';

/*
 * The built-in mailbox, for trying the service out: only where no relay is set. A mail's HTML is shown in
 * a frame that may run nothing and load nothing, by the attribute and by its own headers, as it would
 * hold for a mail of anybody.
 *
 * What lies there opens things: links to confirm, to manage, to object. At the machine itself everybody
 * may read it, so that the service can be tried out; where others can reach it, an admin who has signed in.
 */

const frameRules = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
  'sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation',
].join('; ');

/** Mails newest first, one mail with its parts and source. No route at all when a relay sends the mail. */
export function mailboxRoutes(deps: AppDeps): FastifyPluginAsync {
  const { mailbox, pages } = deps;
  return async (app) => {
    if (mailbox === null) return;

    app.addHook('onRequest', async (request, reply) => {
      if (isAtThisMachine(request, deps.config)) return;
      const session = await sessionOf(deps, sessionToken(request, deps.config));
      if (session === null) return reply.redirect(pages.href('/admin/sign-in?next=%2Fdev%2Fmailbox'), 303);
      if (mustEnrol(deps.config, session)) {
        return reply.redirect(pages.href('/admin/account/second-factor?next=%2Fdev%2Fmailbox'), 303);
      }
      if (!hasRole(session.actor, 'admin')) throw new Refusal('permission.missing', 'This needs the role "admin".');
    });

    app.get('/dev/mailbox', async (_request, reply) => {
      return pages.page(reply, 'mailbox', { mails: await mailbox.list() });
    });

    app.get<{ Params: { id: string } }>('/dev/mailbox/:id', async (request, reply) => {
      const mail = await findMail(mailbox, request.params.id, reply);
      return mail === null ? reply.callNotFound() : pages.page(reply, 'mailbox-mail', { mail });
    });

    app.get<{ Params: { id: string } }>('/dev/mailbox/:id/html', async (request, reply) => {
      const mail = await findMail(mailbox, request.params.id, reply);
      if (mail === null || mail.html === null) return reply.callNotFound();
      return reply
        .header('content-security-policy', frameRules)
        .header('x-frame-options', 'SAMEORIGIN')
        .header('cache-control', 'no-store')
        .header('referrer-policy', 'no-referrer')
        .type('text/html; charset=utf-8')
        .send(openingOnTop(mail.html));
    });
  };
}

function findMail(mailbox: Mailbox, id: string, reply: FastifyReply): Promise<MailboxMessage | null> {
  // Mails hold links that open something: nothing of them goes elsewhere.
  reply.header('referrer-policy', 'no-referrer');
  return mailbox.read(id);
}

/** Links of the mail replace the page around the frame, as a click in a mail program opens a page of its own. */
function openingOnTop(markup: string): string {
  const base = '<base target="_top">';
  const untargeted = markup.replace(/(<a\b[^>]*?)\starget="[^"]*"/gi, '$1');
  const withBase = untargeted.replace(/<head\b[^>]*>/i, (head) => head + base);
  return withBase === untargeted ? base + untargeted : withBase;
}
