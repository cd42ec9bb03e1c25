import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import { z } from 'zod';
import { openDatabase } from '../support/database.js';
import { freePort, startService, until } from '../support/process.js';
import { programUrl } from '../support/program.js';
import { startSmtp } from '../support/smtp.js';
import { adminEnv, openConsole } from './console.js';
import { addDays, dayOf, lastSunday } from './days.js';
import { asAdmin, confirmedCsv, importCsv, listOf, outsideEnv, publish, quiet, send, wordsOf } from './outside.js';

/* The hour when the clocks change, lived through by a real process (case 14 of the collected faults). */

t.setTimeout(180_000);
// Each of them mostly waits.
t.jobs = 2;

const timeZone = 'Europe/Brussels';
const preload = programUrl('test/support/shifted-clock').href;

const nextYear = Number(addDays(dayOf(new Date(), timeZone), 365).slice(0, 4));
const [spring, autumn] = [lastSunday(nextYear, 3), lastSunday(nextYear, 10)];

for (const { name, sunday, publishedAt, shown } of [
  // 02:30 is left out: the clocks go from 02:00 to 03:00.
  { name: 'spring', sunday: spring, publishedAt: `${spring}T01:30:00.000Z`, shown: '03:30 CEST' },
  // 02:30 comes twice, and the first counts: the clocks go from 03:00 to 02:00.
  { name: 'autumn', sunday: autumn, publishedAt: `${autumn}T00:30:00.000Z`, shown: '02:30 CEST' },
]) {
  t.test(
    `case 14: planned for 02:30 when the clocks change in ${name}: once, as shown, in peace`,
    {
      buffered: true,
    },
    async (t) => {
      const database = await openDatabase(t);
      const relay = await startSmtp(t);
      const clockPort = await freePort();
      const env = outsideEnv({
        ...adminEnv,
        DATABASE_URL: database.url,
        SMTP_URL: relay.url,
        TZ: timeZone,
        TIME_ZONE: timeZone,
        CLOCK_START: `${addDays(sunday, -1)}T12:00:00Z`,
        CLOCK_PORT: String(clockPort),
      });
      const service = await startService(t, env, { preload });
      const clock = async (at?: string) => {
        const address = `http://127.0.0.1:${clockPort}/`;
        const answer = await send(at === undefined ? address : `${address}?at=${at}`, { method: 'POST' });
        return z.object({ now: z.string(), cpuMs: z.number() }).parse(JSON.parse(answer.body));
      };

      await publish(service, listOf('Vendor One'), { notify: false });
      await importCsv(service, confirmedCsv('ann@example.org'));
      const draft = JSON.stringify(listOf('Vendor One', 'Vendor Two'));
      t.equal((await asAdmin(service, '/api/v1/draft', { method: 'PUT', body: draft })).status, 200);
      const console = await openConsole(service);
      const checked = await console.submit(await console.get('/admin/publish'), '/admin/publish/check', {
        publishAt: `${sunday}T02:30`,
        effectiveAt: '',
        objectionDeadline: '',
      });
      t.match(checked.body, `<time datetime="${publishedAt}">`, 'the console shows the moment beforehand');
      const planned = await console.submit(checked, '/admin/publish');
      t.match(planned.body, `<time datetime="${publishedAt}">`, 'and again once it is planned');
      t.match(wordsOf(planned.body), `at ${shown}`, 'as the clocks on the wall will show it');

      // The hour before the change and the one after it: each half hour is met while the clock runs on.
      for (const moment of ['00:30', '01:00', '01:30', '02:00']) {
        const at = new Date(`${sunday}T${moment}:00Z`);
        // What came about meanwhile, such as a mail to be composed, is over: then it is to be quiet.
        await clock(new Date(at.getTime() - 2_500).toISOString());
        await until('that moment', async () => (await clock()).now > at.toISOString());
        if (at.toISOString() === publishedAt) {
          await until('the publication', async () => (await asAdmin(service, '/api/v1/versions/2')).status === 200);
          await quiet({ database });
        }
        const [before, from] = [await clock(), performance.now()];
        await pause(2_500);
        const share = ((await clock()).cpuMs - before.cpuMs) / (performance.now() - from);
        t.ok(share < 0.3, `after ${moment} UTC it is idle: ${Math.round(share * 100)} % of a processor`);
        const due = at.toISOString() >= publishedAt;
        t.equal((await asAdmin(service, '/api/v1/versions/2')).status, due ? 200 : 404, due ? 'published' : 'not yet');
      }

      const versions = z
        .object({ versions: z.array(z.object({ version: z.number(), publishedAt: z.string() })) })
        .parse(JSON.parse((await asAdmin(service, '/api/v1/versions')).body)).versions;
      t.strictSame(
        versions.map(({ version }) => version),
        [2, 1],
        'once',
      );
      t.equal(versions[0]?.publishedAt, publishedAt, 'at the moment that was shown');
      await quiet({ database });
      t.equal(relay.received.length, 1, 'and told once');
      t.notMatch(service.output(), '"level":50', 'nothing failed');
    },
  );
}
