import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import { countOpenTasks } from '../../tasks/browse.js';
import { csrfToken, guardConsole } from '../guard.js';
import { noteRefusal, problemOf } from '../problem.js';
import { accountRoutes } from './account.js';
import { adminAccountRoutes } from './admin.js';
import { adminsRoutes } from './admins.js';
import { apiTokensRoutes } from './api-tokens.js';
import { approvalRoutes } from './approval.js';
import { adminAuditRoutes } from './audit.js';
import { choosePasswordRoutes } from './choose-password.js';
import { codeRoutes } from './code.js';
import { redirect } from './console.js';
import { contactsRoutes } from './contacts.js';
import { adminDeliverabilityRoutes } from './deliverability.js';
import { adminDeliveriesRoutes } from './deliveries.js';
import { draftRoutes } from './draft.js';
import { draftHistoryRoutes } from './draft-history.js';
import { draftTextRoutes } from './draft-text.js';
import { entryRoutes } from './entry.js';
import { formFields } from './entry-form.js';
import { figuresRoutes } from './figures.js';
import { importRoutes } from './import.js';
import { importPreviewRoutes } from './import-preview.js';
import { oidcRoutes } from './oidc.js';
import { overviewRoutes } from './overview.js';
import { progressRoutes } from './progress.js';
import { publishRoutes } from './publish.js';
import { recordsRoutes } from './records.js';
import { reviewRoutes } from './review.js';
import { reviewMailRoutes } from './review-mail.js';
import { reviewSeverityRoutes } from './review-severity.js';
import { secondFactorRoutes } from './second-factor.js';
import { sendingRoutes } from './sending.js';
import { signInRoutes } from './sign-in.js';
import { adminSubscriberRoutes } from './subscriber.js';
import { subscriberImportRoutes } from './subscriber-import.js';
import { adminSubscribersRoutes } from './subscribers.js';
import { tasksRoutes } from './tasks.js';
import { translationRoutes } from './translations.js';
import { versionsRoutes } from './versions.js';

/** Fields that carry no words of a person; the others are shown again when a session has ended. */
const unspoken: ReadonlySet<string> = new Set([
  'revision',
  'reviewed',
  'kind',
  'id',
  'dataSubject',
  'severity',
  'seenSeverity',
  'seenReason',
  'key',
  'from',
  'edited',
  'locale',
  'removed',
  'added',
  'next',
  'role',
  'state',
  'sure',
  'base',
  'none',
  'ref',
  'to',
  'back',
  'optional',
  'specialCategory',
  'seen',
  'tables',
  'mode',
  'do',
]);
/** Choices of fields that there are many of. */
const choices = /^(?:dataCategories\.|pair\.|import\.\d+\.(?!dataSubject$))/;

/** A field may come several times, as the lines of a set do. */
const texts = z.union([z.string().transform((text) => [text]), z.array(z.string())]).catch([]);

