import t, { type Test } from 'tap';
import { ensureSetupLink } from '../../src/admins/setup.js';
import { runCommandLine } from '../../src/cli/run.js';
import { startApp, type TestApp } from '../support/app.js';
import { client, type Forgery, type Person, startProvider, type TestProvider } from '../support/oidc-provider.js';
import { newVisitor, setUp, type Visitor } from './support.js';

t.setTimeout(170_000);

const home = 'http://notices.example.org';
const ann: Person = { sub: 'ann-at-work', email: 'Officer@example.org', email_verified: true };

async function startBoth(t: Test, env: Record<string, string> = {}) {
  const provider = await startProvider(t, `${home}/admin/oidc/callback`);
  const app = await startApp(t, {
    env: {
      OIDC_ISSUER: provider.issuer,
      OIDC_CLIENT_ID: client.id,
      OIDC_CLIENT_SECRET: client.secret,
      OIDC_LABEL: 'Staff <login>',
      ...env,
    },
  });
  return { app, provider };
}

/** From the sign-in page to the provider and back, up to the address that the browser is sent back to. */
async function goThere(visitor: Visitor, provider: TestProvider, change = (url: URL) => url): Promise<string> {
  const start = await visitor.get('/admin/oidc?next=%2Fadmin%2Faudit');
  const back = new URL(await provider.visit(change(new URL(String(start.headers.location))).href));
  return back.pathname + back.search;
}

function withParameter(name: string, value: string) {
  return (url: URL) => {
    url.searchParams.set(name, value);
    return url;
  };
}

async function signIn(app: TestApp, provider: TestProvider, person: Person | null) {
  provider.person = person;
  const visitor = newVisitor(app);
  const answer = await visitor.get(await goThere(visitor, provider));
  return { visitor, answer };
}

async function accounts(app: TestApp) {
  const { rows } = await app.database.pool.query(
    `select a.email, a.role, i.subject from admins a left join oidc_identities i on i.admin_id = a.id order by a.id`,
  );
  return rows;
}

async function deeds(app: TestApp): Promise<string[]> {
  const { rows } = await app.database.pool.query<{ action: string }>('select action from audit_log order by id');
  return rows.map(({ action }) => action);
}

t.test('without settings there is no button and no such address', async (t) => {
  const app = await startApp(t);
  t.notMatch((await app.inject('/admin/sign-in')).body, /oidc/);
  t.equal((await app.inject('/admin/oidc')).statusCode, 404);
  t.equal((await app.inject('/admin/oidc/callback')).statusCode, 404);
});

t.test('an admin comes in by the verified address, and from then on by the identity', async (t) => {
  const { app, provider } = await startBoth(t);
  await setUp(app);
  const page = await newVisitor(app).get('/admin/sign-in?next=%2Fadmin%2Faudit');
  t.match(page.body, 'href="/admin/oidc?next=%2Fadmin%2Faudit"');
  t.match(page.body, 'Sign in with Staff &lt;login&gt;');
  t.notOk(provider.asked.size, 'nothing is asked of the provider before somebody signs in');

  const { visitor, answer } = await signIn(app, provider, ann);
  t.equal(answer.statusCode, 303);
  t.equal(answer.headers.location, `${home}/admin/audit`);
  t.equal((await visitor.follow(answer)).statusCode, 200);
  t.match(await accounts(app), [{ email: 'officer@example.org', role: 'admin', subject: ann.sub }]);
  t.strictSame((await deeds(app)).slice(-2), ['admin.identity-linked', 'admin.signed-in']);

  const later = await signIn(app, provider, { ...ann, email: 'new-name@example.org', email_verified: false });
  t.equal(later.answer.statusCode, 303, 'the address may change at the provider');
  t.equal((await accounts(app)).length, 1);
  t.strictSame((await deeds(app)).slice(-2), ['admin.signed-in', 'admin.signed-in']);
  t.equal(provider.asked.get('/.well-known/openid-configuration'), 1, 'what the provider says of itself is kept');
  t.notMatch(app.log.join(''), /ann-at-work|fficer@|new-name@/);
});

