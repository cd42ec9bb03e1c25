import { createHmac, randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type ParsedUrlQuery, parse } from 'node:querystring';

import cookie from '@fastify/cookie';
import formbody from '@fastify/formbody';
import fastifyPostgres from '@fastify/postgres';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyPluginAsync, LogController } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import type { Config } from './config.js';
import { poolOptions, surviveLosses } from './database/pool.js';
import { createOutside, type Outside } from './deliverability/outside.js';
import type { Deps } from './deps.js';
import { OperatorError } from './errors.js';
import type { Mailbox } from './mail/mailbox.js';
import { createProgressFeed, type ProgressFeed } from './notices/progress-feed.js';
import { adminRoutes } from './routes/admin/routes.js';
import { apiRoutes } from './routes/api/api.js';
import { publicApiRoutes } from './routes/api/public.js';
import { publicHistoryRoutes } from './routes/api/public-history.js';
import { assetRoutes } from './routes/assets.js';
import { calendarRoutes } from './routes/calendar.js';
import { crawlerRoutes } from './routes/crawlers.js';
import { documentRoutes } from './routes/documents/documents.js';
import { shareCardRoutes } from './routes/documents/share-card.js';
import { embedRoutes } from './routes/embed/embed.js';
import { feedRoutes } from './routes/feeds.js';
import { registerFormLimit } from './routes/form-limit.js';
import { createKeptPages, type KeptPages } from './routes/kept-pages.js';
import { registerOpenapi } from './routes/openapi.js';
import { operationRoutes } from './routes/operations.js';
import { apiPageRoutes } from './routes/pages/api.js';
import { dayRoutes } from './routes/pages/at.js';
import { confirmRoutes } from './routes/pages/confirm.js';
import { listRoutes } from './routes/pages/list.js';
import { mailboxRoutes } from './routes/pages/mailbox.js';
import { manageRoutes } from './routes/pages/manage.js';
import { objectionRoutes } from './routes/pages/objections.js';
import { preferencesRoutes } from './routes/pages/preferences.js';
import { problemPage } from './routes/pages/problem-page.js';
import { subProcessorRoutes } from './routes/pages/sub-processors.js';
import { subscribeRoutes } from './routes/pages/subscribe.js';
import { unsubscribeRoutes } from './routes/pages/unsubscribe.js';
import { versionRoutes as versionPages } from './routes/pages/versions.js';
import { registerProblems, sendOutside } from './routes/problem.js';
import { createRenderer, type Renderer } from './routes/render.js';
import { schemaRoutes } from './routes/schemas.js';
import { registerSecurityHeaders } from './routes/security-headers.js';
import { wellKnownRoutes } from './routes/well-known.js';
import type { TextSource } from './texts.js';

/** What the doors stand on: what the verbs need, and what is only shown. */
export interface AppDeps extends Deps {
  /** Null when a relay sends the mail. */
  mailbox: Mailbox | null;
  pages: Renderer;
  /** Public pages and feeds, rendered once for each state of the published versions. */
  kept: KeptPages;
  /** How far notices are, for whoever watches on this instance. */
  progress: ProgressFeed;
  /** Name servers and our own public address, for the check of deliverability. */
  outside: Outside;
}

export interface AppOptions {
  config: Config;
  databaseUrl: string;
  now: () => Date;
  texts: TextSource;
  log: Logger;
  mailbox: Mailbox | null;
  /** In place of the world outside, for tests. */
  outside?: Outside;
}

export interface App {
  http: FastifyInstance;
  /** For the loops and the schedule, which share the pool of the app; it ends with `http.close()`. */
  deps: AppDeps;
  /** Opens the port of the settings. Throws an OperatorError when it cannot be had. */
  listen(): Promise<void>;
  /** Takes no more requests, lets those in hand end, then ends the pool. */
  close(): Promise<void>;
}

/** What is in hand when the service is to end has this long to be finished. */
const graceMs = 10_000;

/**
 * The HTTP side of the service, ready for `inject` or `listen`. It opens no connection by itself: the
 * database may be away when it starts, and comes back without a restart.
 */
export async function buildApp(options: AppOptions): Promise<App> {
  const { config } = options;
  const log: FastifyBaseLogger = options.log;
  const http = Fastify({
    loggerInstance: log,
    // Fastify's own lines hold the URL, and with it tokens; `logRequests` writes the route instead.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIds(),
    trustProxy: config.trustProxy.length > 0 ? config.trustProxy : false,
    rewriteUrl: withoutBase(new URL(config.publicUrl).pathname),
    bodyLimit: 1024 * 1024,
    requestTimeout: 120_000,
    routerOptions: { maxParamLength: 200, querystringParser: givenParameters },
    // What is no address at all gets past every hook, and the framework's own answer repeats the path.
    frameworkErrors: (error, request, reply) => void sendOutside(request, reply, error, problemPage(deps)),
  });

  await http.register(fastifyPostgres, poolOptions(options.databaseUrl));
  const db = http.pg.pool;
  surviveLosses(db, (err) => {
    // A pool that ends does not wait for its connections, and the embedded server may be the faster one.
    if (!db.ending) log.warn({ err }, 'an idle database connection was lost');
  });

  const pages = createRenderer(options);
  const deps: AppDeps = {
    db,
    config,
    now: options.now,
    texts: options.texts,
    log: options.log,
    mailbox: options.mailbox,
    pages,
    kept: createKeptPages({ db, now: options.now, log: options.log, texts: options.texts, pages }),
    progress: createProgressFeed({ db, now: options.now, log: options.log }),
    outside: options.outside ?? createOutside(),
  };
  // Streams that would never end by themselves must not hold up the end of the service.
  http.addHook('preClose', async () => deps.progress.close());

  logRequests(http, options.log);
  registerSecurityHeaders(http, config);
  await http.register(formbody);
  await registerFormLimit(http);

  registerProblems(http, problemPage(deps));
  await http.register(async (scope) => {
    // Only for our routes: a plugin's route with a JSON schema would not survive zod's compilers.
    scope.setValidatorCompiler(validatorCompiler);
    scope.setSerializerCompiler(serializerCompiler);
    await registerOpenapi(scope, config);
    for (const door of readerDoors) await scope.register(door(deps));
    await scope.register(async (inner) => registerOthers(inner, deps));
  });
  return {
    http,
    deps,
    listen: () => listenOn(http, config),
    close: () => closeHttp(http),
  };
}

