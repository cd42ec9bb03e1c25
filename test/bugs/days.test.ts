import t, { type Test } from 'tap';
import { z } from 'zod';
import type { Service } from '../support/process.js';
import type { ReceivedMail } from '../support/smtp.js';
import {
  addDays,
  type Day,
  dayOf,
  daysIn,
  endOf,
  firstSunday,
  inWords,
  lastDayOf,
  lastSunday,
  startOf,
} from './days.js';
import {
  asAdmin,
  confirmedCsv,
  headerOf,
  importCsv,
  listOf,
  publish,
  quiet,
  send,
  startOutside,
  wordsOf,
} from './outside.js';
import { childOf, readXml } from './xml.js';

/* One calendar day, wherever it is shown and wherever the process runs (case 14 of the collected faults). */

t.setTimeout(180_000);
// Each test has a process of its own, which mostly starts.
t.jobs = 3;

/** The Sundays when the clocks change, and how long they are. */
const changes: Record<string, (year: number) => [day: Day, hours: number][]> = {
  'Europe/Brussels': (year) => [
    [lastSunday(year, 3), 23],
    [lastSunday(year, 10), 25],
  ],
  'Pacific/Auckland': (year) => [
    [firstSunday(year, 4), 25],
    [lastSunday(year, 9), 23],
  ],
};

interface Plan {
  version: number;
  effective: Day;
  deadline: Day;
  /** How long the last day to object is. */
  hours: number;
}

/** Around each of the next two changes: in force and objected to on the Sunday itself, then on the days beside it. */
function plansOf(timeZone: string): Plan[] {
  const soonest = addDays(dayOf(new Date(), timeZone), 40);
  const year = Number(soonest.slice(0, 4));
  const sundays = [...(changes[timeZone]?.(year) ?? []), ...(changes[timeZone]?.(year + 1) ?? [])];
  return sundays
    .filter(([sunday]) => sunday > soonest)
    .slice(0, 2)
    .flatMap(([sunday, hours]) => [
      { effective: sunday, deadline: sunday, hours },
      { effective: addDays(sunday, 1), deadline: addDays(sunday, -1), hours: 24 },
    ])
    .map((plan, index) => ({ version: index + 2, ...plan }));
}

for (const timeZone of Object.keys(changes)) {
  for (const processZone of ['Asia/Shanghai', 'America/Los_Angeles', 'UTC']) {
    t.test(
      `case 14: a day is the same everywhere: TIME_ZONE ${timeZone}, process in ${processZone}`,
      { buffered: true },
      async (t) => {
        const outside = await startOutside(t, { env: { TZ: processZone, TIME_ZONE: timeZone } });
        const { service, relay } = outside;
        const firstDay = dayOf(new Date(), timeZone);
        await publish(service, listOf('Vendor 1'), { notify: false });
        await importCsv(service, confirmedCsv('ann@example.org'));
        const plans = plansOf(timeZone);
        for (const { version, effective, deadline } of plans) {
          const names = Array.from({ length: version }, (_, index) => `Vendor ${index + 1}`);
          await publish(service, listOf(...names), { effectiveAt: effective, objectionDeadline: deadline });
        }
        await quiet(outside);
        // The days on which the test ran: two if it ran over midnight.
        const today = [...new Set([firstDay, dayOf(new Date(), timeZone)])];
        const mails = new Map(relay.received.map((mail) => [versionOf(mail), mail]));
        t.equal(relay.received.length, plans.length, 'one notice a version');

        for (const plan of plans) {
          const mail = mails.get(plan.version);
          if (mail === undefined) throw new Error(`no notice of version ${plan.version}`);
          await inMail(t, mail, plan);
          await onItsPage(t, service, plan, { timeZone, today });
          await inJson(t, service, plan, timeZone);
          await onTheDay(t, service, plan);
        }
        await onTheFirstPage(t, service, plans, today);
        await inFeeds(t, service, plans, timeZone);
        await inCalendar(t, service, plans);
        await inAudit(t, service, plans, timeZone);
      },
    );
  }
}

