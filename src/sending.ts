import { followUndelivered } from './bounces/undelivered.js';
import { createContents } from './contents.js';
import { sendBatch } from './deliveries/sender.js';
import type { Deps } from './deps.js';
import { type Loop, startLoop } from './loop.js';
import type { Transport } from './mail/transport.js';
import { fanOut } from './notices/fan-out.js';
import { publishDue } from './versions/scheduled.js';

/** What the service does by itself, a step a call; each returns how much it did, 0 when nothing is left. */
export interface Steps {
  /** Publications whose time has come. */
  publishDue(): Promise<number>;
  /** Ordered notices → deliveries. */
  fanOut(): Promise<number>;
  /** Deliveries that are due → the relay. */
  send(): Promise<number>;
}

export interface StepOptions {
  transport: Transport;
  /** A UUID of this process. */
  instance: string;
  /** Aborted when the process is to end. */
  signal?: AbortSignal;
}

/** The steps, wired: here alone is decided what is in a delivery and what a hard bounce leads to. */
export function createSteps(deps: Deps, options: StepOptions): Steps {
  const contentOf = createContents(deps);
  return {
    publishDue: () => publishDue(deps),
    fanOut: () => fanOut(deps),
    send: () => sendBatch({ ...deps, ...options, contentOf, onUndelivered: followUndelivered }),
  };
}

/** The steps in loops, until they are closed. */
export interface Sending {
  wake(step: keyof Steps): void;
  close(): Promise<void>;
}

/** How often each looks by itself, in milliseconds; a wake-up comes within one when the database is well. */
const intervals = { publishDue: 1_000, fanOut: 5_000, send: 2_000 } as const satisfies Record<keyof Steps, number>;

/**
 * Starts a loop for each step. Closing lets the mail in hand get its answer and gives back what was
 * claimed; the transport stays open for that, and is the caller's to close.
 */
export function startSending(deps: Deps, options: Omit<StepOptions, 'signal'>): Sending {
  const ending = new AbortController();
  const steps = createSteps(deps, { ...options, signal: ending.signal });
  const loop = (name: keyof Steps): Loop =>
    startLoop({ name, step: steps[name], everyMs: intervals[name], log: deps.log });
  const loops: Record<keyof Steps, Loop> = {
    publishDue: loop('publishDue'),
    fanOut: loop('fanOut'),
    send: loop('send'),
  };
  return {
    wake: (step) => loops[step].wake(),
    async close() {
      ending.abort();
      await Promise.all(Object.values(loops).map((running) => running.close()));
    },
  };
}
