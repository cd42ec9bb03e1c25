import t from 'tap';
import type { Actor } from '../src/actor.js';
import { actorOfBearer, createApiToken, listApiTokens, revokeApiToken } from '../src/admins/api-tokens.js';
import { checkPassword, hashPassword, weaknessOf } from '../src/admins/password.js';
import { purgeSessions, sessionOf, signOut } from '../src/admins/sessions.js';
import { checkSetupLink, createFirstAdmin, ensureConfiguredAdmin, ensureSetupLink } from '../src/admins/setup.js';
import { signIn } from '../src/admins/sign-in.js';
import { openStage, refuses } from './versions/make.js';

const password = 'copper lantern on the quiet sea';
const anna = { email: 'Anna.Berg@Example.ORG', password };
const root: Actor = { kind: 'token', id: 'environment', role: 'admin' };

/** A stage with Anna as its first admin. */
async function withAnna(test: Parameters<typeof openStage>[0]) {
  const stage = await openStage(test, { ADMIN_EMAIL: anna.email, ADMIN_PASSWORD: password });
  await ensureConfiguredAdmin(stage.deps);
  return stage;
}

t.test('a password is judged by how it would be guessed', async (t) => {
  t.equal(weaknessOf('short'), 'too-short');
  t.equal(weaknessOf('x'.repeat(201)), 'too-long');
  for (const common of [
    'password1234',
    'Passwort1234',
    'qwertyuiop12',
    '123456789012',
    'letmein-2027!',
    'Administrator1',
    'abcdefghijkl',
  ]) {
    t.equal(weaknessOf(common), 'common', common);
  }
  t.equal(weaknessOf('aaaaaaaaaaaaaaaa'), 'uniform');
  t.equal(weaknessOf('xy9kxy9kxy9k'), 'uniform');
  t.equal(weaknessOf('xq9wkxq9wkxq9wk'), 'common', 'a piece again and again');
  t.equal(weaknessOf('annaberg20271', 'annaberg@example.org'), 'personal');
  t.equal(weaknessOf(password, anna.email), null);
  t.equal(weaknessOf('Ünïcödé 密码 ok'), null, 'any script, spaces, no rule about kinds of characters');
});

t.test('a hash keeps its parameters, and tells when they are not those of today', async (t) => {
  const stored = await hashPassword(password);
  t.match(stored, /^\$scrypt\$ln=17,r=8,p=1\$/);
  t.same(await checkPassword(password, stored), { right: true, outdated: false });
  t.same(await checkPassword(`${password} `, stored), { right: false, outdated: false });
  t.same(await checkPassword('e\u0301t\u00e9 au bord du lac', await hashPassword('\u00e9te\u0301 au bord du lac')), {
    right: true,
    outdated: false,
  });
  // scrypt with N = 2^4 of "copper lantern on the quiet sea", salt of zeros.
  const { scryptSync } = await import('node:crypto');
  const weak = scryptSync(password, Buffer.alloc(16), 32, { N: 16, r: 8, p: 1 }).toString('base64').replace(/=+$/, '');
  t.same(await checkPassword(password, `$scrypt$ln=4,r=8,p=1$${'A'.repeat(22)}$${weak}`), {
    right: true,
    outdated: true,
  });
  t.same(await checkPassword(password, null), { right: false, outdated: false }, 'of nobody');
});

t.test('the set-up link makes the first admin and dies with it', async (t) => {
  const { deps, audit } = await openStage(t);
  const [one, two] = [await ensureSetupLink(deps), await ensureSetupLink(deps)];
  const tokenOf = (link: string | null) => link?.split('/').at(-1) ?? '';
  t.match(one, /^http:\/\/127\.0\.0\.1:3000\/admin\/setup\/[\w-]{43}$/);
  await checkSetupLink(deps.db, tokenOf(one));
  await refuses(t, 'token.unknown', checkSetupLink(deps.db, 'guess'));
  const use = (link: string | null, more: object = {}) =>
    createFirstAdmin(deps, { token: tokenOf(link), ...anna, ...more });
  await refuses(t, 'password.weak', use(one, { password: 'password1234' }));
  await refuses(t, 'address.invalid', use(one, { email: 'no address' }));
  const results = await Promise.allSettled([use(one), use(two), use(one, { email: 'eve@example.org' })]);
  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 1, 'of three at once one wins');
  await refuses(t, 'setup.used', checkSetupLink(deps.db, tokenOf(one)));
  await refuses(t, 'setup.used', use(two));
  t.equal(await ensureSetupLink(deps), null);
  const { rows } = await deps.db.query('select role from admins');
  t.same(rows, [{ role: 'admin' }]);
  t.match(await audit('admin.created'), [{ detail: { how: 'setup-link' } }]);
  const { rows: links } = await deps.db.query('select token_hash from setup_links');
  t.notOk(JSON.stringify(links).includes(tokenOf(one)), 'only its hash is kept');
});

