import type { FastifyReply, FastifyRequest } from 'fastify';
import { hasRole, type Role } from '../../actor.js';
import type { Session } from '../../admins/sessions.js';
import type { AppDeps } from '../../app.js';
import type { Texts } from '../../texts.js';
import { csrfToken } from '../guard.js';
import { html } from '../html.js';
import { isLoopback } from '../network.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** How many tasks wait for somebody; looked up for each request of the console. */
    openTasks: number;
  }
}

/** The console as one signed-in admin sees it, for the length of a request. */
export interface Console {
  actor: Session['actor'];
  /** Their own address. */
  email: string;
  texts: Texts;
  /** For the hidden field `_csrf` of forms that are made outside templates. */
  csrf: string;
  /** Sends `templates/pages/admin/<name>.eta` in the frame of the console. */
  page(
    name: string,
    section: Section,
    data: Record<string, unknown>,
    options?: { status?: number; headers?: Record<string, string> },
  ): FastifyReply;
  /** After a form has done something: the browser goes there by GET, so that reloading repeats nothing. */
  redirect(path: string): FastifyReply;
}

/** The pages that the navigation leads to, and who sees them. */
const sections = {
  overview: { path: '/admin', permission: 'viewer' },
  figures: { path: '/admin/figures', permission: 'viewer' },
  draft: { path: '/admin/draft', permission: 'viewer' },
  review: { path: '/admin/review', permission: 'viewer' },
  publish: { path: '/admin/publish', permission: 'viewer' },
  versions: { path: '/admin/versions', permission: 'viewer' },
  subscribers: { path: '/admin/subscribers', permission: 'viewer' },
  groups: { path: '/admin/subscribers/groups', permission: 'viewer' },
  objections: { path: '/admin/objections', permission: 'viewer' },
  deliveries: { path: '/admin/deliveries', permission: 'viewer' },
  deliverability: { path: '/admin/deliverability', permission: 'viewer' },
  tasks: { path: '/admin/tasks', permission: 'viewer' },
  account: { path: '/admin/account', permission: 'viewer' },
  admins: { path: '/admin/admins', permission: 'admin' },
  tokens: { path: '/admin/api-tokens', permission: 'admin' },
  audit: { path: '/admin/audit', permission: 'admin' },
} as const satisfies Record<string, { path: string; permission: Role }>;
export type Section = keyof typeof sections;

/** The first row of the navigation; the pages of a group that has several stand in the second. */
const groups = {
  overview: ['overview', 'figures'],
  list: ['draft', 'review', 'publish', 'versions'],
  people: ['subscribers', 'groups', 'objections'],
  delivery: ['deliveries', 'deliverability'],
  tasks: ['tasks'],
  settings: ['account', 'admins', 'tokens', 'audit'],
} as const satisfies Record<string, readonly Section[]>;

type ConsoleDeps = Pick<AppDeps, 'config' | 'texts' | 'pages'>;

/** The console for a request that the guard has let pass. */
export function consoleOf(deps: ConsoleDeps, request: FastifyRequest, reply: FastifyReply): Console {
  const { session } = request;
  if (session === null) throw new Error('this route of the console is not guarded');
  const texts = deps.texts.for(deps.pages.localeOf(request));
  const csrf = csrfToken(reply);
  return {
    actor: session.actor,
    email: session.email,
    texts,
    csrf,
    page: (name, section, data, { headers = {}, ...options } = {}) =>
      deps.pages.page(
        reply.headers(headers),
        `admin/${name}`,
        { errors: [], done: null, ...data, csrf, ...frameOf(deps, session, section, texts, csrf, request.openTasks) },
        options,
      ),
    redirect: (path) => redirect(deps, request, reply, path),
  };
}

/** Header and navigation of the console, as data for the layout. */
function frameOf(
  { config }: ConsoleDeps,
  session: Session,
  section: Section | null,
  texts: Texts,
  csrf: string,
  openTasks: number,
) {
  const t = (key: string, values?: Record<string, string | number>) => texts.t(`console.${key}`, values);
  const role = t(`roles.${session.role}`);
  const shown = Object.entries(groups).map(([name, names]) => ({
    name,
    names: names.filter((entry: Section) => hasRole(session.actor, sections[entry].permission)),
  }));
  const here = shown.find(({ names }) => names.some((name) => name === section));
  const openLabel = t('navigation.tasksOpen', { count: openTasks });
  return {
    navigation: shown.flatMap(({ name, names }) => {
      const [first] = names;
      if (first === undefined) return [];
      const label = name === 'tasks' && openTasks > 0 ? openLabel : t(`groups.${name}`);
      return [{ path: sections[first].path, label, current: name === here?.name }];
    }),
    subnavigation:
      here === undefined || here.names.length < 2
        ? null
        : {
            label: t(`groups.${here.name}`),
            entries: here.names.map((name) => ({
              path: sections[name].path,
              label: t(`navigation.${name}`),
              current: name === section,
            })),
          },
    actions: html`<form method="post" action="${basePath(config)}/admin/sign-out"><input type="hidden" name="_csrf" value="${csrf}"><span class="signed-in">${t('signedIn', { email: session.email, role })}</span> <button class="button button-quiet button-small" type="submit">${t('signOut')}</button></form>`,
  };
}

/**
 * Sends the browser to a page below PUBLIC_URL by GET. On the very machine people type localhost for
 * 127.0.0.1 and the reverse: there they stay on the host whose cookie they have.
 */
export function redirect(deps: ConsoleDeps, request: FastifyRequest, reply: FastifyReply, path: string): FastifyReply {
  const { locale, chosen } = deps.pages.localeChoice(request);
  const target = chosen ? `${path}${path.includes('?') ? '&' : '?'}lang=${locale}` : path;
  const near = isLoopback(request.headers.host ?? '') && isLoopback(new URL(deps.config.publicUrl).host);
  return reply
    .code(303)
    .header('location', near ? basePath(deps.config) + target : deps.pages.href(target))
    .send();
}

function basePath({ publicUrl }: { publicUrl: string }): string {
  return new URL(publicUrl).pathname.replace(/\/$/, '');
}
