import type { Deps } from '../deps.js';
import { type Memory, newMemory, type Progress, readProgress } from './progress.js';
import { type DeliveryReport, deliveryReport } from './report.js';

/*
 * Live progress for any number of watchers: a version is looked at once a second by this instance, however
 * many watch it, and not at all when nobody does.
 */

/** One who watches. */
export interface Watcher {
  progress(progress: Progress): void;
  /** No more comes: the run is complete, or the service stops. */
  end(complete: boolean): void;
}

export interface ProgressFeed {
  /** One look, now; `report`, for who has just made one, as it counts every row. */
  read(version: number, report?: DeliveryReport): Promise<Progress>;
  /**
   * Tells a watcher of every change until it stops, the run is complete, or the service ends.
   * @returns how to stop; null when there are too many watchers already
   */
  watch(version: number, watcher: Watcher): (() => void) | null;
  readonly watchers: number;
  /** Ends every watcher; none is taken afterwards. */
  close(): void;
}

interface Running {
  watchers: Set<Watcher>;
  latest: Progress | null;
  timer: NodeJS.Timeout | null;
}

const mostWatchers = 100;
/** A look may take at most one part of so many of the time. */
const shareOfLooking = 9;
/** What was measured of a version that nobody has asked for in this time is forgotten. */
const forgetAfter = 60_000;

export function createProgressFeed(
  deps: Pick<Deps, 'db' | 'now' | 'log'>,
  { everyMs = 1_000 }: { everyMs?: number } = {},
): ProgressFeed {
  const running = new Map<number, Running>();
  const memories = new Map<number, { memory: Memory; at: number }>();
  let watchers = 0;
  let closed = false;

  return {
    read,
    watch(version, watcher) {
      if (closed || watchers >= mostWatchers) return null;
      const run = running.get(version) ?? begin(version);
      run.watchers.add(watcher);
      watchers += 1;
      if (run.latest !== null) tell(version, run, watcher, run.latest);
      return () => leave(version, run, watcher);
    },
    get watchers() {
      return watchers;
    },
    close() {
      closed = true;
      for (const [version, run] of [...running]) end(version, run, false);
    },
  };

  async function read(version: number, known?: DeliveryReport): Promise<Progress> {
    const report = known ?? (await deliveryReport(deps.db, version));
    const now = deps.now().getTime();
    for (const [other, { at }] of memories) if (now - at > forgetAfter) memories.delete(other);
    const memory = memories.get(version)?.memory ?? newMemory();
    memories.set(version, { memory, at: now });
    return readProgress(deps, report, memory);
  }

  function begin(version: number): Running {
    const run: Running = { watchers: new Set(), latest: null, timer: null };
    running.set(version, run);
    void look(version, run);
    return run;
  }

  async function look(version: number, run: Running): Promise<void> {
    const begun = performance.now();
    try {
      const progress = await read(version);
      if (running.get(version) !== run) return;
      if (JSON.stringify(progress) !== JSON.stringify(run.latest)) {
        run.latest = progress;
        for (const watcher of [...run.watchers]) tell(version, run, watcher, progress);
      }
      if (progress.complete) return end(version, run, true);
    } catch (err) {
      // The database is away for a moment: those who watch see no change, and it is tried again.
      deps.log.warn({ err, version }, 'the progress of a notice could not be read');
    }
    if (running.get(version) !== run) return;
    // A million rows take a second to count, and the database has mail to record as well.
    const pause = Math.max(everyMs, (performance.now() - begun) * shareOfLooking);
    run.timer = setTimeout(() => void look(version, run), pause);
    run.timer.unref();
  }

  /** One that cannot be told is let go, and is no reason to tell the others nothing. */
  function tell(version: number, run: Running, watcher: Watcher, progress: Progress): void {
    try {
      watcher.progress(progress);
    } catch (err) {
      deps.log.warn({ err, version }, 'a watcher of a notice could not be told');
      leave(version, run, watcher);
      watcher.end(false);
    }
  }

  function leave(version: number, run: Running, watcher: Watcher): void {
    if (!run.watchers.delete(watcher)) return;
    watchers -= 1;
    if (run.watchers.size === 0) stop(version, run);
  }

  function end(version: number, run: Running, complete: boolean): void {
    stop(version, run);
    const told = [...run.watchers];
    watchers -= told.length;
    run.watchers.clear();
    for (const watcher of told) watcher.end(complete);
  }

  function stop(version: number, run: Running): void {
    if (run.timer !== null) clearTimeout(run.timer);
    if (running.get(version) === run) running.delete(version);
  }
}
