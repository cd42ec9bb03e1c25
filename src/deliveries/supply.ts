import { setTimeout as pause } from 'node:timers/promises';
import type { Deps } from '../deps.js';
import { type ClaimedDelivery, claimDeliveries, recheckDeliveries, renewLeases } from './queries.js';
import { reserveRate } from './relay-queries.js';

/** A claimed delivery that has not been handed over. */
export type Sendable = ClaimedDelivery & { email: string };

/** What one run of the sender takes from the outbox, in order, and only while it may still go. */
export interface Supply {
  /** The next one, when its turn under MAIL_RATE has come; null: none is left for this run. */
  next(): Promise<Sendable | null>;
  /** The next one if it lies ready and may go at once, so that nothing needs to be waited for; else null. */
  take(): Sendable | null;
  /** It was not handed over after all: it is the next again. */
  putBack(delivery: Sendable): void;
  /** It is recorded, and no longer ours. */
  settled(id: number): void;
  /** What was claimed and not taken. */
  rest(): Sendable[];
  /** How many were claimed so far, those that must not go included. */
  readonly claimed: number;
  /** Ends the renewal of leases. */
  close(): void;
}

const second = 1_000;
/** An instance that dies is covered within a minute; one that lives renews three times in this time. */
export const lease = 45 * second;
const renewal = 15 * second;
/** After that it is asked again whether a claimed delivery may go: somebody may have left meanwhile. */
const freshFor = 1 * second;
/** Then a run ends and the next begins, with a fresh look at the relay and at what others left. */
const longestRun = 10 * second;
// More at hand survive a few rounds of the garbage collector, and the process grows by it.
const largestChunk = 250;

export interface SupplyOptions {
  instance: string;
  /** Most deliveries of this run. */
  most: number;
  signal: AbortSignal | undefined;
  /** Told of each delivery that must not go, and why. */
  onWithheld: (delivery: ClaimedDelivery, reason: string) => void;
}

/**
 * Claims ahead of the workers in chunks of about a second's work: enough that they never wait for the
 * database, little enough that a letter does not stand behind minutes of notices, and that what a
 * crash leaves behind is small.
 */
