import t from 'tap';
import { type Role, roles } from '../../src/actor.js';
import { listYaml, publishList } from '../pages/support.js';
import { startApp, type TestApp } from '../support/app.js';
import { signInAs } from './support.js';

t.test('each role gets what is its own, on every route of the console', async (t) => {
  const app = await startApp(t);
  await publishList(app, listYaml());
  const expected = new Map<string, Role | 'public'>();
  // What is asked for by each route; a new route has to be added here.
  const routes = {
    viewer: [
      'GET /admin',
      'GET /admin/figures',
      'GET /admin/figures/subscribers.csv',
      'GET /admin/figures/deliveries.csv',
      'GET /admin/draft',
      'GET /admin/draft/text',
      'GET /admin/draft/entry/:kind',
      'GET /admin/draft/entry/:kind/:id',
      'GET /admin/draft/entry/:kind/:id/:part',
      'GET /admin/draft/translations/:kind',
      'GET /admin/draft/translations/:kind/:id',
      'GET /admin/draft/translations/:kind/:id/:part',
      'GET /admin/draft/history',
      'GET /admin/draft/state',
      'GET /admin/review',
      'GET /admin/review/checklist',
      'GET /admin/draft/preview.html',
      'GET /admin/draft/preview-text.html',
      'GET /admin/publish',
      'GET /admin/versions',
      'GET /admin/versions/:number',
      'GET /admin/versions/:number/progress',
      'GET /admin/deliverability',
      'GET /admin/deliveries',
      'GET /admin/deliveries/:id',
      'GET /admin/subscribers',
      'GET /admin/subscribers/:id',
      'POST /admin/subscribers/export',
      'GET /admin/objections',
      'GET /admin/tasks',
      'GET /admin/subscribers/groups',
      'GET /admin/account',
      'POST /admin/account/password',
      'POST /admin/account/sessions/:id/end',
      'POST /admin/account/sessions/end-others',
      'GET /admin/account/second-factor',
      'POST /admin/account/second-factor',
      'POST /admin/account/second-factor/removal',
      'POST /admin/account/recovery-codes',
      'POST /admin/account/recovery-codes.txt',
    ],
    editor: [
      'POST /admin/draft/text',
      'POST /admin/draft/join',
      'POST /admin/draft/entry/:kind',
      'POST /admin/draft/entry/:kind/:id',
      'POST /admin/draft/entry/:kind/:id/:part',
      'GET /admin/draft/new/:kind',
      'GET /admin/draft/new/:kind/:id',
      'POST /admin/draft/new/:kind',
      'POST /admin/draft/new/:kind/:id',
      'POST /admin/draft/move',
      'GET /admin/draft/removal/:kind/:id',
      'GET /admin/draft/removal/:kind/:id/:part',
      'POST /admin/draft/removal/:kind/:id',
      'POST /admin/draft/removal/:kind/:id/:part',
      'POST /admin/draft/undo',
      'POST /admin/draft/translations/:kind',
      'POST /admin/draft/translations/:kind/:id',
      'POST /admin/draft/translations/:kind/:id/:part',
      'POST /admin/review/message',
      'GET /admin/review/severity',
      'POST /admin/review/severity',
      'GET /admin/draft/import',
      'POST /admin/draft/import',
      'GET /admin/draft/import/:id',
      'POST /admin/draft/import/:id',
      'POST /admin/draft/import/:id/discard',
      'POST /admin/publish/test',
      'POST /admin/draft/approval-request',
      'POST /admin/tasks/:id',
    ],
    publisher: [
      'POST /admin/draft/approve',
      'POST /admin/publish/edit',
      'POST /admin/publish/check',
      'POST /admin/publish',
      'POST /admin/versions/cancel-scheduled',
      'POST /admin/versions/:number/withdraw',
      'POST /admin/versions/:number/send-now',
      'POST /admin/deliveries/:id/resend',
      'POST /admin/relay',
      'POST /admin/release',
      'POST /admin/objections/:id',
    ],
    admin: [
      'GET /admin/subscribers/import',
      'POST /admin/subscribers/import',
      'GET /admin/subscribers/import/:id',
      'POST /admin/subscribers/import/:id/apply',
      'POST /admin/subscribers/import/:id/discard',
      'GET /admin/subscribers/:id/erasure',
      'POST /admin/subscribers/:id/erasure',
      'GET /admin/subscribers/contact',
      'POST /admin/subscribers/contact',
      'POST /admin/subscribers/groups',
      'POST /admin/subscribers/groups/:id/removal',
      'GET /admin/audit',
      'GET /admin/audit/export.jsonl',
      'GET /admin/audit/export.csv',
      'GET /admin/admins',
      'GET /admin/admins/:id',
      'POST /admin/admins/invitations',
      'POST /admin/admins/invitations/:id/again',
      'POST /admin/admins/invitations/:id/revocation',
      'POST /admin/admins/:id/role',
      'POST /admin/admins/:id/disabling',
      'POST /admin/admins/:id/enabling',
      'POST /admin/admins/:id/second-factor-reset',
      'POST /admin/admins/:id/reset-link',
      'POST /admin/admins/:id/sessions-end',
      'POST /admin/admins/:id/removal',
      'GET /admin/api-tokens',
      'POST /admin/api-tokens',
      'POST /admin/api-tokens/:id/revoke',
    ],
    public: [
      'GET /admin/sign-in',
      'POST /admin/sign-in',
      'GET /admin/sign-in/code',
      'POST /admin/sign-in/code',
      'GET /admin/invitation/:token',
      'POST /admin/invitation/:token',
      'GET /admin/reset/:token',
      'POST /admin/reset/:token',
      'GET /admin/forgotten',
      'POST /admin/forgotten',
      'POST /admin/sign-out',
      'GET /admin/setup/:token',
      'POST /admin/setup/:token',
    ],
  };
  for (const role of [...roles, 'public'] as const) for (const route of routes[role]) expected.set(route, role);
  const found = consoleRoutesOf(app);
  t.same(found.sort(), [...expected.keys()].sort(), 'every route is in the table');

  for (const role of roles) {
    const visitor = await signInAs(app, role);
    for (const [route, needed] of expected) {
      if (needed === 'public') continue;
      const [method = '', path = ''] = route.split(' ');
      const url = path.replace(/:\w+/g, '1');
      const allowed = roles.indexOf(role) >= roles.indexOf(needed);
      if (method === 'POST' && allowed) continue;
      const answer =
        method === 'GET'
          ? await visitor.get(url)
          : await app.inject({ method: 'POST', url, cookies: Object.fromEntries(visitor.cookies) });
      t.equal(answer.statusCode === 403, !allowed, `${role}: ${route} gives ${answer.statusCode}`);
      t.ok(answer.statusCode < 500);
    }
  }
  for (const [route, needed] of expected) {
    if (needed === 'public') continue;
    const [method = '', path = ''] = route.split(' ');
    const answer = await app.inject({ method: method === 'GET' ? 'GET' : 'POST', url: path.replace(/:\w+/g, '1') });
    t.ok([303, 403].includes(answer.statusCode), `a stranger: ${route} gives ${answer.statusCode}`);
  }
});

/** The console's routes, read from the tree that the router prints: four characters of indent a level. */
function consoleRoutesOf(app: TestApp): string[] {
  const path: string[] = [];
  return app.http
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap((line) => {
      const [, indent = '', part = '', methods = ''] = /^([│ ]*)[├└]── (\S*)(?: \(([A-Z, ]+)\))?/.exec(line) ?? [];
      path.splice(indent.length / 4, path.length, part);
      const url = path.join('');
      if (!/^\/?admin/.test(url)) return [];
      const own = methods.split(', ').filter((method) => method !== '' && method !== 'HEAD');
      return own.map((method) => `${method} /${url.replace(/^\//, '')}`);
    });
}
