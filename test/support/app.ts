import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Test } from 'tap';
import { type AppDeps, buildApp } from '../../src/app.js';
import { readConfig } from '../../src/config.js';
import type { Outside } from '../../src/deliverability/outside.js';
import { createLog } from '../../src/log.js';
import { type Mailbox, startMailbox } from '../../src/mail/mailbox.js';
import { createTransport } from '../../src/mail/transport.js';
import { createSteps } from '../../src/sending.js';
import { loadTexts, type TextOptions } from '../../src/texts.js';
import { type Clock, createClock } from './clock.js';
import { openDatabase, type TestDatabase } from './database.js';
import { temporaryFolder } from './process.js';
import { type SmtpOptions, type SmtpRelay, startSmtp } from './smtp.js';

export const adminToken = 'admin-token-of-the-tests';
export const bearer = { authorization: `Bearer ${adminToken}` };

export interface TestAppOptions {
  /** Settings beside those that a test has anyway. */
  env?: Readonly<Record<string, string>>;
  /** A relay that runs already, the script of a new one, or the built-in mailbox. */
  smtp?: SmtpRelay | SmtpOptions | 'mailbox';
  clock?: Clock;
  /** For a second instance on the database of a first one. */
  database?: TestDatabase;
  /** Locales beside those that are shipped (`loadTexts`). */
  made?: TextOptions['made'];
  /** What name servers and the public address answer; without it nobody does. */
  outside?: Outside;
}

/** The machines that test ask nobody outside. */
const nobody: Outside = {
  txt: async () => ({ kind: 'unknown', because: 'ETIMEOUT' }),
  mx: async () => ({ kind: 'unknown', because: 'ETIMEOUT' }),
  addresses: async () => ({ kind: 'unknown', because: 'ETIMEOUT' }),
  post: async () => ({ kind: 'failed', because: 'timeout' }),
};

export interface TestApp {
  http: FastifyInstance;
  inject: FastifyInstance['inject'];
  deps: AppDeps;
  database: TestDatabase;
  clock: Clock;
  /** The relay that gets the mail; with the built-in mailbox it gets none. */
  relay: SmtpRelay;
  mailbox: Mailbox | null;
  /** Lines of the log, as they are written. */
  log: string[];
  /** Publishes or holds what has come due; how many. */
  publishDue(): Promise<number>;
  /** Runs until every ordered notice has its deliveries; how many rows were made. */
  fanOut(): Promise<number>;
  /** Runs until nothing is due by the clock; how many deliveries were taken up. */
  send(): Promise<number>;
  /** All of the above: afterwards the service is at rest. */
  settle(): Promise<void>;
}

/**
 * The whole service inside the test, on a database of its own and a clock that stands still: nothing
 * happens by itself, the test calls the steps.
 */
export async function startApp(t: Test, options: TestAppOptions = {}): Promise<TestApp> {
  const database = options.database ?? (await openDatabase(t));
  const clock = options.clock ?? createClock();
  const { smtp } = options;
  const mailbox = smtp === 'mailbox' ? await startMailbox(temporaryFolder(t)) : null;
  if (mailbox !== null) t.teardown(() => mailbox.close());
  const relay =
    smtp !== undefined && smtp !== 'mailbox' && 'received' in smtp
      ? smtp
      : await startSmtp(t, smtp === 'mailbox' ? {} : smtp);
  const config = readConfig({
    DATABASE_URL: database.url,
    SMTP_URL: mailbox?.url ?? relay.url,
    SECRET_KEY: 'a-secret-key-that-only-the-tests-use',
    ADMIN_TOKEN: adminToken,
    PUBLIC_URL: 'http://notices.example.org',
    LOG_LEVEL: 'debug',
    ...options.env,
  });
  const log: string[] = [];
  const { http, deps } = await buildApp({
    config,
    databaseUrl: database.url,
    now: clock.now,
    texts: loadTexts({ timeZone: config.timeZone, ...(options.made === undefined ? {} : { made: options.made }) }),
    log: createLog(config.logLevel, { write: (line) => void log.push(line) }),
    mailbox,
    outside: options.outside ?? nobody,
  });
  await http.ready();
  const transport = createTransport({ smtpUrl: config.smtpUrl ?? '', mailConcurrency: config.mailConcurrency });
  t.teardown(async () => {
    await transport.close();
    await http.close();
  });
  const steps = createSteps(deps, { transport, instance: randomUUID() });
  const untilDone = async (step: () => Promise<number>) => {
    let total = 0;
    for (let done = await step(); done > 0; done = await step()) total += done;
    return total;
  };
  const app: TestApp = {
    http,
    inject: http.inject.bind(http),
    deps,
    database,
    clock,
    relay,
    mailbox,
    log,
    publishDue: () => untilDone(steps.publishDue),
    fanOut: () => untilDone(steps.fanOut),
    send: () => untilDone(steps.send),
    async settle() {
      await app.publishDue();
      await app.fanOut();
      await app.send();
    },
  };
  return app;
}
