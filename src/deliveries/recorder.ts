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

/** Pauses between tries, in milliseconds: five minutes, in which a database restarts or another takes over. */
const pauses = [100, 250, 500, 1_000, 2_000, ...Array.from({ length: 60 }, () => 5_000)];
/** A statement with more rows gains nothing and makes the next answer wait. */
const widest = 1_000;

/** From so many on a statement costs little more than its rows. */
const enough = 100;
/** How long few answers wait for company, in milliseconds. */
const patience = 10;

/**
 * Self-clocked: a statement starts whenever the last is back, with what has gathered meanwhile, be it a
 * hundred answers or what came within ten milliseconds. A statement of ten rows costs three times as much
 * a row as one of a hundred, here and in the database; and what a crash could repeat stays what comes in
 * during one round trip, not all that a slow timer holds.
 *
 * A write that fails is tried again for a while: answers of the relay are facts, and losing them would
 * mean to send those mails once more.
 */
export function createRecorder<T>(write: (items: readonly T[]) => Promise<void>): Recorder<T> {
  let waiting: T[] = [];
  let writing = 0;
  let loop: Promise<void> | null = null;
  let failure: unknown = null;
  let hurried = false;
  let onEnough = () => {};

  const onProgress: (() => void)[] = [];
  const drain = async () => {
    while (waiting.length > 0 && failure === null) {
      await company();
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
  const company = async () => {
    if (waiting.length >= enough || hurried) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, patience);
      onEnough = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    onEnough = () => {};
  };

  return {
    add(item) {
      waiting.push(item);
      if (failure !== null) return;
      loop ??= drain();
      if (waiting.length >= enough) onEnough();
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
      hurried = true;
      onEnough();
      while (loop !== null) await loop;
      hurried = false;
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