/** The admins' console: every page behind the guard, and what a person sees who may not pass. */
export function adminRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    await guardConsole(app, deps);
    app.setErrorHandler(async (error, request, reply) => {
      const { code } = problemOf(error);
      if (code === 'csrf.wrong' || code === 'permission.missing') noteRefusal(request, code);
      if (code === 'session.missing' && request.method === 'GET') {
        return redirect(deps, request, reply, `/admin/sign-in?next=${encodeURIComponent(request.url)}`);
      }
      if (code === 'enrolment.missing' && request.method === 'GET') {
        return redirect(deps, request, reply, `/admin/account/second-factor?next=${encodeURIComponent(request.url)}`);
      }
      if (code === 'session.missing' || code === 'csrf.wrong' || code === 'enrolment.missing') {
        return keepTyped(request, reply, code === 'enrolment.missing');
      }
      if (code === 'permission.missing') return refusePermission(request, reply);
      // Everything else looks as it does elsewhere.
      throw error instanceof z.ZodError ? malformed(error, request) : error;
    });
    app.decorateRequest('openTasks', 0);
    app.addHook('preHandler', async (request) => {
      if (request.session !== null) request.openTasks = await countOpenTasks(deps.db);
    });
    const doors = [
      signInRoutes,
      codeRoutes,
      choosePasswordRoutes,
      oidcRoutes,
      overviewRoutes,
      figuresRoutes,
      draftRoutes,
      entryRoutes,
      translationRoutes,
      draftTextRoutes,
      draftHistoryRoutes,
      importRoutes,
      importPreviewRoutes,
      reviewRoutes,
      reviewMailRoutes,
      reviewSeverityRoutes,
      approvalRoutes,
      publishRoutes,
      adminDeliverabilityRoutes,
      versionsRoutes,
      progressRoutes,
      adminDeliveriesRoutes,
      adminSubscribersRoutes,
      adminSubscriberRoutes,
      subscriberImportRoutes,
      contactsRoutes,
      tasksRoutes,
      recordsRoutes,
      adminAuditRoutes,
      sendingRoutes,
      accountRoutes,
      secondFactorRoutes,
      adminsRoutes,
      adminAccountRoutes,
      apiTokensRoutes,
    ];
    for (const door of doors) await app.register(door(deps));
  };

  /** A session may end while somebody writes: what they typed comes back, to be sent again after signing in. */
  function keepTyped(request: FastifyRequest, reply: FastifyReply, mustEnrol: boolean) {
    const { t } = deps.texts.for(deps.pages.localeOf(request));
    const body = z.record(z.string(), z.unknown()).catch({}).parse(request.body);
    const fields = Object.entries(body).flatMap(([name, value]) => {
      if (name.startsWith('_') || /password|repeat|^codes?$/i.test(name)) return [];
      return texts.parse(value).map((text) => ({
        name,
        value: text,
        shown: text.trim() !== '' && !unspoken.has(name) && !choices.test(name),
        label: labelOf(name, t),
        rows: Math.min(32, text.split('\n').length + 1),
      }));
    });
    return deps.pages.page(
      reply,
      'admin/session-ended',
      {
        action: request.url,
        fields,
        signedIn: request.session !== null && !mustEnrol,
        way: mustEnrol
          ? { path: '/admin/account/second-factor', label: t('accounts.enrol.first') }
          : { path: '/admin/sign-in', label: t('console.sessionEnded.signIn') },
        csrf: csrfToken(reply),
      },
      { status: 403 },
    );
  }

  function refusePermission(request: FastifyRequest, reply: FastifyReply) {
    const { t } = deps.texts.for(deps.pages.localeOf(request));
    const needed = request.routeOptions.config.permission ?? 'admin';
    const has = request.session?.role ?? 'viewer';
    return deps.pages.page(
      reply,
      'admin/message',
      {
        title: t('console.refusals.permission.title'),
        lead: t('console.refusals.permission.lead', {
          needed: t(`console.roles.${needed === 'public' ? 'viewer' : needed}`),
          role: t(`console.roles.${has}`),
        }),
        way: { path: '/admin', label: t('console.overview.title') },
      },
      { status: 403 },
    );
  }
}

/** What no form and no link of ours sends: an address that names nothing, or fields that cannot be. */
function malformed({ issues }: z.ZodError, request: FastifyRequest): Error {
  const names = Object.keys(z.record(z.string(), z.unknown()).catch({}).parse(request.params));
  const errors = issues.map(({ path, message }) => ({ path: path.join('.'), message }));
  if (errors.some(({ path }) => names.includes(path))) {
    return Object.assign(new Error('there is nothing at this address'), { statusCode: 404 });
  }
  return new Refusal('input.invalid', 'The form does not have the fields that this address takes.', errors);
}

/** The fields of the list, as everywhere. */
const fieldLabels: ReadonlyMap<string, string> = new Map(
  (['sub-processor', 'data-category', 'data-subject', 'statement', 'list'] as const).flatMap((kind) =>
    formFields(kind).map(({ name, label }) => [name, label] as const),
  ),
);

function labelOf(name: string, t: (key: string) => string): string {
  const labels: Readonly<Record<string, string>> = {
    source: 'console.draft.text',
    message: 'console.publish.message',
    reason: 'console.publish.reason',
    effectiveAt: 'console.publish.effective',
    objectionDeadline: 'console.publish.deadline',
    publishAt: 'console.publish.publishAt',
    corrects: 'corrections.corrects',
    notify: 'console.publish.who',
    emergency: 'console.publish.willEmergency',
    csv: 'subscriber-import.text',
    note: 'console.objections.note',
    company: 'contacts.contact.company',
    entitlement: 'contacts.contact.entitlement',
    group: 'contacts.group',
    noticeDays: 'contacts.groups.noticeDays',
    name: 'console.tokens.name',
    expires: 'console.tokens.expires',
    email: 'console.signIn.email',
    text: 'importing.start.text',
  };
  if (/^import\.\d+\.dataSubject$/.test(name)) return t('importing.tables.dataSubject');
  const key = labels[name] ?? fieldLabels.get(name.split('.')[0] ?? '');
  return key === undefined ? name : t(key);
}
