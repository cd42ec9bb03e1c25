import { createHmac } from 'node:crypto';
import type { CookieSerializeOptions } from '@fastify/cookie';
import csrfProtection from '@fastify/csrf-protection';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Actor, actorFrom, hasRole, type Role } from '../actor.js';
import { actorOfBearer } from '../admins/api-tokens.js';
import { mustEnrol, type Session, sessionOf } from '../admins/sessions.js';
import type { Config } from '../config.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { networkOf } from './network.js';

/*
 * Who may pass a door. Every route of the API and of the console says in its `config` what it asks for;
 * one that says nothing stops the start.
 */

export type Permission = Role | 'public';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The least role that may use the route; `public`: anybody. */
    permission?: Permission;
    /**
     * A form with words in it: whether it may be sent is looked at once its body is read, so that a
     * session which ended meanwhile costs nobody their text.
     */
    keepsText?: boolean;
    /** May be used before a second factor is set up that the settings ask for. */
    beforeEnrolment?: boolean;
    /** The token may come as the password of HTTP Basic, as programs send it that know a URL only. */
    takesPassword?: boolean;
    /** JSON without a token is let in with no actor: its signature is looked at by the route. */
    takesSignature?: boolean;
  }
  interface FastifyRequest {
    /** Who sends an API request; null on public routes and pages. */
    actor: Actor | null;
    /** The console's session; null before signing in and outside the console. */
    session: Session | null;
  }
}

type GuardDeps = Pick<Deps, 'db' | 'now' | 'config'>;

/** Wrong tokens from one network, on one instance: no program has so many, and nobody guesses with so few. */
const guessLimit = {
  max: 200,
  timeWindow: 10 * 60 * 1000,
  keyGenerator: (request: FastifyRequest) => networkOf(request.ip),
};

/**
 * Guards the routes of a scope by bearer token, before their bodies are read: what a stranger sends is not
 * even parsed. Refuses `bearer.missing` and `permission.missing`.
 */
export function guardApi(app: FastifyInstance, deps: GuardDeps): void {
  demandPermissions(app);
  app.addHook('onRoute', ({ method, url, schema }) => {
    if (schema?.operationId === undefined)
      throw new Error(`${String(method)} ${url} would be missing in /openapi.json`);
  });
  app.decorateRequest('actor', null);
  const guesses = countedGuesses(app);
  app.addHook('onRequest', async (request) => {
    const { permission: needed = 'admin', takesPassword, takesSignature } = request.routeOptions.config;
    if (needed === 'public' || request.is404) return;
    const authorization = takesPassword ? bearerOf(request.headers.authorization) : request.headers.authorization;
    if (authorization === undefined && takesSignature && mayBeJson(request)) return;
    // Tokens that we make cannot be guessed; one that a person has chosen for ADMIN_TOKEN might be.
    const isGuess = authorization !== undefined && !/^Bearer +sn_/i.test(authorization);
    if (isGuess) await guesses.refuseTooMany(request);
    request.actor = authorization === undefined ? null : await actorOfBearer(deps, authorization);
    if (request.actor === null) {
      if (isGuess) await guesses.count(request);
      throw new Refusal(
        'bearer.missing',
        authorization === undefined
          ? 'This needs an Authorization header with a bearer token.'
          : 'The Authorization header holds no valid bearer token.',
      );
    }
    request.actor = actorFrom(request.actor, `api ${networkOf(request.ip)}`);
    demand(request.actor, needed);
  });
}

/** Wrong tokens and forged signatures, by the network they come from. */
export function countedGuesses(app: FastifyInstance) {
  const countGuess = app.createRateLimit(guessLimit);
  return {
    async count(request: FastifyRequest): Promise<void> {
      await countGuess(request);
    },
    /** Refuses `rate.exceeded`. */
    async refuseTooMany(request: FastifyRequest): Promise<void> {
      const guesses = await countGuess(request, { increment: false });
      if (guesses.isAllowed || guesses.remaining > 0) return;
      throw new Refusal('rate.exceeded', 'Too many wrong tokens came from here.', [], guesses.ttlInSeconds);
    },
  };
}

/** The password of HTTP Basic as a bearer token; anything else as it is. */
function bearerOf(authorization: string | undefined): string | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/=_-]{1,1000}) *$/i.exec(authorization ?? '')?.[1];
  if (encoded === undefined) return authorization;
  const pair = Buffer.from(encoded, 'base64').toString('utf8');
  return `Bearer ${pair.slice(pair.indexOf(':') + 1)}`;
}

function mayBeJson({ headers }: FastifyRequest): boolean {
  return /^(?:application\/json|text\/plain)\b/i.test(headers['content-type'] ?? '');
}

/**
 * Guards the routes of a scope by the console's session, and its forms against other sites: a token bound
 * to the session in each form, and the browser's own word on where the request comes from. Routes with the
 * permission `public` (sign-in, set-up) need no session, but the same protection of forms.
 * Refuses `session.missing`, `enrolment.missing`, `permission.missing`, `csrf.wrong`.
 */
export async function guardConsole(app: FastifyInstance, deps: GuardDeps): Promise<void> {
  demandPermissions(app);
  const { config } = deps;
  await app.register(csrfProtection, {
    cookieKey: cookieName(config, 'form'),
    cookieOpts: { ...cookieOptions(config), signed: true },
    csrfOpts: {
      hmacKey: createHmac('sha256', config.secretKeys[0] ?? '')
        .update('csrf')
        .digest('base64url'),
    },
    getToken: formToken,
    getUserInfo: sessionName,
    logLevel: 'debug',
  });
  app.decorateRequest('session', null);
  app.addHook('onRequest', async (request) => {
    if (isWrite(request)) demandSameOrigin(request, config);
    request.session = sessionAt(request, await sessionOf(deps, request.cookies[cookieName(config, 'session')]));
    const { keepsText = false } = request.routeOptions.config;
    if (!keepsText || !hasCookie(request, config)) demandSession(request, config);
  });
  app.addHook('preHandler', (request, reply, done) => {
    if (isWrite(request)) app.csrfProtection(request, reply, done);
    else done();
  });
  app.addHook('preHandler', async (request) => demandSession(request, config));
}

