import cron, { type ScheduledTask } from 'node-cron';
import { purgeSessions } from './admins/sessions.js';
import { countDeliveries } from './deliveries/figures.js';
import type { Deps } from './deps.js';
import { stayAwake } from './holds/hold.js';
import { countSubscribers } from './subscribers/figures.js';
import { purgePending } from './subscribers/purge.js';
import { tellAdmins } from './task-letters.js';
import { dayOf } from './versions/clock.js';
import { purgeImports } from './versions/import.js';

/*
 * Work by the clock. Each deed may run on every instance at once: it deletes what is over, and a second
 * one finds nothing, or counts the same. What has a moment of its own (a planned publication) is a loop's work, not a cron's.
 */

interface Deed {
  name: string;
  /** Minute, hour, day, month, weekday; in UTC, in which no hour is skipped or doubled. */
  when: string;
  run: (deps: Deps) => Promise<number>;
}

const todayOf = ({ now, config }: Deps) => dayOf(now(), config.timeZone);

const deeds: readonly Deed[] = [
  { name: 'stay-awake', when: '* * * * *', run: (deps) => stayAwake(deps).then(() => 0) },
  { name: 'tell-admins', when: '*/5 * * * *', run: tellAdmins },
  { name: 'count-subscribers', when: '* * * * *', run: (deps) => countSubscribers(deps, todayOf(deps)).then(() => 0) },
  { name: 'count-deliveries', when: '* * * * *', run: (deps) => countDeliveries(deps, todayOf(deps)).then(() => 0) },
  { name: 'purge-pending', when: '7 * * * *', run: purgePending },
  { name: 'purge-imports', when: '17 * * * *', run: purgeImports },
  { name: 'purge-sessions', when: '37 3 * * *', run: purgeSessions },
];

export interface Schedule {
  close(): Promise<void>;
}

/** Starts the schedule; each deed is also done once now, as its hour may have passed while nobody ran. */
export function startSchedule(deps: Deps): Schedule {
  const running = new Set<Promise<void>>();
  const act = ({ name, run }: Deed): Promise<void> => {
    const doing = run(deps)
      .then((count) => {
        if (count > 0) deps.log.info({ deed: name, count }, 'scheduled work is done');
      })
      .catch((err: unknown) =>
        deps.log.error({ err, deed: name }, 'scheduled work failed and is due again at its next hour'),
      )
      .finally(() => running.delete(doing));
    running.add(doing);
    return doing;
  };
  const tasks: ScheduledTask[] = deeds.map((deed) =>
    cron.schedule(deed.when, () => act(deed), { name: deed.name, timezone: 'UTC', noOverlap: true }),
  );
  for (const deed of deeds) void act(deed);
  return {
    async close() {
      for (const task of tasks) await task.destroy();
      await Promise.all(running);
    },
  };
}
