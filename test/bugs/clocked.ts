import type { Test } from 'tap';
import { z } from 'zod';
import { freePort, type Service, startService } from '../support/process.js';
import { programUrl } from '../support/program.js';
import { send } from './outside.js';

/*
 * A service whose clock the test moves, so that minutes and days of a case go by in seconds. Only its
 * dates move: timers, connections and the clock of the database run as ever.
 */

const preload = programUrl('test/support/shifted-clock').href;

export interface ClockedService extends Service {
  /** What its clock shows. */
  now(): Promise<Date>;
  /** From now on its clock shows that, and goes on. */
  setClock(at: Date): Promise<void>;
  advance(seconds: number): Promise<void>;
}

/** Starts a service whose clock shows `at`; without it the real time, until it is moved. */
export async function startClocked(
  t: Test,
  env: Readonly<Record<string, string>>,
  at: Date = new Date(),
): Promise<ClockedService> {
  const port = await freePort();
  const address = `http://127.0.0.1:${port}/`;
  const service = await startService(
    t,
    { ...env, CLOCK_START: at.toISOString(), CLOCK_PORT: String(port) },
    { preload },
  );
  const now = async () => {
    const { body } = await send(address);
    return z.object({ now: z.coerce.date() }).parse(JSON.parse(body)).now;
  };
  const setClock = async (to: Date) => {
    await send(`${address}?at=${to.toISOString()}`, { method: 'POST' });
  };
  return {
    ...service,
    now,
    setClock,
    advance: async (seconds) => setClock(new Date((await now()).getTime() + seconds * 1_000)),
  };
}