function sessionAt(request: FastifyRequest, session: Session | null): Session | null {
  if (session === null) return null;
  return { ...session, actor: actorFrom(session.actor, `console ${networkOf(request.ip)}`) };
}

/** Who sends the request, on a route that only somebody may use. */
export function actorOf(request: FastifyRequest): Actor {
  const actor = request.session?.actor ?? request.actor;
  if (actor === null || actor === undefined) throw new Error('a public route has no actor');
  return actor;
}

/** The hidden field `_csrf` of every form of the console. */
export function csrfToken(reply: FastifyReply): string {
  return reply.generateCsrf({ userInfo: sessionName(reply.request) });
}

/** Gives the browser its session. */
export function setSession(reply: FastifyReply, config: Config, token: string): void {
  reply.setCookie(cookieName(config, 'session'), token, {
    ...cookieOptions(config),
    maxAge: config.sessionHours * 60 * 60,
  });
}

/** The session's token that the browser sent. */
export function sessionToken(request: FastifyRequest, config: Config): string | undefined {
  return request.cookies[cookieName(config, 'session')];
}

export function clearSession(reply: FastifyReply, config: Config): void {
  reply.clearCookie(cookieName(config, 'session'), cookieOptions(config));
  reply.clearCookie(cookieName(config, 'form'), cookieOptions(config));
}

/** Where a sign-in of two steps has got to: at the identity provider, or before the code of a second factor. */
type Step = 'sign-in' | 'code';

/** What the browser keeps between the steps; signed, so that nobody makes it up. */
export function keepSignInState(
  reply: FastifyReply,
  config: Config,
  { step, state, maxAge }: { step: Step; state: string; maxAge: number },
): void {
  reply.setCookie(cookieName(config, step), state, { ...cookieOptions(config), signed: true, maxAge });
}

/** Null: this browser has begun no sign-in. */
export function signInState(request: FastifyRequest, config: Config, step: Step): string | null {
  const cookie = request.cookies[cookieName(config, step)];
  return cookie === undefined ? null : request.unsignCookie(cookie).value;
}

export function endSignInState(reply: FastifyReply, config: Config, step: Step): void {
  reply.clearCookie(cookieName(config, step), cookieOptions(config));
}

/** Refuses what the route's permission does not allow the session, or the lack of one. */
function demandSession(request: FastifyRequest, config: Config): void {
  const { permission: needed = 'admin', beforeEnrolment = false } = request.routeOptions.config;
  if (needed === 'public' || request.is404) return;
  if (request.session === null) throw new Refusal('session.missing', 'Sign in first.');
  if (!beforeEnrolment && mustEnrol(config, request.session)) {
    throw new Refusal('enrolment.missing', 'Set up a second factor first.');
  }
  demand(request.session.actor, needed);
}

/** The browser has had a form of ours: for strangers no body is read. */
function hasCookie(request: FastifyRequest, config: Config): boolean {
  const cookie = request.cookies[cookieName(config, 'form')];
  return cookie !== undefined && request.unsignCookie(cookie).valid;
}

function demand(actor: Actor, needed: Role): void {
  if (hasRole(actor, needed)) return;
  throw new Refusal('permission.missing', `This needs the role "${needed}".`);
}

function demandPermissions(app: FastifyInstance): void {
  app.addHook('onRoute', ({ method, url, config }) => {
    if (config?.permission === undefined) throw new Error(`${String(method)} ${url} does not say who may use it`);
  });
}

function isWrite({ method }: FastifyRequest): boolean {
  return method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS';
}

/**
 * Whether a form was sent from a page of this service. Browsers say where a request comes from:
 * Sec-Fetch-Site on https and localhost, else Origin. "none" is the person themselves.
 */
export function isSameOrigin({ headers }: FastifyRequest, config: Config): boolean {
  const site = headers['sec-fetch-site'];
  const origin = headers.origin;
  return site !== undefined
    ? site === 'same-origin' || site === 'none'
    : origin === undefined || origin === new URL(config.publicUrl).origin;
}

function demandSameOrigin(request: FastifyRequest, config: Config): void {
  if (!isSameOrigin(request, config)) throw new Refusal('csrf.wrong', 'This form was sent from another site.');
}

function formToken({ body }: FastifyRequest): string | undefined {
  if (typeof body !== 'object' || body === null || !('_csrf' in body)) return undefined;
  return typeof body._csrf === 'string' ? body._csrf : undefined;
}

/** What a form's token is bound to. */
function sessionName({ session }: FastifyRequest): string {
  return session?.name ?? 'nobody';
}

/** `__Host-` ties a cookie to this host and to https; a browser refuses it on plain http. */
function cookieName({ publicUrl }: Config, purpose: 'session' | 'form' | Step): string {
  return `${publicUrl.startsWith('https:') ? '__Host-' : ''}subnotice-${purpose}`;
}

function cookieOptions({ publicUrl }: Config): CookieSerializeOptions {
  // Lax, so that a link in a mail to the admins opens the console signed in.
  return { path: '/', httpOnly: true, sameSite: 'lax', secure: publicUrl.startsWith('https:') };
}
