/*
 * PURE. How fast a run is, from counts that were looked at again and again.
 */

interface Sample {
  at: number;
  done: number;
}

const window = 10_000;
/** Answers are recorded in batches, so a shorter stretch would say more of the batch than of the run. */
const shortest = 1_500;

/** The last looks at one run. */
export interface Meter {
  /** Mails a second over the last ten seconds; null: it was not looked at for long enough. */
  observe(done: number, at: Date): number | null;
}

export function createMeter(): Meter {
  let samples: Sample[] = [];
  return {
    observe(done, at) {
      const now = at.getTime();
      samples = samples.filter((sample) => now - sample.at <= window && sample.at <= now);
      const [oldest] = samples;
      // Several may look at the same moment; a clock that stands still measures nothing.
      if (samples.at(-1)?.at !== now) samples.push({ at: now, done });
      if (oldest === undefined || now - oldest.at < shortest) return null;
      return Math.max(0, ((done - oldest.done) * 1_000) / (now - oldest.at));
    },
  };
}
