import type pg from 'pg';

declare const inTransaction: unique symbol;

/**
 * A client inside a transaction. Only `transaction` makes one, so a verb that takes a `Tx` cannot be
 * called outside a transaction by mistake: it does not compile.
 */
export type Tx = pg.PoolClient & { readonly [inTransaction]: true };

/** Runs `work` in one transaction: committed when it returns, rolled back when it throws. */
export async function transaction<T>(pool: pg.Pool, work: (tx: Tx) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin');
    // The one cast that makes the brand: this client has just begun a transaction.
    const result = await work(client as Tx);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((rollbackError: Error) => {
      // The connection is gone; the server rolls back by itself. The client must not be reused.
      broken = rollbackError;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