t.test('ADMIN_EMAIL makes one admin, once, and does not undo a later change', async (t) => {
  const { deps } = await withAnna(t);
  t.equal(await ensureConfiguredAdmin(deps), false);
  const other = { ...deps, config: { ...deps.config, adminPassword: 'a different one altogether' } };
  t.equal(await ensureConfiguredAdmin(other), false);
  await signIn(deps, { ...anna, ip: '192.0.2.1' });
  const weak = { ...deps, config: { ...deps.config, adminEmail: 'bob@example.org', adminPassword: 'password1234' } };
  await refuses(t, 'password.weak', ensureConfiguredAdmin(weak));
});

t.test('a session is let in until it is idle, old or signed out', async (t) => {
  const { deps, clock, audit } = await withAnna(t);
  const enter = async () => {
    const entered = await signIn(deps, { ...anna, email: 'anna.berg@example.org', ip: '192.0.2.1' });
    return 'session' in entered ? entered.session : '';
  };
  const token = await enter();
  t.match(await sessionOf(deps, token), { actor: { kind: 'admin', role: 'admin' }, email: 'Anna.Berg@example.org' });
  for (const wrong of [undefined, '', 'x', `${token.slice(0, -1)}~`]) t.equal(await sessionOf(deps, wrong), null);
  const { rows } = await deps.db.query('select * from sessions');
  t.notOk(JSON.stringify(rows).includes(token), 'only its hash is kept');

  for (let hours = 0; hours < 7 * 24 - 11; hours += 11) {
    t.ok(await sessionOf(deps, token), `in use, ${hours} hours on`);
    clock.advance({ hours: 11 });
  }
  clock.advance({ hours: 11 });
  t.equal(await sessionOf(deps, token), null, 'older than a week');

  const idle = await enter();
  clock.advance({ hours: 12, seconds: 1 });
  t.equal(await sessionOf(deps, idle), null, 'not used for half a day');
  t.equal(await purgeSessions(deps), 2);

  const left = await enter();
  await signOut(deps, left);
  await signOut(deps, left);
  await signOut(deps, undefined);
  t.equal(await sessionOf(deps, left), null);
  t.equal((await audit('admin.signed-in')).length, 3);
  t.equal((await audit('admin.signed-out')).length, 1);
});

t.test('guessing gets slow, without locking anybody out elsewhere', async (t) => {
  const { deps, clock } = await withAnna(t);
  const tryWith = (ip: string, more: object = {}) => signIn(deps, { ...anna, ip, ...more });
  const wrong = { password: 'not the one that she has' };
  const guesses = await Promise.allSettled(Array.from({ length: 8 }, () => tryWith('192.0.2.66', wrong)));
  const codes = guesses.map((guess) => (guess.status === 'rejected' ? guess.reason.code : 'in')).sort();
  t.same(codes, [...Array(5).fill('credentials.wrong'), ...Array(3).fill('rate.exceeded')], 'five tries, also at once');
  const stopped = await tryWith('192.0.2.66').catch((error) => error);
  t.match(stopped, { code: 'rate.exceeded', retryAfter: 15 });
  t.ok(await tryWith('198.51.100.7'), 'the owner, from elsewhere');
  clock.advance({ seconds: 15 });
  await refuses(t, 'credentials.wrong', tryWith('192.0.2.66', wrong));
  t.match(await tryWith('192.0.2.66').catch((error) => error), { retryAfter: 30 }, 'twice as long');
  clock.advance({ seconds: 30 });
  t.ok(await tryWith('192.0.2.66'), 'and the right password still opens');
  const { rows } = await deps.db.query('select bucket from sign_in_limits');
  t.equal(rows.length, 2, 'who succeeds is counted no more; places are, under a keyed hash');
});