export function createSupply(deps: Pick<Deps, 'db' | 'config' | 'now' | 'log'>, options: SupplyOptions): Supply {
  const { config, db } = deps;
  const { instance, most, signal } = options;
  const rate = config.mailRate;
  const domain = config.mailFrom.address.slice(config.mailFrom.address.lastIndexOf('@') + 1);
  const begun = deps.now().getTime();

  type Waiting = { delivery: Sendable; checkedAt: number; notBefore: number };
  let queue: Waiting[] = [];
  const atHand = new Set<number>();
  let leaseEnds = Number.POSITIVE_INFINITY;
  let claimed = 0;
  let exhausted = false;
  let chunk = rate === null ? config.mailConcurrency * 4 : Math.min(Math.max(1, Math.floor(rate)), largestChunk);
  let lastClaim = begun;
  let refilling: Promise<void> | null = null;
  let turn: Promise<unknown> = Promise.resolve();
  let waiting = 0;

  const timer = setInterval(() => {
    renew().catch((err: unknown) => deps.log.warn({ err }, 'leases of deliveries could not be renewed'));
  }, renewal);
  timer.unref();

  return {
    take() {
      // Those who wait for the next one come first.
      if (waiting > 0 || isEnding()) return null;
      const head = queue[0];
      const now = deps.now().getTime();
      if (head === undefined || head.notBefore > now || now - head.checkedAt > freshFor || now >= leaseEnds)
        return null;
      queue.shift();
      refillBehind();
      return head.delivery;
    },
    next() {
      waiting += 1;
      // One after the other: the order of the queue is the order in which mail goes.
      const result = turn.then(takeNext).finally(() => {
        waiting -= 1;
      });
      turn = result.catch(() => undefined);
      return result;
    },
    putBack(delivery) {
      queue.unshift({ delivery, checkedAt: deps.now().getTime(), notBefore: 0 });
    },
    settled: (id) => void atHand.delete(id),
    rest: () => queue.splice(0).map(({ delivery }) => delivery),
    get claimed() {
      return claimed;
    },
    close: () => clearInterval(timer),
  };

  function isEnding(): boolean {
    return signal?.aborted === true;
  }

  /** Behind the back of the workers; what goes wrong here comes up when the queue is empty. */
  function refillBehind(): void {
    if (!exhausted && queue.length <= chunk / 2) refill().catch(() => undefined);
  }

  async function takeNext(): Promise<Sendable | null> {
    for (;;) {
      if (isEnding()) return null;
      const head = queue[0];
      if (head === undefined) {
        if (refilling === null && exhausted) return null;
        await refill();
        continue;
      }
      refillBehind();
      await untilTurn(head.notBefore);
      if (isEnding()) return null;
      const now = deps.now().getTime();
      if (now >= leaseEnds) {
        // Others may have them by now. (The process was stopped, or cut off from the database.)
        queue = [];
        exhausted = true;
      } else if (now - head.checkedAt > freshFor) {
        await recheck(now);
      } else {
        queue.splice(queue.indexOf(head), 1);
        return head.delivery;
      }
    }
  }

  function refill(): Promise<void> {
    refilling ??= claimChunk().finally(() => {
      refilling = null;
    });
    return refilling;
  }

  async function claimChunk(): Promise<void> {
    if (exhausted) return;
    const now = deps.now();
    adapt(now.getTime());
    const size = Math.min(chunk, most - claimed);
    const leasedUntil = new Date(now.getTime() + lease);
    const rows = await claimDeliveries(db, { instance, most: size, now, leasedUntil, domain });
    if (atHand.size === 0) leaseEnds = leasedUntil.getTime();
    claimed += rows.length;
    exhausted = rows.length < size || claimed >= most || now.getTime() - begun > longestRun;

    const sendable: Sendable[] = [];
    for (const row of rows) {
      atHand.add(row.id);
      if (row.withheld !== null) options.onWithheld(row, row.withheld);
      else if (row.email !== null) sendable.push({ ...row, email: row.email });
    }
    const places = await takePlaces(sendable.length, now);
    for (const [index, delivery] of sendable.entries()) {
      queue.push({ delivery, checkedAt: now.getTime(), notBefore: places(index) });
    }
  }

  /** Places in the queue before the relay that all instances share; without MAIL_RATE there is none. */
  async function takePlaces(count: number, now: Date): Promise<(index: number) => number> {
    if (rate === null || count === 0) return () => 0;
    const start = (await reserveRate(db, now, count, rate)).getTime();
    return (index) => start + (index * second) / rate;
  }

  /** About a second's work: a fast relay gets large chunks, a slow one small ones. */
  function adapt(now: number): void {
    if (rate !== null || claimed === 0) return;
    const took = now - lastClaim;
    lastClaim = now;
    if (took < second / 2) chunk = Math.min(chunk * 2, largestChunk);
    else if (took > 2 * second) chunk = Math.max(Math.ceil(chunk / 2), config.mailConcurrency);
  }

  async function untilTurn(notBefore: number): Promise<void> {
    const wait = notBefore - deps.now().getTime();
    if (wait > 0) await pause(wait, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }

  /** Asks for all that wait, in one statement, whether they may still go. */
  async function recheck(now: number): Promise<void> {
    const rows = await recheckDeliveries(
      db,
      instance,
      queue.map(({ delivery }) => delivery.id),
    );
    const found = new Map(rows.map((row) => [row.id, row]));
    const asked = queue;
    queue = [];
    for (const waiting of asked) {
      const { delivery } = waiting;
      const row = found.get(delivery.id);
      if (row === undefined) queue.push({ ...waiting, checkedAt: now });
      // The process was stopped for longer than its lease, and renewed in vain: others have it, or had.
      else if (!row.isOurs) atHand.delete(delivery.id);
      else if (row.withheld !== null) options.onWithheld(delivery, row.withheld);
    }
  }

  async function renew(): Promise<void> {
    if (atHand.size === 0) return;
    const until = new Date(deps.now().getTime() + lease);
    await renewLeases(db, instance, [...atHand], until);
    leaseEnds = until.getTime();
  }
}