t.test('an address that is not confirmed, is nobody’s here, or is used again opens nothing', async (t) => {
  const { app, provider } = await startBoth(t);
  await setUp(app);
  for (const [person, sentence] of [
    [{ ...ann, email_verified: false }, 'Your address is not confirmed'],
    [{ sub: ann.sub, email: 'officer@example.org' }, 'Your address is not confirmed'],
    [{ sub: ann.sub }, 'Your address is not confirmed'],
    [{ ...ann, email: 'stranger@example.org' }, 'There is no account for you yet'],
  ] as const) {
    const { visitor, answer } = await signIn(app, provider, person);
    t.equal(answer.statusCode, 403);
    t.match(answer.body, sentence);
    t.notOk(visitor.cookies.has('subnotice-session'));
  }
  t.match(await accounts(app), [{ subject: null }]);

  t.equal((await signIn(app, provider, ann)).answer.statusCode, 303);
  const successor = await signIn(app, provider, { ...ann, sub: 'somebody-new' });
  t.equal(successor.answer.statusCode, 403);
  t.match(successor.answer.body, 'This account belongs to another person at Staff &lt;login&gt;');
  t.match(await accounts(app), [{ subject: ann.sub }]);
});

t.test('an operator links an account to an identity whose provider vouches for no address', async (t) => {
  const { app, provider } = await startBoth(t);
  await setUp(app);
  const link = async (email: string, subject: string) => {
    const said: string[] = [];
    const code = await runCommandLine(['admin', 'link', email, subject], {
      config: () => app.deps.config,
      say: (line) => void said.push(line),
      complain: (line) => void said.push(line),
      stay: async () => undefined,
    });
    return [code, ...said];
  };
  t.strictSame(await link('nobody@example.org', ann.sub), [1, 'There is no account for this address.']);
  t.strictSame(await link('OFFICER@example.org', ann.sub), [0, 'Linked.']);
  t.strictSame(await link('officer@example.org', ann.sub), [0, 'Linked.'], 'once more changes nothing');
  t.match(await link('officer@example.org', 'another'), [1, /has another identity already/]);
  t.equal((await deeds(app)).filter((action) => action === 'admin.identity-linked').length, 1);
  t.equal((await signIn(app, provider, { sub: ann.sub })).answer.statusCode, 303);
  t.equal((await signIn(app, provider, { sub: 'another' })).answer.statusCode, 403);
});

t.test('people without an account get one where the setting says so, once, with that role', async (t) => {
  const { app, provider } = await startBoth(t, { OIDC_NEW_ADMINS: 'editor' });
  provider.person = ann;
  const early = await signIn(app, provider, ann);
  t.equal(early.answer.statusCode, 403, 'not before there is an admin: the set-up link would end');
  t.ok(await ensureSetupLink(app.deps));

  await setUp(app, 'first@example.org');
  provider.person = ann;
  const visitors = [newVisitor(app), newVisitor(app), newVisitor(app)];
  const ways = await Promise.all(visitors.map((visitor) => goThere(visitor, provider)));
  const answers = await Promise.all(visitors.map((visitor, index) => visitor.get(ways[index] ?? '')));
  t.strictSame(
    answers.map(({ statusCode }) => statusCode),
    [303, 303, 303],
    'three at once',
  );
  t.match(await accounts(app), [{}, { email: 'Officer@example.org', role: 'editor', subject: ann.sub }]);
  t.equal((await accounts(app)).length, 2);
  const answer = await visitors[0]?.get('/admin/audit');
  t.equal(answer?.statusCode, 403, 'an editor does not read the audit log');
});