async function inMail(t: Test, mail: ReceivedMail, { version, effective, deadline }: Plan): Promise<void> {
  const { subject = '', text = '', html } = await mail.parse();
  t.strictSame(daysIn(subject), [effective], `version ${version}: the subject names the day`);
  const parts = { text: text.replace(/\s+/g, ' '), html: wordsOf(String(html)) };
  for (const [name, part] of Object.entries(parts)) {
    t.strictSame(daysIn(part), days(effective, deadline), `the ${name} part names these days and no other`);
    t.match(part, new RegExp(`In effect from:? ${inWords(effective)}`));
    t.match(part, new RegExp(`Objections until:? ${inWords(deadline)}, 24:00`));
  }
}

/** Each day in words, and the instant beside it, of the page of a version. */
async function onItsPage(
  t: Test,
  service: Service,
  { version, effective, deadline }: Plan,
  { timeZone, today }: { timeZone: string; today: readonly Day[] },
): Promise<void> {
  const { body } = await send(`${service.url}/versions/${version}`);
  const facts = /<dl class="facts version-dates">[\s\S]*?<\/dl>/.exec(body)?.[0] ?? '';
  const named = daysIn(wordsOf(facts));
  t.strictSame(
    named.filter((day) => !today.includes(day)),
    days(effective, deadline),
    `version ${version}: its page names the days`,
  );
  t.ok(
    named.some((day) => today.includes(day)),
    'beside the day of publishing',
  );
  const instants = [...facts.matchAll(/<time datetime="([^"]+)"/g)].map(([, instant]) => instant);
  t.strictSame(
    instants.slice(-2),
    [startOf(effective, timeZone).toISOString(), endOf(deadline, timeZone).toISOString()],
    'with the instants for programs',
  );
  t.match(wordsOf(facts), `${inWords(deadline)}, 24:00`);
}

const dates = z.object({ effectiveAt: z.string(), objectionDeadline: z.string() });

async function inJson(t: Test, service: Service, plan: Plan, timeZone: string): Promise<void> {
  const { version, hours } = plan;
  const { body } = await send(`${service.url}/versions/${version}.json`);
  t.strictSame(dates.parse(JSON.parse(body)), instantsOf(plan, timeZone), `version ${version}: the instants in JSON`);
  const { objectionDeadline } = dates.parse(JSON.parse(body));
  const lastDay = lastDayOf(new Date(objectionDeadline), timeZone);
  const length = new Date(objectionDeadline).getTime() - startOf(lastDay, timeZone).getTime();
  t.equal(length, hours * 60 * 60 * 1000, `the last day to object has ${hours} hours`);
}

/** A version is the list of the day on which it takes effect, and that of the day before is another. */
async function onTheDay(t: Test, service: Service, { version, effective }: Plan): Promise<void> {
  const { body } = await send(`${service.url}/at/${effective}`);
  t.match(wordsOf(body), `version ${version} of the list of`);
  t.match(wordsOf(body), new RegExp(`on ${inWords(effective)} ?\\.`));
  const versionAt = async (day: Day) =>
    z
      .object({ list: z.object({ version: z.number() }) })
      .parse(JSON.parse((await send(`${service.url}/at/${day}.json`)).body)).list.version;
  t.equal(await versionAt(effective), version, `version ${version} is the list of its day`);
  t.equal(await versionAt(addDays(effective, -1)), version - 1, 'and not of the day before');
}

/** What is announced, on the page and in JSON. */
async function onTheFirstPage(t: Test, service: Service, plans: readonly Plan[], today: readonly Day[]): Promise<void> {
  const { body } = await send(`${service.url}/`);
  for (const { version, effective, deadline } of plans) {
    const announcement = new RegExp(`<article [^>]*aria-labelledby="announced-${version}"[\\s\\S]*?</article>`);
    const named = daysIn(wordsOf(announcement.exec(body)?.[0] ?? ''));
    t.strictSame(
      named.filter((day) => !today.includes(day)),
      days(effective, deadline),
      `version ${version}: announced on the first page for the same days`,
    );
  }
  const list = await send(`${service.url}/list.json`);
  const { announced } = z
    .object({ announced: z.array(dates.extend({ version: z.number() })) })
    .parse(JSON.parse(list.body));
  const single = await Promise.all(
    plans.map(async ({ version }) =>
      dates.parse(JSON.parse((await send(`${service.url}/versions/${version}.json`)).body)),
    ),
  );
  t.strictSame(
    announced.map(({ version: _, ...rest }) => rest),
    single,
    'and so in /list.json',
  );
}

