import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { systemActor } from './actor.js';
import { ensureConfiguredAdmin, ensureSetupLink } from './admins/setup.js';
import { type AppDeps, buildApp } from './app.js';
import { startBounceIntake } from './bounce-intake.js';
import type { Config } from './config.js';
import { checkDatabase } from './database/check.js';
import { migrate } from './database/migrate.js';
import { createPool } from './database/pool.js';
import { type Channel, listen } from './database/wake.js';
import type { Deps } from './deps.js';
import { OperatorError, Refusal } from './errors.js';
import { checkIn, type Hold } from './holds/hold.js';
import { createLog } from './log.js';
import { startMailbox } from './mail/mailbox.js';
import { loadMjml } from './mail/mjml.js';
import { createTransport } from './mail/transport.js';
import { migrations, openDatabase } from './open.js';
import { startSchedule } from './schedule.js';
import { startSending } from './sending.js';
import { loadTexts } from './texts.js';
import { readDraft, writeDraft } from './versions/draft.js';

/** The service, until it is closed. */
export interface Service {
  close(): Promise<void>;
}

/**
 * Runs the service: database (its own, or that of DATABASE_URL), migrations, mail (the built-in mailbox,
 * or the relay of SMTP_URL), pages and API, the loops that notify and send.
 * @param say for the few lines that tell the operator where to look
 * @throws OperatorError in one line a fault when it cannot run as the settings want
 */
export async function serve(settings: Config, say: (line: string) => void): Promise<Service> {
  const closers: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const { url, config, close: closeDatabase } = await openDatabase(settings, { service: true });
    closers.push(closeDatabase);
    const log = createLog(config.logLevel);
    const applied = await prepareDatabase(url, log);
    if (applied.length > 0) log.info({ applied }, 'the database was migrated');

    const mailbox = config.smtpUrl === null ? await startMailbox(join(config.dataDir, 'mailbox')) : null;
    if (mailbox !== null) closers.push(() => mailbox.close());

    const texts = loadTexts({ timeZone: config.timeZone });
    const app = await buildApp({ config, databaseUrl: url, now: () => new Date(), texts, log, mailbox });
    const { deps } = app;
    closers.push(app.close);
    if (config.databaseUrl === null) await seedDraft(deps);
    await makeConfiguredAdmin(deps);

    const hold = await checkIn(deps);
    const setupLink = await ensureSetupLink(deps);

    closers.push((await startBounceIntake(deps)).close);
    // The first reader finds the page made.
    await deps.kept.renew();
    await app.listen();
    for (const line of whereToLook(deps, { setupLink, hold })) say(line);
    closers.push(startWork(deps, url, config.smtpUrl ?? mailbox?.url ?? '').close);
    return { close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Each instance goes by its own clock, and leases (45 s) take for granted that these agree: here each is
 * compared with the one clock that all of them can see.
 */
const tolerableClockMs = 5_000;

async function prepareDatabase(url: string, log: Deps['log']): Promise<string[]> {
  const pool = createPool(url);
  try {
    const { clockAheadMs } = await checkDatabase(pool);
    if (Math.abs(clockAheadMs) > tolerableClockMs) {
      log.warn({ clockAheadMs }, 'the clocks of this machine and of the database differ; synchronise both (NTP)');
    }
    return await migrate(pool, migrations);
  } finally {
    await pool.end();
  }
}

/** An example to begin with, for whoever tries the service on a machine with nothing else. */
async function seedDraft(deps: Deps): Promise<void> {
  if ((await readDraft(deps.db)) !== null) return;
  const text = await readFile(new URL('../samples/sub-processors.yaml', import.meta.url), 'utf8');
  // Two first starts cannot meet here: a data folder has one service.
  await writeDraft(deps, { text, format: 'yaml' }, {}, systemActor);
}

async function makeConfiguredAdmin(deps: Deps): Promise<void> {
  try {
    await ensureConfiguredAdmin(deps);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const setting = error.code === 'address.invalid' ? 'ADMIN_EMAIL' : 'ADMIN_PASSWORD';
    throw new OperatorError(`${setting}: ${error.message}`);
  }
}

/** The loops, the schedule and what wakes them. Closing ends them before the pool that they use. */
function startWork(deps: AppDeps, databaseUrl: string, smtpUrl: string): Service {
  const { config, log } = deps;
  const transport = createTransport({ smtpUrl, mailConcurrency: config.mailConcurrency, dkim: config.dkim });
  // Whoever waits for the first mail should not wait for this as well; if it fails, that mail says why.
  loadMjml().catch((err: unknown) => log.warn({ err }, 'the compiler of mail templates could not be loaded'));
  const sending = startSending(deps, { transport, instance: randomUUID() });
  const schedule = startSchedule(deps);
  const onWake: Record<Channel, () => void> = {
    notices: () => sending.wake('fanOut'),
    deliveries: () => sending.wake('send'),
    versions: () => {
      deps.kept.setInTouch(true);
      void deps.kept.renew();
      sending.wake('publishDue');
    },
  };
  const listener = listen(
    databaseUrl,
    (channel) => onWake[channel](),
    () => deps.kept.setInTouch(false),
  );
  return {
    async close() {
      await Promise.all([listener.close(), sending.close(), schedule.close()]);
      // A relay that stays silent must not keep the process.
      await Promise.race([transport.close(), pause(1_000)]);
    },
  };
}

function whereToLook(deps: AppDeps, { setupLink, hold }: { setupLink: string | null; hold: Hold | null }): string[] {
  const { config, mailbox } = deps;
  const { publicUrl } = config;
  const places: [string, string][] = [
    ['page', `${publicUrl}/`],
    ['console', setupLink === null ? `${publicUrl}/admin` : `${setupLink}  (makes the first admin, once)`],
  ];
  if (mailbox !== null)
    places.push(['mailbox', `${publicUrl}/dev/mailbox  (all mail ends here until SMTP_URL is set)`]);
  if (config.databaseUrl === null) places.push(['data', config.dataDir]);
  if (hold !== null) {
    const because = hold.because === 'copy' ? 'this database is a restored copy' : 'no instance ran for long';
    places.push(['held', `what is overdue, as ${because}; release it in the console, or by: subnotice release`]);
  }
  return ['', ...places.map(([name, place]) => `  ${name.padEnd(9)}${place}`), ''];
}