/** The doors where something is sent, and not only read: with cookies, and with what a write brings about. */
async function registerOthers(scope: FastifyInstance, deps: AppDeps): Promise<void> {
  // Whoever published or withdrew here finds it on the pages as soon as they have the answer.
  scope.addHook('onSend', (request, _reply, payload, done) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') deps.kept.markStale();
    done(null, payload);
  });
  await scope.register(cookie, {
    // Keys of their own: what signs a cookie signs no link.
    secret: deps.config.secretKeys.map((key) => createHmac('sha256', key).update('cookies').digest('base64url')),
  });
  for (const door of otherDoors) await scope.register(door(deps));
}

type Door = (deps: AppDeps) => FastifyPluginAsync;

/** For readers, who send nothing: no cookie is read or set, and nothing stands between them and what is in memory. */
const readerDoors: readonly Door[] = [
  assetRoutes,
  listRoutes,
  versionPages,
  dayRoutes,
  subProcessorRoutes,
  feedRoutes,
  calendarRoutes,
  documentRoutes,
  shareCardRoutes,
  schemaRoutes,
  apiPageRoutes,
  wellKnownRoutes,
  crawlerRoutes,
  publicApiRoutes,
  publicHistoryRoutes,
  embedRoutes,
];

/** By whom each is for; those of the API and the console stand behind guards. */
const otherDoors: readonly Door[] = [
  // Subscribers
  subscribeRoutes,
  confirmRoutes,
  unsubscribeRoutes,
  preferencesRoutes,
  manageRoutes,
  objectionRoutes,
  // Admins
  adminRoutes,
  apiRoutes,
  // Operators
  operationRoutes,
  mailboxRoutes,
];

async function listenOn(http: FastifyInstance, { host, port }: Config): Promise<void> {
  try {
    await http.listen({ host, port, listenTextResolver: (address) => `listening on ${address}` });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'EADDRINUSE') {
      throw new OperatorError(
        `PORT: ${port} on ${host} is in use by another program; stop that one, or set another PORT`,
      );
    }
    if (code === 'EACCES') throw new OperatorError(`PORT: ${port} is not open to this user; choose one above 1023`);
    if (['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN', 'EINVAL'].includes(code)) {
      throw new OperatorError(`HOST: ${host} is no address of this machine; set 127.0.0.1, or 0.0.0.0 for all of them`);
    }
    throw error;
  }
}

/** Requests in hand are finished; who keeps a connection open beyond the grace is cut off. */
async function closeHttp(http: FastifyInstance): Promise<void> {
  const timer = setTimeout(() => http.server.closeAllConnections(), graceMs);
  await http.close();
  clearTimeout(timer);
}

/**
 * PUBLIC_URL may have a path. A proxy hands it on or strips it: both are understood, and the routes
 * know nothing of it.
 */
function withoutBase(path: string): (request: IncomingMessage) => string {
  const base = path.replace(/\/$/, '');
  return ({ url = '/' }) => {
    if (base === '' || !url.startsWith(base)) return url;
    const rest = url.slice(base.length);
    if (rest === '' || rest.startsWith('?')) return `/${rest}`;
    return rest.startsWith('/') ? rest : url;
  };
}

/** Ids for the log, that no other instance gives: counted, as random ones for each cost more than they are worth. */
function requestIds(): () => string {
  const instance = randomUUID().slice(0, 8);
  let count = 0;
  return () => {
    count += 1;
    return `${instance}-${count.toString(36)}`;
  };
}

/** A parameter without a value was not given: `?state=&after=`, as forms and scripts write it. */
function givenParameters(query: string): ParsedUrlQuery {
  if (query === '') return {};
  return Object.fromEntries(Object.entries(parse(query)).filter(([, value]) => value !== ''));
}

/** One line a request, by its route: neither path nor query, as both may hold what opens something. */
function logRequests(http: FastifyInstance, log: Logger): void {
  const tellsAll = log.isLevelEnabled('debug');
  http.addHook('onResponse', (request, reply, done) => {
    // What nobody will read is not put together.
    if (reply.statusCode < 500 && !tellsAll) return done();
    const facts = {
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
    };
    if (reply.statusCode >= 500) request.log.warn(facts, 'request failed');
    else request.log.debug(facts, 'request');
    done();
  });
}