async function inFeeds(t: Test, service: Service, plans: readonly Plan[], timeZone: string): Promise<void> {
  const json = z
    .object({
      items: z.array(
        z.object({ content_html: z.string(), _subnotice: dates.extend({ version: z.number() }).partial() }),
      ),
    })
    .parse(JSON.parse((await send(`${service.url}/feed.json`)).body.replaceAll('"objectionDeadline":null,', '')));
  const atom = readXml((await send(`${service.url}/feed.atom`)).body);
  const entries = new Map(
    atom.children
      .filter(({ name }) => name === 'entry')
      .map((entry) => [/^Version (\d+):/.exec(childOf(entry, 'title').text)?.[1], childOf(entry, 'content').text]),
  );
  for (const plan of plans) {
    const { version, effective, deadline } = plan;
    const item = json.items.find(({ _subnotice }) => _subnotice.version === version);
    t.match(item?._subnotice, instantsOf(plan, timeZone), `version ${version}: the instants in /feed.json`);
    for (const content of [item?.content_html ?? '', entries.get(String(version)) ?? '']) {
      t.strictSame(daysIn(wordsOf(content)), days(effective, deadline), 'a feed names the same days');
      t.match(wordsOf(content), `${inWords(deadline)}, 24:00`);
    }
  }
}

async function inCalendar(t: Test, service: Service, plans: readonly Plan[]): Promise<void> {
  const { body } = await send(`${service.url}/calendar.ics`);
  const starts = new Map(
    body.split('BEGIN:VEVENT').flatMap((event) => {
      const unfolded = event.replaceAll('\r\n ', '');
      const version = /version (\d+)/.exec(unfolded)?.[1];
      const day = /^DTSTART;VALUE=DATE:(\d{4})(\d\d)(\d\d)\r$/m.exec(unfolded)?.slice(1).join('-');
      return day === undefined
        ? []
        : [[`${version} ${unfolded.includes('to object') ? 'deadline' : 'effective'}`, day]];
    }),
  );
  for (const { version, effective, deadline } of plans) {
    t.equal(starts.get(`${version} effective`), effective, `version ${version}: the day in the calendar`);
    t.equal(starts.get(`${version} deadline`), deadline, 'and the last day to object');
  }
}

const audit = z.object({
  entries: z.array(z.object({ action: z.string(), subject: z.string(), detail: z.looseObject({}) })),
});

async function inAudit(t: Test, service: Service, plans: readonly Plan[], timeZone: string): Promise<void> {
  const { body } = await asAdmin(service, '/api/v1/audit?limit=1000');
  const published = audit.parse(JSON.parse(body)).entries.filter(({ action }) => action === 'version.published');
  for (const plan of plans) {
    const { version, effective, deadline } = plan;
    const entry = published.filter(({ subject }) => subject === `version ${version}`);
    t.equal(entry.length, 1, `version ${version}: published once`);
    const { effectiveAt, objectionDeadline } = dates.parse(entry[0]?.detail);
    t.strictSame({ effectiveAt, objectionDeadline }, instantsOf(plan, timeZone), 'with its instants');
    t.equal(dayOf(new Date(effectiveAt), timeZone), effective, 'which are the same day');
    t.equal(lastDayOf(new Date(objectionDeadline), timeZone), deadline, 'and the same last day');
  }
}

/** Instants as programs get them. */
function instantsOf({ effective, deadline }: Plan, timeZone: string): z.infer<typeof dates> {
  return {
    effectiveAt: startOf(effective, timeZone).toISOString(),
    objectionDeadline: endOf(deadline, timeZone).toISOString(),
  };
}

function days(...given: readonly Day[]): Day[] {
  return [...new Set(given)].sort();
}

function versionOf(mail: ReceivedMail): number {
  const numbers = [...mail.raw.toString('latin1').matchAll(/\/versions\/(\d+)/g)].map(([, number]) => Number(number));
  const [number] = numbers;
  if (number === undefined) throw new Error(`no version is linked in: ${headerOf(mail, 'Subject')}`);
  return number;
}
