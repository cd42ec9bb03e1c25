import pg from 'pg';

const types = new pg.TypeOverrides();
// bigint: ids and counts stay far below 2^53, so a number is exact.
types.setTypeParser(pg.types.builtins.INT8, (text) => Number(text));
// date: a calendar day stays text. Through a Date it would become local midnight, and another day
// in another zone (brianc/node-postgres #818).
types.setTypeParser(pg.types.builtins.DATE, (text) => text);

/** Settings of every pool of the service; `@fastify/postgres` is given the same. */
export function poolOptions(databaseUrl: string): pg.PoolConfig {
  return {
    connectionString: databaseUrl,
    max: 10,
    types,
    application_name: 'subnotice',
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
  };
}

/** A pool for programs without the HTTP service: migrations, command line, tests. */
export function createPool(databaseUrl: string): pg.Pool {
  const pool = new pg.Pool(poolOptions(databaseUrl));
  surviveLosses(pool, () => undefined);
  return pool;
}

/**
 * A server that restarts closes its connections, and each says so by an event that ends the process
 * when nobody listens: the pool's for idle ones, the client's own for one that is taken and, just then,
 * between two statements (brianc/node-postgres #2386). Whoever uses a lost client gets an error anyway.
 */
export function surviveLosses(pool: pg.Pool, onLost: (error: Error) => void): void {
  pool.on('error', onLost);
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
  });
}