t.test('a forged answer signs nobody in', async (t) => {
  const { app, provider } = await startBoth(t);
  await setUp(app);
  provider.person = ann;
  const refused = async (what: string, visitor: Visitor, url: string) => {
    const answer = await visitor.get(url);
    t.equal(answer.statusCode, 403, what);
    t.match(answer.body, 'The sign-in was not completed', what);
    t.notOk(visitor.cookies.has('subnotice-session'), what);
  };
  const visitor = newVisitor(app);

  const good = await goThere(visitor, provider);
  await refused('in a browser that began nothing', newVisitor(app), good);
  await refused('another state', visitor, good.replace(/state=[^&]+/, 'state=somebody-elses'));
  await refused('a second try with the state of the first', visitor, good);
  const other = newVisitor(app);
  await other.get('/admin/oidc');
  await refused('the code of another browser', other, good);
  await refused(
    'a nonce that is not ours',
    visitor,
    await goThere(visitor, provider, withParameter('nonce', 'another')),
  );
  await refused(
    'the challenge of another verifier',
    visitor,
    await goThere(visitor, provider, withParameter('code_challenge', 'A'.repeat(43))),
  );
  await refused(
    'a code for another client',
    visitor,
    await goThere(visitor, provider, withParameter('client_id', 'another')),
  );

  const made = await goThere(visitor, provider);
  visitor.cookies.set('subnotice-sign-in', `${visitor.cookies.get('subnotice-sign-in')}x`);
  await refused('a cookie that was made up', visitor, made);
  const slow = await goThere(visitor, provider);
  app.clock.advance({ minutes: 16 });
  await refused('after a quarter of an hour', visitor, slow);

  const forgeries: Record<string, Forgery> = {
    'for somebody else': ({ header, claims, sign }) => sign(header, { ...claims, aud: 'another' }),
    'by another issuer': ({ header, claims, sign }) => sign(header, { ...claims, iss: 'https://evil.example' }),
    'out of date': ({ header, claims, sign }) => sign(header, { ...claims, exp: 1_700_000_000 }),
    'without a nonce': ({ header, claims: { nonce: _, ...claims }, sign }) => sign(header, claims),
    'with the key of a stranger': ({ header, claims, sign }) => sign(header, claims, true),
    'without a signature': ({ header, claims, sign }) =>
      `${sign({ ...header, alg: 'none' }, claims)
        .split('.')
        .slice(0, 2)
        .join('.')}.`,
  };
  for (const [what, forge] of Object.entries(forgeries)) {
    provider.forge = forge;
    await refused(`an ID token ${what}`, visitor, await goThere(visitor, provider));
  }
  provider.forge = ({ header, claims, sign }) => sign(header, claims);
  t.equal((await visitor.get(await goThere(visitor, provider))).statusCode, 303, 'and what is not forged holds');
  t.equal((await accounts(app)).length, 1);
});

t.test('whoever cancels is told so in their language', async (t) => {
  const { app, provider } = await startBoth(t);
  await setUp(app);
  const visitor = newVisitor(app);
  const way = await goThere(visitor, provider);
  const answer = await visitor.get(way, { 'accept-language': 'de' });
  t.equal(answer.statusCode, 403);
  t.match(answer.body, 'Die Anmeldung wurde nicht abgeschlossen');
  t.match(answer.body, 'href="/admin/sign-in"');
});

t.test('a provider that is away keeps nobody from signing in by password, and is asked again later', async (t) => {
  const { app, provider } = await startBoth(t);
  await setUp(app);
  provider.person = ann;
  provider.away = true;
  const visitor = newVisitor(app);
  const first = await visitor.get('/admin/oidc');
  t.equal(first.statusCode, 503);
  t.equal(first.headers['retry-after'], '10');
  t.match(first.body, 'Staff &lt;login&gt; does not answer');
  await visitor.get('/admin/oidc');
  t.equal(provider.asked.get('/.well-known/openid-configuration'), 1, 'not at every click');
  t.equal((await visitor.get('/admin/sign-in')).statusCode, 200);

  provider.away = false;
  app.clock.advance({ seconds: 6 });
  const way = await goThere(visitor, provider);
  provider.away = true;
  t.equal((await visitor.get(way)).statusCode, 503, 'away between the two');
  provider.away = false;
  app.clock.advance({ hours: 2 });
  provider.away = true;
  t.equal((await visitor.get('/admin/oidc')).statusCode, 303, 'what was known of it is still good');
  provider.away = false;
  t.equal((await visitor.get(await goThere(visitor, provider))).statusCode, 303);
});
