import type { Config } from './config.js';
import { startEmbedded } from './database/embedded.js';
import { keepSecret } from './secret.js';

/** Where the DDL lies, seen from src/ and dist/ alike. */
export const migrations = new URL('../sql/', import.meta.url);

/** The database that the settings mean, and the settings complete with the keys that sign. */
export interface OpenedDatabase {
  url: string;
  config: Config;
  close(): Promise<void>;
}

/**
 * Starts or joins the embedded database when no DATABASE_URL is set.
 * @param options.service true for the service itself, of which a data folder has one at a time
 */
export async function openDatabase(config: Config, options: { service: boolean }): Promise<OpenedDatabase> {
  if (config.databaseUrl !== null) return { url: config.databaseUrl, config, close: async () => {} };
  const embedded = await startEmbedded({ dataDir: config.dataDir, service: options.service });
  try {
    const secretKeys = config.secretKeys.length > 0 ? config.secretKeys : [keepSecret(config.dataDir)];
    return { url: embedded.url, config: Object.freeze({ ...config, secretKeys }), close: () => embedded.close() };
  } catch (error) {
    await embedded.close();
    throw error;
  }
}
