import { checkDatabase } from '../database/check.js';
import { migrate } from '../database/migrate.js';
import { createPool } from '../database/pool.js';
import { migrations, openDatabase } from '../open.js';
import type { Command } from './command.js';

/** Brings the database to what this build needs; the service does the same when it starts. */
export const migrateCommand: Command = {
  name: 'migrate',
  usage: '[--json]',
  summary: 'Brings the database to the state that this version needs.',
  options: { json: { type: 'boolean' } },
  arguments: { min: 0, max: 0 },
  async run({ flag }, { config, say }) {
    const opened = await openDatabase(config(), { service: false });
    const pool = createPool(opened.url);
    try {
      await checkDatabase(pool);
      const applied = await migrate(pool, migrations);
      if (flag('json')) say(JSON.stringify({ applied }));
      else if (applied.length === 0) say('The database is up to date.');
      else say(applied.map((name) => `applied ${name}`).join('\n'));
      return 0;
    } finally {
      await pool.end();
      await opened.close();
    }
  },
};
