import { setTimeout as pause } from 'node:timers/promises';
import type { Log } from './deps.js';

/** Work that is done again and again, in one process after the other step. */
export interface Loop {
  /** There may be work: do not wait any longer. */
  wake(): void;
  /** No further step; resolves when the one in hand is done. */
  close(): Promise<void>;
}

export interface LoopOptions {
  name: string;
  /** One step; how much it did. 0: nothing is left for now. */
  step: () => Promise<number>;
  /** Looks at least this often, in milliseconds, as a wake-up may get lost. */
  everyMs: number;
  log: Log;
}

/** Within ten seconds of the return of a database everything works again. */
const longestPause = 4_000;

/**
 * Runs `step` until it finds nothing to do, then waits for a wake-up or the next look. A step that
 * throws is logged and tried again after a growing pause: what it had in hand is in the database.
 */
export function startLoop({ name, step, everyMs, log }: LoopOptions): Loop {
  let closed = false;
  let woken = false;
  let sleep: AbortController | undefined;
  let failures = 0;

  const rest = async (ms: number) => {
    sleep = new AbortController();
    // Aborted by a wake-up; either way it is time to look.
    await pause(ms, undefined, { signal: sleep.signal }).catch(() => undefined);
    sleep = undefined;
  };

  const run = async () => {
    while (!closed) {
      woken = false;
      try {
        const done = await step();
        if (failures > 0) log.info({ loop: name }, 'the loop works again');
        failures = 0;
        if (done > 0 || woken) continue;
        await rest(everyMs);
      } catch (err) {
        failures += 1;
        // The first failure and then ever fewer: an outage of an hour is no thousand lines.
        if ((failures & (failures - 1)) === 0)
          log.error({ err, loop: name, failures }, 'a step failed and is tried again');
        const end = Date.now() + Math.min(250 * 2 ** failures, longestPause);
        while (!closed && Date.now() < end) await rest(end - Date.now());
      }
    }
  };
  const running = run();

  return {
    wake() {
      woken = true;
      if (failures === 0) sleep?.abort();
    },
    async close() {
      closed = true;
      sleep?.abort();
      await running;
    },
  };
}
