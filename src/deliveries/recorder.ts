import { setTimeout as pause } from 'node:timers/promises';

/** Writes what gathers, one statement at a time. */
export interface Recorder<T> {
  add(item: T): void;
  /** How many are not written yet. */
  readonly pending: number;
  /**
   * Resolves when fewer than `most` wait, so that nobody goes on doing what cannot be recorded; rejects
   * when writing was given up.
   */
  room(most: number): Promise<void>;
  /** Resolves when everything added so far is written; rejects when writing was given up. */
  flush(): Promise<void>;
}

/** Pauses between tries, in milliseconds: about half a minute, in which a database restarts. */
const pauses = [100, 250, 500, 1_000, 2_000, 5_000, 10_000, 10_000];
/** A statement with more rows gains nothing and makes the next answer wait. */
const widest = 1_000;

/**
 * Self-clocked: a statement starts whenever the last is back, with what has gathered meanwhile. Against
 * a timer it costs nothing, and what a crash could repeat shrinks from all that a timer holds to what
 * comes in during one round trip (under ten answers on average; the way of it was measured).
 *
 * A write that fails is tried again for a while: answers of the relay are facts, and losing them would
 * mean to send those mails once more.
 */
export function createRecorder<T>(write: (items: readonly T[]) => Promise<void>): Recorder<T> {
  let waiting: T[] = [];
  let writing = 0;
  let loop: Promise<void> | null = null;
  let failure: unknown = null;

  const onProgress: (() => void)[] = [];
  const drain = async () => {
    while (waiting.length > 0 && failure === null) {
      const batch = waiting.splice(0, widest);
      writing = batch.length;
      try {
        await persist(() => write(batch));
      } catch (error) {
        waiting = [...batch, ...waiting];
        failure = error;
      }
      writing = 0;
      for (const tell of onProgress.splice(0)) tell();
    }
    // In the same turn as the last look at what waits: what is added from now on starts anew.
    loop = null;
  };
  const start = () => {
    // One turn later, so that answers of the same tick share a statement.
    loop ??= Promise.resolve().then(drain);
    return loop;
  };

  return {
    add(item) {
      waiting.push(item);
      if (failure === null) void start();
    },
    get pending() {
      return waiting.length + writing;
    },
    async room(most) {
      while (waiting.length + writing >= most && failure === null) {
        await new Promise<void>((resolve) => onProgress.push(resolve));
      }
      if (failure !== null) throw failure;
    },
    async flush() {
      while (loop !== null || (waiting.length > 0 && failure === null)) await (loop ?? start());
      if (failure !== null) throw failure;
    },
  };
}

async function persist(write: () => Promise<void>): Promise<void> {
  for (const wait of pauses) {
    try {
      return await write();
    } catch {
      await pause(wait);
    }
  }
  await write();
}
