import { checkDatabase } from '../database/check.js';
import { migrate } from '../database/migrate.js';
import { createPool } from '../database/pool.js';
import type { Deps } from '../deps.js';
import { OperatorError } from '../errors.js';
import { createLog } from '../log.js';
import { migrations, openDatabase } from '../open.js';
import { loadTexts } from '../texts.js';
import type { Surroundings } from './command.js';

/**
 * Gives `work` what the verbs need, on the database that the service has. The embedded one may be
 * running for the service, and is joined then; else it is started for the time.
 */
export async function withDeps<T>(
  surroundings: Surroundings,
  work: (deps: Deps, databaseUrl: string) => Promise<T>,
): Promise<T> {
  const config = surroundings.config();
  const opened = await openDatabase(config, { service: false });
  const pool = createPool(opened.url);
  try {
    const { migrated } = await checkDatabase(pool);
    if (config.databaseUrl === null) await migrate(pool, migrations);
    else if (!migrated) throw new OperatorError('DATABASE_URL: the database is empty; run `subnotice migrate` first');
    const deps = {
      db: pool,
      config: opened.config,
      now: () => new Date(),
      texts: loadTexts({ timeZone: config.timeZone }),
      // Commands answer on standard output; what goes wrong on the way is said on standard error.
      log: createLog('error', process.stderr),
    };
    return await work(deps, opened.url);
  } finally {
    await pool.end();
    await opened.close();
  }
}
