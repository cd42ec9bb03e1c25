/** A clock that stands still until it is moved. */
export interface Clock {
  now: () => Date;
  /** To that instant, as `2027-03-01T09:00:00Z`. */
  set(instant: string | Date): void;
  advance(by: { days?: number; hours?: number; minutes?: number; seconds?: number }): void;
}

export function createClock(start: string | Date = '2027-01-04T09:00:00Z'): Clock {
  let at = instantOf(start);
  return {
    now: () => new Date(at),
    set(instant) {
      at = instantOf(instant);
    },
    advance({ days = 0, hours = 0, minutes = 0, seconds = 0 }) {
      at += (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000;
    },
  };
}

function instantOf(instant: string | Date): number {
  const at = new Date(instant).getTime();
  if (Number.isNaN(at)) throw new Error(`not an instant: ${String(instant)}`);
  return at;
}
