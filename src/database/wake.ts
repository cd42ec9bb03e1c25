import pg from 'pg';
import { poolOptions } from './pool.js';
import { run } from './query.js';
import { sql } from './sql.js';
import type { Tx } from './transaction.js';

export const channels = ['notices', 'deliveries', 'versions'] as const;
/** What there is to do: a notice to fan out, a delivery to send, a version to show. */
export type Channel = (typeof channels)[number];

/**
 * Tells every instance that there is work, when (and only if) the transaction commits. A wake-up may
 * get lost on a broken connection, and does not pass a pooler in transaction mode: whoever listens
 * must look by itself as well, only less often.
 */
export async function wake(tx: Tx, channel: Channel): Promise<void> {
  await run(tx, sql`select pg_notify(${channel}, '')`);
}

export interface Listener {
  close(): Promise<void>;
}

const firstPause = 250;
const longestPause = 2_000;

/**
 * Listens on a connection of its own, which is opened again whenever it is lost. After each opening
 * every channel is called once, as what was said meanwhile is gone.
 * @param onDeaf the connection was lost, and nothing is heard until the next call
 */
export function listen(databaseUrl: string, onWake: (channel: Channel) => void, onDeaf: () => void): Listener {
  let closed = false;
  let pause = firstPause;
  let timer: NodeJS.Timeout | undefined;
  let current: pg.Client | undefined;

  const again = () => {
    if (closed) return;
    timer = setTimeout(() => void open(), pause);
    pause = Math.min(pause * 2, longestPause);
  };

  const open = async (): Promise<void> => {
    const client = new pg.Client(poolOptions(databaseUrl));
    current = client;
    let lost = false;
    const onLost = () => {
      if (lost) return;
      lost = true;
      onDeaf();
      client.end().catch(() => undefined);
      again();
    };
    client.on('error', onLost);
    client.on('end', onLost);
    client.on('notification', ({ channel }) => {
      const known = channels.find((name) => name === channel);
      if (known !== undefined) onWake(known);
    });
    try {
      await client.connect();
      for (const channel of channels) await client.query(`listen ${channel}`);
      pause = firstPause;
      if (!closed) channels.forEach(onWake);
    } catch {
      // The database is away: the pools of the service say so in the log, here it is only waited for.
      onLost();
    }
  };

  const opening = open();
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await opening;
      await current?.end().catch(() => undefined);
    },
  };
}