t.test('an unknown address is refused in the same words after the same work', async (t) => {
  const { deps } = await withAnna(t);
  const time = async (email: string) => {
    const begun = performance.now();
    const error = await signIn(deps, { email, password: 'wrong in any case', ip: '192.0.2.1' }).catch(
      (thrown) => thrown,
    );
    return { code: error.code, message: error.message, ms: performance.now() - begun };
  };
  await time('warm@example.org');
  const [known, unknown, malformed] = [await time(anna.email), await time('eve@example.org'), await time('no address')];
  t.same([unknown.code, unknown.message], [known.code, known.message]);
  t.same([malformed.code, malformed.message], [known.code, known.message]);
  // The hash alone takes hundreds of milliseconds; without it an answer would come in ten.
  t.ok(unknown.ms > known.ms / 4 && malformed.ms > known.ms / 4, `${known.ms} ${unknown.ms} ${malformed.ms}`);
});

t.test('an API token opens what its role may, until it ends', async (t) => {
  const { deps, clock, audit } = await openStage(t, { ADMIN_TOKEN: 'the-token-of-the-environment' });
  const expiresAt = new Date('2027-01-05T09:00:00Z');
  const ci = await createApiToken(deps, { name: ' CI ', role: 'editor', expiresAt }, root);
  const reader = await createApiToken(deps, { name: 'reader', role: 'viewer' }, root);
  t.match(ci.secret, /^sn_[\w-]{43}$/);
  const as = (secret: string) => actorOfBearer(deps, `Bearer ${secret}`);
  t.same(await as(ci.secret), { kind: 'token', id: ci.id, role: 'editor' });
  t.same(await as('the-token-of-the-environment'), root);
  t.same(await actorOfBearer(deps, `bearer  ${reader.secret}`), { kind: 'token', id: reader.id, role: 'viewer' });
  for (const wrong of [
    '',
    'Bearer',
    'Bearer ',
    `Basic ${ci.secret}`,
    `Bearer ${ci.secret}x`,
    'Bearer sn_',
    ci.secret,
  ]) {
    t.equal(await actorOfBearer(deps, wrong), null, wrong.slice(0, 12));
  }
  t.match(await listApiTokens(deps.db), [
    { name: 'CI', role: 'editor', lastUsedAt: clock.now(), revokedAt: null },
    { name: 'reader', expiresAt: null },
  ]);
  const { rows } = await deps.db.query('select * from api_tokens');
  t.notOk(JSON.stringify(rows).includes(ci.secret), 'only its hash is kept');

  await revokeApiToken(deps, reader.id, root);
  t.equal(await as(reader.secret), null);
  await refuses(t, 'api-token.missing', revokeApiToken(deps, reader.id, root));
  await refuses(t, 'api-token.missing', revokeApiToken(deps, 2 ** 60, root));
  clock.set(expiresAt);
  t.equal(await as(ci.secret), null);
  await refuses(t, 'input.invalid', createApiToken(deps, { name: 'late', role: 'viewer', expiresAt }, root));
  await refuses(t, 'input.invalid', createApiToken(deps, { name: ' ', role: 'viewer' }, root));
  t.match(await audit('api-token.created'), [
    { detail: { name: 'reader' } },
    { detail: { name: 'CI', role: 'editor' } },
  ]);
  t.match(await audit('api-token.revoked'), [{ subject: `API token ${reader.id}` }]);
  const log = JSON.stringify(await audit('api-token.created'));
  t.notOk(log.includes(ci.secret));
});

t.test('without ADMIN_TOKEN no bearer is the environment', async (t) => {
  const { deps } = await openStage(t);
  t.equal(await actorOfBearer(deps, 'Bearer null'), null);
  t.equal(await actorOfBearer(deps, 'Bearer undefined'), null);
});
