import type pg from 'pg';
import type { BaseLogger } from 'pino';
import type { Config } from './config.js';
import type { TextSource } from './texts.js';

/** Where events are written: ids, codes and figures, never an address or a token. */
export type Log = Pick<BaseLogger, 'error' | 'warn' | 'info' | 'debug'>;

/** What the verbs stand on. Each verb takes only what it uses: `Pick<Deps, 'db' | 'now'>`. */
export interface Deps {
  db: pg.Pool;
  config: Config;
  /** The clock. Time is a value: tests pass another. */
  now: () => Date;
  texts: TextSource;
  log: Log;
}
